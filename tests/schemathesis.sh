#!/usr/bin/env bash
# Calls the API of the sample pod's service in all ways its OpenAPI document allows, and in many it does not; ends with 1 when
# something is answered with a server error. Usage: schemathesis.sh PROGRAMS [EXAMPLES]
# PROGRAMS is the folder of the programs, such as target/debug; EXAMPLES how many calls of each kind (default 100).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$(cd "$1" && pwd) examples=${2:-100}
target=${CARGO_TARGET_DIR:-$here/../target}
venv=$target/schemathesis

if ! [ -e "$venv/installed" ]; then
  rm -rf "$venv"
  mkdir -p "$target"
  python3 -m venv "$venv" || { echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --retries 1 --timeout 30 'schemathesis==4.32.5' ||
    { echo "pip cannot install schemathesis: is its index within reach?"; exit 1; }
  touch "$venv/installed"
fi

folder=$(mktemp -d)
serving=
trap '[ -z "$serving" ] || { kill "$serving" 2>/dev/null || true; wait "$serving" || true; }; rm -rf "$folder"' EXIT
"$programs/sample-pod" "$folder/pod" >"$folder/people"
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
requests_per_second = 100000
[mail]
folder = "$folder/mails"
from = "podmin@closing.example"
per_minute = 6000
[closing]
enabled = true
[newcomers]
enabled = true
ask_pods = false
per_day = 1000000
per_address = 1000000
END
"$programs/pappus" serve --config "$folder/pappus.toml" >"$folder/serve.log" 2>&1 &
serving=$!
for _ in $(seq 200); do "$programs/demo-pods" alive "$address" && break; sleep 0.1; done
"$programs/demo-pods" alive "$address" || { cat "$folder/serve.log"; exit 1; }

password=$(sed -n 's/^password *\(.*\) (everybody.s)$/\1/p' "$folder/people")
podmin=$(sed -n 's/^\([a-z]*\)@.*the podmin .*/\1/p' "$folder/people")
token=$("$venv/bin/python" "$here/podmin-token.py" "$address" "$podmin" "$password")

cd "$folder" # It leaves files where it runs.
if "$venv/bin/schemathesis" run "${address}api/openapi.json" --header "Authorization: Bearer $token" \
  --checks not_a_server_error --max-examples "$examples" --seed 1 --workers 1 --request-timeout 30 --warnings off; then
  echo "no server errors"
else
  echo "what the service said:"
  tail -50 "$folder/serve.log"
  exit 1
fi
