#!/usr/bin/env bash
# clang-tidy on the .cpp files that changed against the merge base with origin's main branch (or against the
# commit before, where there is no origin); at most 12 of them, since a file takes up to a minute. `LINT_ALL=1`: all.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -n "${LINT_ALL:-}" ]; then
  files=$(git ls-files 'src/*.cpp' | { grep -v '_test\.cpp$' || true; })
else
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD origin/master 2>/dev/null || true)
  [ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ] || base=$(git rev-parse HEAD~1 2>/dev/null || true)
  [ -n "$base" ] || { echo "nothing to compare with"; exit 0; }
  files=$( (git diff --name-only --diff-filter=d "$base" -- 'src/*.cpp'; git ls-files --others --exclude-standard 'src/*.cpp') | { grep -v '_test\.cpp$' || true; } | sort -u | head -12)
fi
[ -n "$files" ] || { echo "no C++ source changed"; exit 0; }
# clang-tidy cannot use clang++'s precompiled header of other options; the include stays, the header goes.
echo "$files" | xargs -P 2 -n 1 clang-tidy-19 -p build/dev --quiet
