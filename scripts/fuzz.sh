#!/usr/bin/env bash
# Builds the fuzz targets and runs each over its corpus. Usage: fuzz.sh SECONDS [TARGET...]
# What makes a target crash is kept in tests/fuzz/corpus/TARGET/. Exit 1 where one did.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz.sh SECONDS [TARGET...]}
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/*_fuzz.cpp; do
    targets+=("$(basename "$source" _fuzz.cpp)")
  done
fi
mkdir -p build/fuzz/logs
if ! scripts/cmake-build.sh fuzz fuzz_targets >build/fuzz/logs/build.log 2>&1; then
  tail -30 build/fuzz/logs/build.log >&2
  exit 1
fi

crashed=()
printf '%-16s %8s %8s %8s %10s  %s\n' target seeds cov ft runs result
for target in "${targets[@]}"; do
  corpus=tests/fuzz/corpus/$target
  found=build/fuzz/found/$target # inputs that reach new code; not part of the repository
  log=build/fuzz/logs/$target.log
  mkdir -p "$corpus" "$found"
  seeds=$(find "$corpus" -type f | wc -l)
  result=ok
  if ! build/fuzz/"fuzz_$target" "$found" "$corpus" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=3072 -print_final_stats=1 -artifact_prefix="$corpus/" >"$log" 2>&1; then
    result="CRASH: $(grep -oE 'broken promise: .*|SUMMARY: .*|ERROR: .*' "$log" | head -1)"
    crashed+=("$target")
  fi
  counters=$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -1 || true)
  runs=$(grep -oE 'number_of_executed_units: [0-9]+' "$log" | grep -oE '[0-9]+' || true)
  read -r _ cov _ ft <<<"${counters:-cov: - ft: -}"
  printf '%-16s %8s %8s %8s %10s  %s\n' "$target" "$seeds" "$cov" "$ft" "${runs:--}" "$result"
done
if [ ${#crashed[@]} -gt 0 ]; then
  echo "crashed: ${crashed[*]} (inputs in tests/fuzz/corpus/, logs in build/fuzz/logs/)"
  exit 1
fi
