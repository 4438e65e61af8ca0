#!/usr/bin/env bash
# Records how the gateway runs under ordinary chat traffic, for the release build to be compiled by.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf build/profile/counts
PORTCULLIS_BINARY=$PWD/build/profile/portcullis node bench/profile/train.mjs
llvm-profdata-19 merge --sparse -o bench/profile/portcullis.profdata build/profile/counts/*.profraw
ls -l bench/profile/portcullis.profdata
