#!/usr/bin/env bash
# Fails where clang-format would change a C++ file.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' | xargs clang-format-19 --dry-run --Werror
