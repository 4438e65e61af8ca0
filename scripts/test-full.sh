#!/usr/bin/env bash
# `make test`, and then what takes long: all tests under ThreadSanitizer, the black-box suite on a slow state store,
# what holds on a failing one, chaos (CHAOS_SECONDS each, 120) and fuzzing (FUZZ_SECONDS for each target, 600).
# Ends with one summary line.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/test-parts.sh
export CHAOS_SECONDS=${CHAOS_SECONDS:-120}
fuzz_seconds=${FUZZ_SECONDS:-600}

# Counted by its own last line, which must not be lost among the others.
quick=$(mktemp)
trap 'rm -f "$quick"' EXIT
scripts/test.sh | tee "$quick" || true
read -r quick_passed quick_failed < <(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$quick") || true
passed=$((passed + ${quick_passed:-0}))
failed=$((failed + ${quick_failed:-1}))

on() { # BINARY ENVIRONMENT COMMAND...: a run of black-box tests on this binary, each gateway with this environment
  local binary=$PWD/$1 environment=$2
  shift 2
  PORTCULLIS_BINARY=$binary PORTCULLIS_TEST_ENV=$environment "$@"
}

echo
slow='{"STATE_SIMULATE":"slow"}'
dev=build/dev/portcullis
tests slow_blackbox on $dev "$slow" node_tests slow_blackbox tests/blackbox/*.test.mjs tests/conformance/*.test.mjs
tests failing_store on $dev '{}' node_tests failing_store tests/chaos/failing_store.test.mjs
tests chaos on $dev '{}' node_tests chaos tests/chaos/chaos.test.mjs
tests long_redis_chaos on $dev '{}' node_tests long_redis_chaos tests/chaos/redis.test.mjs
tests slow_chaos on $dev "$slow" node_tests slow_chaos tests/chaos/chaos.test.mjs

build tsan
tsan=build/tsan/portcullis
unit_tests tsan_unit build/tsan/unit_tests
tests tsan_blackbox on $tsan '{}' node_tests tsan_blackbox tests/blackbox/*.test.mjs tests/conformance/*.test.mjs
tests tsan_failing_store on $tsan '{}' node_tests tsan_failing_store tests/chaos/failing_store.test.mjs
tests tsan_chaos on $tsan '{}' node_tests tsan_chaos tests/chaos/chaos.test.mjs
tests tsan_redis_chaos on $tsan '{}' node_tests tsan_redis_chaos tests/chaos/redis.test.mjs

part fuzz scripts/fuzz.sh "$fuzz_seconds"

summary
[ "$failed" -eq 0 ]
