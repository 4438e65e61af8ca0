# Sourced by scripts/test.sh and scripts/test-full.sh, which count with it what passes and fails.
# Each part writes its own log below build/reports/.
start=$SECONDS
passed=0 failed=0
mkdir -p build/reports

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

unit_tests() { # NAME PROGRAM: as part, and counts the tests inside
  local name=$1 report=build/reports/$1.xml
  part "$name" "$2" --gtest_brief=1 "--gtest_output=xml:$report"
  [ -f "$report" ] || return 0
  local all bad
  read -r all bad < <(sed -nE 's/^<testsuites tests="([0-9]+)" failures="([0-9]+)".*/\1 \2/p' "$report")
  passed=$((passed + all - bad))
  failed=$((failed + bad))
}

node_tests() { # NAME FILES...
  local name=$1
  shift
  node --test --test-concurrency=2 --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./tests/harness/reporter.mjs "--test-reporter-destination=build/reports/$name.jsonl" "$@"
}

build() { # PRESET: builds all of it, or ends the run
  local log=build/reports/build-$1.log began=$SECONDS
  echo "Building ($1 preset)"
  if ! scripts/cmake-build.sh "$1" all >"$log" 2>&1; then
    grep -E 'error|FAILED' "$log" | head -40
    failed=$((failed + 1))
    summary
    exit 1
  fi
  echo "ok      build ($((SECONDS - began)) s)"
}

summary() {
  echo
  echo "$((SECONDS - start)) seconds"
  echo "$passed passed, $failed failed"
}
