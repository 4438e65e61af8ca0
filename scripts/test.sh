#!/usr/bin/env bash
# The test command: installs what is missing, builds with ASan and UBSan, runs every check and test, and ends
# with one summary line. Each part writes its own log below build/reports/.
set -euo pipefail
cd "$(dirname "$0")/.."
start=$SECONDS
mkdir -p build/reports
rm -f build/reports/*.log build/reports/*.jsonl build/reports/*.xml
passed=0 failed=0

part() { # NAME COMMAND...: counts one part that passes or fails as a whole
  local name=$1 began=$SECONDS
  shift
  if "$@" >"build/reports/$name.log" 2>&1; then
    echo "ok      $name ($((SECONDS - began)) s)"
    passed=$((passed + 1))
  else
    echo "FAILED  $name ($((SECONDS - began)) s)"
    tail -60 "build/reports/$name.log" | sed 's/^/        /'
    failed=$((failed + 1))
  fi
}

tests() { # NAME COMMAND...: as part, and counts the tests inside by the report that they leave
  local name=$1
  part "$@"
  local report=build/reports/$name.jsonl
  [ -f "$report" ] || return 0
  passed=$((passed + $(grep -c '"passed":true' "$report" || true)))
  failed=$((failed + $(grep -c '"passed":false' "$report" || true)))
}

node_tests() { # NAME FILES...
  local name=$1
  shift
  node --test --test-concurrency=2 --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./tests/harness/reporter.mjs "--test-reporter-destination=build/reports/$name.jsonl" "$@"
}

scripts/install-packages.sh build web test
scripts/npm-install.sh
node web/build.mjs build/web

echo "Building (dev preset: ASan, UBSan)"
if ! scripts/cmake-build.sh dev all >build/reports/build.log 2>&1; then
  grep -E 'error|FAILED' build/reports/build.log | head -40
  echo "0 passed, 1 failed"
  exit 1
fi
echo "ok      build ($((SECONDS - start)) s)"

part layers python3 scripts/check-layers.py
part format scripts/check-format.sh
part reference scripts/reference.sh check
part types npx --no-install tsc --noEmit
part web node web/test.mjs
part unit build/dev/unit_tests --gtest_brief=1 --gtest_output=xml:build/reports/unit.xml
[ -f build/reports/unit.xml ] && passed=$((passed + $(grep -c '<testcase ' build/reports/unit.xml)))
tests blackbox node_tests blackbox tests/blackbox/*.test.mjs
tests performance node_tests performance tests/performance/*.test.mjs
tests browser node tests/browser/run.mjs
part lint scripts/lint.sh
part assurance_page node scripts/assurance-doc.mjs --check

echo
echo "$((SECONDS - start)) seconds"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
