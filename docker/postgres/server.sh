#!/bin/sh
# Starts PostgreSQL with TLS. It refuses a key that others may read, as they may read the files of secrets; so the key
# is copied first.
set -eu
install -d -o postgres -g postgres -m 700 /var/lib/postgresql/tls
for file in database_certificate database_key; do
  install -o postgres -g postgres -m 600 "/run/secrets/$file" "/var/lib/postgresql/tls/$file"
done
exec docker-entrypoint.sh postgres -c ssl=on \
  -c ssl_cert_file=/var/lib/postgresql/tls/database_certificate \
  -c ssl_key_file=/var/lib/postgresql/tls/database_key \
  -c hba_file=/etc/postgresql/pg_hba.conf "$@"
