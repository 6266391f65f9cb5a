#!/usr/bin/env bash
# Exports an account and compares the result with the archive diaspora* itself wrote for it.
#
#   tests/compare-with-diaspora.sh NAME STOCK_ARCHIVE --pod DIR | --database-url URL --pod-url URL --uploads DIR
#
# Prints each difference; ends with 0 when there is none. PAPPUS_BIN is the folder with the programs
# (default target/release).
set -euo pipefail
if [ $# -lt 4 ]; then
  sed -n '2,7p' "$0" | cut -c3-
  exit 2
fi
name=$1 stock=$2
shift 2
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${PAPPUS_BIN:-$here/target/release}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$bin/pappus" export "$name" "$@" --out "$out" >"$out/report" || { code=$?; [ $code = 10 ] || { cat "$out/report"; exit $code; }; }
"$bin/compare-archives" "$out"/*.zip "$stock"
