#!/usr/bin/env bash
# Installs what the browser tests need: Debian's Chromium and Node.js where they are missing, and from npm, into
# target/browser, what drives the one and what finds barriers. Ends with 1 and a sentence when that is not possible.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=()
command -v chromium >/dev/null || packages+=(chromium)
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)
if [ ${#packages[@]} -gt 0 ]; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  echo "installing ${packages[*]}"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
folder=${CARGO_TARGET_DIR:-$here/../target}/browser
mkdir -p "$folder"
exec 9>"$folder.lock"
flock 9
cmp -s "$here/browser/package-lock.json" "$folder/installed" && exit
cp "$here"/browser/package{,-lock}.json "$folder/"
(cd "$folder" && npm ci --no-audit --no-fund --silent) ||
  { echo "npm cannot install playwright-core and axe-core: is its registry within reach?"; exit 1; }
cp "$here/browser/package-lock.json" "$folder/installed"
