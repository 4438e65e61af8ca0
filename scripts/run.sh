#!/usr/bin/env bash
# Starts the release binary and says where everything is. Settings come from the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
export SERVER_HOST=${SERVER_HOST:-${API_HOST:-127.0.0.1}} SERVER_PORT=${SERVER_PORT:-${API_PORT:-8000}}
base=http://$SERVER_HOST:$SERVER_PORT
cat <<TEXT

  Widget demo   $base/widget/
  Health        $base/health
  Metrics       $base/metrics    (Prometheus text: $base/metrics?format=prometheus)

  Stop with Ctrl-C.

TEXT
exec build/release/portcullis serve
