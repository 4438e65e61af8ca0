#!/usr/bin/env bash
# Chats with a real n8n through build/release/portcullis. The first run installs n8n from npm into build/n8n:
# 2 GB and some minutes. Everything listens on free ports of loopback and is stopped at the end.
# Usage: test-n8n.sh [install]    `install` stops after the installation
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD app=$PWD/build/n8n/app
read -r major minor < <(node -p 'process.versions.node.split(".").slice(0, 2).join(" ")')
if ! { [ "$major" -eq 20 ] && [ "$minor" -ge 19 ]; } && ! { [ "$major" -gt 20 ] && [ "$major" -lt 25 ]; }; then
  echo "n8n needs Node.js from 20.19 to 24; here is $(node --version)" >&2
  exit 1
fi

install_n8n() {
  mkdir -p "$app"
  cp "$root"/tests/n8n/install/*.json "$root/.npmrc" "$app/"
  cd "$app"
  # Native modules are compiled with the headers of this Node.js where it brings them.
  local prefix
  prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
  [ -f "$prefix/include/node/node.h" ] && export npm_config_nodedir=$prefix
  # No install scripts but those of the two modules that must be compiled: others fetch from elsewhere.
  npm install --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund --loglevel=error
  npm rebuild --loglevel=error sqlite3 isolated-vm
  node -e 'require("sqlite3")'
}

# Installed for this list of packages and this binary interface of Node.js?
stamp=$(cat tests/n8n/install/*.json | sha256sum | cut -d' ' -f1)-$(node -p process.versions.modules)
if [ "$(cat build/n8n/installed 2>/dev/null || true)" != "$stamp" ]; then
  echo "Installing n8n into build/n8n (2 GB, some minutes)"
  mkdir -p build/n8n
  # Not as a condition: `set -e` must hold inside.
  trap '[ -f build/n8n/installed ] || tail -20 build/n8n/install.log >&2' EXIT
  rm -f build/n8n/installed
  (install_n8n) >build/n8n/install.log 2>&1
  echo "$stamp" >build/n8n/installed
  trap - EXIT
fi
[ "${1:-}" = install ] && exit 0

PORTCULLIS_BINARY=${PORTCULLIS_BINARY:-$root/build/release/portcullis} exec node --test --test-reporter=spec tests/n8n/*.test.mjs
