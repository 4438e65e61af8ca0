#!/usr/bin/env bash
# Fetches n8n's own chat widget for the tests that drive it. All it needs is in its bundle; as a dependency it would
# bring a whole design system along, and the npm of Debian 12 cannot leave out what a dependency depends on.
set -euo pipefail
cd "$(dirname "$0")/.."
widget=@n8n/chat@1.37.0
sha512=V1EQxDp/+rW6o/5OZgbwDfgPJXG8Jrn3TIdq7Z/26QTP90Uo3g2gv8CMnaQcphdTQVR+K06X34DOCRHXa8Tqnw==
into=node_modules/@n8n/chat
grep -qs "^$widget$" "$into/.fetched" && exit 0

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder" "$widget" >/dev/null
archive=$(ls "$folder"/*.tgz)
if [ "$(node -p 'crypto.createHash("sha512").update(fs.readFileSync(process.argv[1])).digest("base64")' "$archive")" != "$sha512" ]; then
  echo "the archive of $widget is not the one that it was" >&2
  exit 1
fi
rm -rf "$into"
mkdir -p "$into"
tar -xzf "$archive" -C "$into" --strip-components=1
echo "$widget" >"$into/.fetched"
