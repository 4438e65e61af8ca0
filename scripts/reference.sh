#!/usr/bin/env bash
# Writes docs/reference from the program, or checks that it is up to date. Usage: reference.sh write|check
set -euo pipefail
cd "$(dirname "$0")/.."
binary=build/dev/portcullis
mkdir -p docs/reference
status=0
for page in configuration errors metrics; do
  file=docs/reference/$page.md
  if [ "$1" = write ]; then
    "$binary" reference "$page" >"$file"
  elif ! "$binary" reference "$page" | diff -u "$file" -; then
    echo "$file is out of date: run \`make reference\`"
    status=1
  fi
done
exit $status
