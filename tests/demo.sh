#!/usr/bin/env bash
# The main job on a sample pod, told step by step. Usage: demo.sh PROGRAMS FOLDER
set -euo pipefail
programs=$1 folder=$2
pappus="$programs/pappus"
rm -rf "$folder"
mkdir -p "$folder"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '  $ %s\n' "$*"; }
# Exit code 10 means: done, and there is something to read.
findings() { "$@" || { code=$?; [ $code = 10 ] || exit $code; }; }

say "1. A pod to try things on: invented people in an SQLite database, with photos."
"$programs/sample-pod" "$folder/pod" | sed 's/^/  /'

say "2. Can it be exported?"
show "pappus check --pod $folder/pod --accounts"
findings "$pappus" check --pod "$folder/pod" --accounts | sed 's/^/  /'

say "3. Every account into an archive of its own."
names=$(findings "$pappus" check --pod "$folder/pod" --accounts --json | tr ',{' '\n\n' | sed -n 's/.*"username": "\(.*\)".*/\1/p')
show "pappus export" $names "--pod $folder/pod --out $folder/exports"
# shellcheck disable=SC2086
findings "$pappus" export $names --pod "$folder/pod" --out "$folder/exports" --state "$folder/state" | sed 's/^/  /'

say "4. Is every archive whole, and signed?"
for archive in "$folder"/exports/*.zip; do
  findings "$pappus" verify "$archive" >"$folder/verified"
  printf '  %s: %s\n' "$(basename "$archive")" "$(head -1 "$folder/verified" | sed 's/.* is /is /')"
done

say "5. The same without Pappus, for one of them."
archive=$(ls -S "$folder"/exports/*.zip | head -1)
rm -rf "$folder/unpacked"
mkdir "$folder/unpacked"
if command -v unzip >/dev/null; then unzip -q "$archive" -d "$folder/unpacked"; else python3 -m zipfile -e "$archive" "$folder/unpacked"; fi
(
  cd "$folder/unpacked"
  tr ',{' '\n\n' <manifest.json | sed -n 's/.*"path": "\(.*\)".*/\1/p' >paths
  tr ',{' '\n\n' <manifest.json | sed -n 's/.*"sha256": "\(.*\)".*/\1/p' >digests
  paste -d' ' digests paths | sed 's/ /  /' | sha256sum -c --quiet && echo "  sha256sum: all $(wc -l <paths) files are what the manifest says"
  rm paths digests
  if command -v openssl >/dev/null; then
    sed -n 's/.*"public_key": "\(.*\)".*/\1/p' manifest.json | head -1 | sed 's/\\n/\n/g' >key.pem
    base64 -d manifest.account.sig >signature
    printf '  openssl: account signature '
    openssl dgst -sha256 -verify key.pem -signature signature manifest.json
    rm key.pem signature
  fi
)

say "6. What is in it?"
show "pappus show $archive"
"$pappus" show "$archive" | sed 's/^/  /'

say "7. For a stock diaspora* pod."
"$pappus" convert "$archive" --to diaspora --out "$folder/for-a-stock-pod" | sed 's/^/  /'

say "Done. Look around:"
echo "  $folder/exports           one archive for each account"
echo "  $folder/unpacked/index.html   one of them, to open in a browser"
