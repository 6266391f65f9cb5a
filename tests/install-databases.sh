#!/usr/bin/env bash
# Installs the servers and tools the tests start for themselves, from Debian's packages, where they are missing.
# The packages' own servers are not needed and not touched.
set -euo pipefail
packages=()
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || packages+=(postgresql)
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || packages+=(mariadb-server)
[ -x /usr/sbin/pgbouncer ] || packages+=(pgbouncer)
[ -x /usr/sbin/nginx ] || packages+=(nginx-light)
command -v openssl >/dev/null || packages+=(openssl)
command -v unzip >/dev/null || packages+=(unzip)
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  echo "installing ${packages[*]}"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}" >/dev/null
fi
