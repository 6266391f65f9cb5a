#!/usr/bin/env bash
# The pages of the closing sample pod that tests/demo.sh has made. Usage: demo-serve.sh PROGRAMS FOLDER
# In a terminal they are served until Ctrl-C; elsewhere it is only seen that they are.
set -euo pipefail
programs=$1 folder=$(cd "$2" && pwd)
pappus="$programs/pappus"

port=$("$programs/demo-pods" ports 1)
address="http://127.0.0.1:$port/"
cat >"$folder/pappus.toml" <<END
[pod]
dir = "$folder/pod"
[store]
state = "$folder/state"
[web]
listen = "127.0.0.1:$port"
public_url = "$address"
[mail]
# Mails go into files here.
folder = "$folder/mails"
from = "podmin@closing.example"
[closing]
enabled = true
END

"$pappus" serve --config "$folder/pappus.toml" >"$folder/serve.log" 2>&1 &
serving=$!
trap 'kill $serving 2>/dev/null || true; wait' EXIT
for _ in $(seq 100); do "$programs/demo-pods" alive "$address" && break; sleep 0.1; done
"$programs/demo-pods" alive "$address" || { cat "$folder/serve.log"; exit 1; }

password=$(sed -n 's/^password *\(.*\) (everybody.s)$/\1/p' "$folder/people")
podmin=$(sed -n 's/^\([a-z]*\)@.*the podmin .*/\1/p' "$folder/people")
echo "  $address: sign in as $podmin, who is the podmin, or as anybody else in $folder/people;"
echo "  everybody's password is $password. Mails lie in $folder/mails."
if [ -t 1 ]; then
  echo
  echo "  Ctrl-C ends it."
  wait $serving
else
  echo "  (Ended again, as nobody is watching: run it in a terminal, or tests/demo-serve.sh $programs $2)"
fi
