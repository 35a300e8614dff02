#!/usr/bin/env bash
# Makes the secrets that docker/compose.yaml mounts, in docker/secrets. What is there stays as it is, so this can be run again.
#
# The folder is yours alone. The files in it can be read by others, because the processes in the containers are other users.
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
