#!/usr/bin/env bash
# The whole story on sample pods, told step by step. Usage: demo.sh [PROGRAMS [FOLDER]], by default those of the
# development build, and a folder beside it.
set -euo pipefail
build=${CARGO_TARGET_DIR:-target}
programs=$(cd "${1:-$build/debug}" && pwd)
folder=${2:-$build/demo}
pappus="$programs/pappus"
rm -rf "$folder"
mkdir -p "$folder"
# Database addresses and configurations need it whole.
folder=$(cd "$folder" && pwd)

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '  $ %s\n' "$*"; }
# Exit code 10 means: done, and there is something to read.
findings() { "$@" || { code=$?; [ $code = 10 ] || exit $code; }; }

say "1. A pod to try things on: invented people in an SQLite database, with photos."
"$programs/sample-pod" "$folder/pod" >"$folder/people"
sed 's/^/  /' "$folder/people"

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

say "8. One of them moves to another pod. What would come in?"
mover=$(basename "$archive" | cut -d@ -f1)
"$programs/demo-pods" target "$folder/target"
there=(--database-url "sqlite:$folder/target/db.sqlite3" --pod-url https://haven.example/
  --uploads "$folder/target/uploads" --state "$folder/target/state")
# Shown by `pappus verify`: the key of the pod that wrote the archive.
pod_key=$(findings "$pappus" verify "$archive" | sed -n "s/^Signed by the pod's archive key, \(.*\)\.$/\1/p")
# The account's pod, and its key: a pod speaks for its own people.
closing=$("$pappus" verify "$archive" --json | sed -n 's/^  "account": *"[^@]*@\([^"]*\)".*/\1/p')
import=("$archive" --as "$mover" --offline --trust-pod "$closing=$pod_key")
show "pappus import $archive --as $mover --dry-run"
findings "$pappus" import "${import[@]}" --dry-run "${there[@]}" | sed 's/^/  /'

say "9. And now in earnest: the account comes, and the move is announced by itself."
# Stands in for the pod of most friends.
"$programs/demo-pods" listen "sqlite:$folder/target/db.sqlite3" --port-file "$folder/port" >"$folder/heard" &
listening=$!
trap 'kill $listening 2>/dev/null || true' EXIT
for _ in $(seq 100); do [ -s "$folder/port" ] && break; sleep 0.1; done
show "pappus import $archive --as $mover"
# No web server leads to the new pod yet, so nobody can look the new account up from outside.
reach=(--assume-reachable --settle 0 --allow-host "127.0.0.1:$(cat "$folder/port")")
findings "$pappus" import "${import[@]}" "${reach[@]}" "${there[@]}" >"$folder/moved"
# The table is the same as the plan's.
grep -v '[│┌╞└]' "$folder/moved" | sed 's/^/  /'

say "10. The friends' pods hear of it: over HTTP, to a pod on this machine that opens what it gets."
show "pappus deliver      # each pod gets the move; the rest waits until the pod has processed it"
findings "$pappus" deliver "${reach[@]}" "${there[@]}" | sed 's/^/  /'
sleep 2
show "pappus deliver      # friends are back, so their pod has processed the move"
findings "$pappus" deliver "${reach[@]}" "${there[@]}" | sed 's/^/  /'
echo "  The friends' pod heard:"
sort "$folder/heard" | sed 's#/receive/users/.*)#…)#' | uniq -c | sed 's/^ */    /'
show "pappus deliveries"
findings "$pappus" deliveries "${there[@]}" | sed 's/^/  /'

say "11. And out of the new pod again: what came along is there."
findings "$pappus" export "$mover" "${there[@]}" --out "$folder/again" | head -1 | sed 's/^/  /'

say "12. Both pods as people see them, in a browser."
kill $listening 2>/dev/null || true
"$(dirname "$0")/demo-serve.sh" "$programs" "$folder"

say "Done. Look around:"
echo "  $folder/exports           one archive for each account"
echo "  $folder/unpacked/index.html   one of them, to open in a browser"
