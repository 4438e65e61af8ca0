#!/usr/bin/env bash
# Installs the Debian packages that a step needs and that are missing. Usage: install-packages.sh GROUP...
# Groups: build (compiler and libraries), web (Node.js and npm), test (checks, unit and browser tests),
#         bench (peers and load), n8n. Says what it installs; needs root or sudo only then.
set -euo pipefail

build=(clang-19 lld-19 llvm-19 libclang-rt-19-dev cmake ninja-build ccache make git ca-certificates
  libboost1.81-dev libboost-url1.81-dev libssl-dev libspdlog-dev libfmt-dev
  libyaml-cpp-dev libcli11-dev prometheus-cpp-dev libcurl4-openssl-dev zlib1g-dev libbrotli-dev libzstd-dev libmimalloc-dev
  libvectorscan-dev libmodsecurity-dev libhiredis-dev libmaxminddb-dev libcjose-dev libjansson-dev
  libcrypt-dev libsqlitecpp-dev libsqlite3-dev libpq-dev)
web=(nodejs npm)
test=(clang-format-19 clang-tidy-19 libgtest-dev libgmock-dev chromium openssl redis-server
  postgresql pgbouncer util-linux json-schema-test-suite zstd)
bench=(libbenchmark-dev wrk nginx haproxy libnginx-mod-http-modsecurity modsecurity-crs redis-server
  python3-fastapi python3-uvicorn python3-redis python3-httpx python3-uvloop python3-httptools)
n8n=(python3 make g++)

missing=()
for group in "$@"; do
  declare -n names=$group
  for name in "${names[@]}"; do
    # A Node.js from elsewhere brings its own npm and is not a Debian package.
    if [ "$group" = web ] && command -v "${name/nodejs/node}" >/dev/null; then continue; fi
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "These packages are missing; install them as root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
# The package lists may be missing or old.
install || { "${as_root[@]}" apt-get update >"$log" 2>&1 && install; } || { tail -20 "$log" >&2; exit 1; }
