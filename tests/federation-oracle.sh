#!/usr/bin/env bash
# Lets the Python library `federation` (Socialhome's, from PyPI) open what Pappus wrote and write something back:
#
#   tests/federation-oracle.sh FOLDER
#
# The library is installed into target/federation-oracle. Ends with 77 when it cannot be installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
venv=${CARGO_TARGET_DIR:-$here/../target}/federation-oracle

if ! [ -e "$venv/installed" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv" || { echo "python3 cannot make a virtual environment"; exit 77; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 30 'federation==0.28.0' 'django<6' ||
    { echo "pip cannot install the library: is its index within reach?"; exit 77; }
  touch "$venv/installed"
fi
exec "$venv/bin/python" "$here/federation-oracle.py" "$folder"
