#!/usr/bin/env python3
"""Checks that every module of src/ includes only modules that stand below it, and that guards and routes
never see sockets or Beast. The layers are those of ARCHITECTURE.md."""
import pathlib
import re
import sys

LAYERS = {
    "base": set(),
    "coding": {"base"},
    "crypto": {"base"},
    "observe": {"base"},
    "detect": {"base"},
    "config": {"base", "crypto", "observe"},
    "net": {"base", "observe", "config"},
    "http": {"base", "coding", "crypto", "observe", "config", "net"},
    "schema": {"base", "http"},
    "redis": {"base", "observe", "config", "net"},
    "sql": {"base"},
    "sqlite": {"base", "sql"},
    "postgres": {"base", "config", "sql"},
    "state": {"base", "crypto", "observe", "config", "net", "redis"},
    "identity": {"base", "crypto", "observe", "config", "net", "http", "state", "sql", "sqlite", "postgres"},
    "audit": {"base", "crypto", "observe", "config", "net"},
    "upstream": {"base", "crypto", "observe", "config", "net", "http", "identity"},
    "pipeline": {"base", "coding", "crypto", "observe", "config", "net", "http", "audit"},
    "chat": {"base", "crypto", "observe", "config", "net", "http", "state", "identity", "audit", "upstream", "pipeline"},
    "guards": {"base", "coding", "detect", "crypto", "observe", "config", "net", "http", "state", "identity", "audit", "pipeline"},
    "routes": {"base", "coding", "detect", "crypto", "observe", "config", "net", "http", "schema", "state", "identity", "audit", "upstream", "pipeline", "chat"},
}
LAYERS["gateway"] = set(LAYERS)
LAYERS["commands"] = {"base", "detect", "crypto", "observe", "config", "net", "http", "state", "identity"}
BEAST_ALLOWED = {"net", "http", "upstream"}
SOCKETS_FORBIDDEN = {"guards", "routes", "pipeline"}

root = pathlib.Path(__file__).resolve().parent.parent / "src"
problems = []
for path in sorted(root.rglob("*.[ch]pp")):
    module = path.relative_to(root).parts[0]
    if module not in LAYERS:
        if path.parent != root:
            problems.append(f"{path}: the module {module} is not in the table of layers")
        continue
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#include\s+["<]([^">]+)[">]', line)
        if not match:
            continue
        header = match.group(1)
        place = f"{path.relative_to(root.parent)}:{number}"
        if '"' in line and "/" in header:
            target = header.split("/")[0]
            test = path.name.endswith("_test.cpp")
            if target in LAYERS and target != module and target not in LAYERS[module] and not test:
                problems.append(f"{place}: {module} must not include {header}")
        if header.startswith("boost/beast") and (module not in BEAST_ALLOWED or path.suffix == ".hpp"):
            problems.append(f"{place}: Beast belongs into .cpp files of net, http and upstream")
        if header.startswith("boost/asio") and module in SOCKETS_FORBIDDEN:
            problems.append(f"{place}: {module} must not see sockets")
print("\n".join(problems) if problems else "layers: ok")
sys.exit(1 if problems else 0)
