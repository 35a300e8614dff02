#!/usr/bin/env bash
# Creates the secrets of docker/compose.yaml in docker/secrets. It can be run again: existing files are not changed. It
# needs openssl, for the certificate of the database.
#
# Only you can open the folder. Its files are readable by all users, because the containers run as other users.
set -euo pipefail
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 700 secrets

# make NAME VALUE
make() {
  if [[ ! -s secrets/$1 ]]; then
    rm -f "secrets/$1" # an empty one cannot be written to
    printf '%s' "$2" >"secrets/$1"
  fi
  chmod 444 "secrets/$1"
}
random() { head -c "$1" /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_'; }

# database_url_of ROLE PASSWORD_FILE
database_url_of() {
  local tls="sslmode=verify-full&sslrootcert=/run/secrets/database_certificate"
  echo "postgres://$1:$(cat "secrets/$2")@postgres:5432/aliquot?$tls"
}

# The certificate of the database signs itself and is what its clients trust. A new one is made only with a new key.
new=$(mktemp -d)
trap 'rm -r "$new"' EXIT
openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 3650 -subj /CN=postgres \
  -addext subjectAltName=DNS:postgres,DNS:localhost -keyout "$new/key" -out "$new/certificate" 2>/dev/null
[[ -s secrets/database_key && -s secrets/database_certificate ]] || rm -f secrets/database_{key,certificate}
make database_key "$(cat "$new/key")"
make database_certificate "$(cat "$new/certificate")"

make postgres_password "$(random 24)"
make database_owner_password "$(random 24)"
make database_password "$(random 24)"
make database_read_password "$(random 24)"
make temporal_password "$(random 24)"
make migration_database_url "$(database_url_of aliquot_owner database_owner_password)"
make database_url "$(database_url_of aliquot database_password)"
make encryption_keys "k1:$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
make courier_secrets "$(random 24)"
make courier_key "" # EasyPost issues it; without one no parcel is tracked
make lab_courier_key "$(random 24)"
make lab_token "$(random 24)"
make grafana_password "$(random 18)"
echo "The secrets are in $PWD/secrets. Keep a copy of encryption_keys apart: without it the data cannot be read."
