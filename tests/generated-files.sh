#!/usr/bin/env bash
# Fails when a checked-in generated file is not what the code makes today.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
cargo run --quiet -p pappus-cli -- schemas "$fresh/schemas"
cargo run --quiet -p pappus-cli -- manual "$fresh/man"
stale=0
diff -ru schemas "$fresh/schemas" || stale=1
diff -ru docs/man "$fresh/man" || stale=1
if [ $stale = 1 ]; then
  echo "generated files are stale: run 'make generate' and commit what changes" >&2
  exit 1
fi
echo "generated files are fresh"
