#!/usr/bin/env bash
# Installs the S3 server the tests start for themselves, `moto` from PyPI, into target/s3-double.
# Ends with 1 and a sentence when that is not possible.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${CARGO_TARGET_DIR:-$here/../target}/s3-double
[ -e "$venv/installed" ] && exit
mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9
[ -e "$venv/installed" ] && exit
rm -rf "$venv"
python3 -m venv "$venv" || { echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
# Of what its server wants only what S3 needs: the rest is half a minute of packages.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --retries 1 --timeout 30 \
  'moto[s3]==5.2.1' 'flask<4' 'flask-cors<7' ||
  { echo "pip cannot install moto: is its index within reach?"; exit 1; }
touch "$venv/installed"
