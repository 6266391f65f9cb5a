#!/usr/bin/env bash
# The pages of the two sample pods that tests/demo.sh has made. Usage: demo-serve.sh PROGRAMS FOLDER
# In a terminal they are served until Ctrl-C; elsewhere it is only seen that they are.
set -euo pipefail
programs=$(cd "$1" && pwd) folder=$(cd "$2" && pwd)
pappus="$programs/pappus"

mapfile -t ports < <("$programs/demo-pods" ports 2)
closing="http://127.0.0.1:${ports[0]}/" target="http://127.0.0.1:${ports[1]}/"

# The target trusts the pod whose archives these are; without that its podmin would have to say yes.
archives=("$folder"/exports/*.zip)
host=$({ "$pappus" verify "${archives[0]}" --json || [ $? = 10 ]; } | sed -n 's/^  "account": *"[^@]*@\([^"]*\)".*/\1/p')
# Not the account's key, which comes first.
verified=$("$pappus" verify "${archives[0]}") || [ $? = 10 ]
key=$(sed -n "s/^Signed by the pod's archive key, \(.*\)\.$/\1/p" <<<"$verified")
[ -n "$key" ] || { echo "no archive names the pod's key" >&2; exit 1; }

cat >"$folder/closing.toml" <<END
[pod]
dir = "$folder/pod"
[store]
state = "$folder/state"
[web]
listen = "127.0.0.1:${ports[0]}"
public_url = "$closing"
[mail]
# Mails go into files here.
folder = "$folder/mails"
from = "podmin@closing.example"
[closing]
enabled = true
END
cat >"$folder/target.toml" <<END
[pod]
database_url = "sqlite:$folder/target/db.sqlite3"
url = "https://haven.example/"
uploads = "$folder/target/uploads"
podmin_email = "podmin@haven.example"
[store]
state = "$folder/target/state"
[web]
listen = "127.0.0.1:${ports[1]}"
public_url = "$target"
[mail]
folder = "$folder/target/mails"
from = "podmin@haven.example"
[newcomers]
enabled = true
admission = "open"
trusted_pods = ["$host=$key"]
END

serving=()
trap 'kill "${serving[@]}" 2>/dev/null || true; wait' EXIT
for side in closing target; do
  "$pappus" serve --config "$folder/$side.toml" >"$folder/$side.log" 2>&1 &
  serving+=($!)
done
for address in "$closing" "$target"; do
  for _ in $(seq 100); do "$programs/demo-pods" alive "$address" && break; sleep 0.1; done
  "$programs/demo-pods" alive "$address" || { cat "$folder"/{closing,target}.log; exit 1; }
done

password=$(sed -n 's/^password *\(.*\) (everybody.s)$/\1/p' "$folder/people")
podmin=$(sed -n 's/^\([a-z]*\)@.*the podmin .*/\1/p' "$folder/people")
echo "  $closing   the pod that closes: $podmin is its podmin, password $password, as everybody's"
echo "                            (all names: $folder/people; mails: $folder/mails)"
secret=$(sed -n 's/^one-time codes: .* secret \([A-Z2-7]*\).*/\1/p' "$folder/people")
echo "                            jonas needs a code too: put the secret $secret into an app for one-time codes,"
echo "                            or run: oathtool --totp -b $secret"
echo "  $target   the pod that takes people in: bring an archive from $folder/exports"
echo "                            (its podmin: $(cat "$folder/target/podmin"))"
if [ -t 1 ]; then
  echo
  echo "  Ctrl-C ends it."
  wait
else
  echo "  (ended again, as nobody is watching: run it in a terminal, or tests/demo-serve.sh $programs $2)"
fi
