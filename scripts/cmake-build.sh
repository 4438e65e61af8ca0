#!/usr/bin/env bash
# Configures a preset once and builds a target of it. Usage: cmake-build.sh PRESET TARGET
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1 target=$2
if [ ! -f "build/$preset/build.ninja" ]; then
  mkdir -p "build/$preset"
  cmake --preset "$preset" >"build/$preset/configure.log" 2>&1 || { tail -30 "build/$preset/configure.log" >&2; exit 1; }
fi
cmake --build --preset "$preset" --target "$target"
