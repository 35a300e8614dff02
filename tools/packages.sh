#!/usr/bin/env bash
# Installs missing system packages of the tests: a C compiler for the race detector and a PostgreSQL server. It needs
# root on Debian or Ubuntu; elsewhere it prints what to install.
set -euo pipefail

missing=()
command -v "${CC:-gcc}" >/dev/null || missing+=(gcc libc6-dev)
if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  missing+=(postgresql)
fi
if [[ ${#missing[@]} -eq 0 ]]; then
  exit
fi

if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
  echo "packages: the tests need ${missing[*]} (Debian's names): please install" >&2
  exit 1
fi
echo "packages: installing ${missing[*]}, about a minute, once"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq </dev/null
# The tests start their own servers, so the package must not start one.
mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/aliquot.conf
apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
