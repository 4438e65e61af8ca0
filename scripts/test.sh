#!/usr/bin/env bash
# The test command: installs what is missing, builds with ASan and UBSan, runs every check and test, and ends
# with one summary line. Each part writes its own log below build/reports/.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/test-parts.sh
rm -f build/reports/*.log build/reports/*.jsonl build/reports/*.xml

scripts/install-packages.sh build web test
scripts/npm-install.sh
scripts/stock-widget.sh
node web/build.mjs build/web

build dev

part layers python3 scripts/check-layers.py
part format scripts/check-format.sh
part reference scripts/reference.sh check
part types npx --no-install tsc --noEmit
part web node web/test.mjs
part rules build/dev/portcullis rules test
unit_tests unit build/dev/unit_tests
tests detect node_tests detect tests/detect/*.test.mjs
tests blackbox node_tests blackbox tests/blackbox/*.test.mjs tests/conformance/*.test.mjs tests/detect/*.test.mjs
CHAOS_SECONDS=8 tests redis_chaos node_tests redis_chaos tests/chaos/redis.test.mjs
tests performance node_tests performance tests/performance/*.test.mjs
tests browser node tests/browser/run.mjs
part lint scripts/lint.sh
part assurance_page node scripts/assurance-doc.mjs --check

summary
[ "$failed" -eq 0 ]
