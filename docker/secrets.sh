#!/usr/bin/env bash
# Creates the secrets of docker/compose.yaml in docker/secrets. It can be run again: existing files are not changed.
#
# Only you can open the folder. Its files are readable by all users, because the containers run as other users.
set -euo pipefail
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 700 secrets

# make NAME VALUE
make() {
  [[ -s secrets/$1 ]] || printf '%s' "$2" >"secrets/$1"
  chmod 444 "secrets/$1"
}
random() { head -c "$1" /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_'; }

make postgres_password "$(random 24)"
make database_url "postgres://postgres:$(cat secrets/postgres_password)@postgres:5432/aliquot?sslmode=disable"
make encryption_keys "k1:$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
make courier_secrets "$(random 24)"
make courier_key "$(random 24)"
make lab_token "$(random 24)"
make grafana_password "$(random 18)"
echo "The secrets are in $PWD/secrets. Keep a copy of encryption_keys apart: without it the data cannot be read."
