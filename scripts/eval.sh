#!/usr/bin/env bash
# Runs the labelled texts of tests/detect/texts through the rules and, as a reference, through libmodsecurity with
# Debian's Core Rule Set. Prints what each catches and what each refuses wrongly.
set -euo pipefail
cd "$(dirname "$0")/.."
judge=build/crs_judge
if [ tests/detect/crs_judge.cpp -nt "$judge" ]; then
  clang++-19 -std=c++17 -O2 -w tests/detect/crs_judge.cpp -lmodsecurity -o "$judge"
fi
node tests/detect/evaluate.mjs \
  "Portcullis=build/release/portcullis rules eval --field prose" \
  "Core Rule Set=$judge bench/peers/crs-rules.conf.in"
