#!/usr/bin/env bash
# Installs the npm packages of package-lock.json where they are missing or changed.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=node_modules/.portcullis-lock
if ! cmp -s package-lock.json "$stamp"; then
  echo "Installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi
