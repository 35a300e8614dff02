#!/bin/sh
# Brings the schema of Temporal's databases up to date. It can be run again: setting up what is there fails, and is no matter.
set -eu
SQL_PASSWORD=$(cat /run/secrets/postgres_password)
export SQL_PASSWORD
for database in temporal temporal_visibility; do
  case $database in
    temporal) folder=temporal ;;
    temporal_visibility) folder=visibility ;;
  esac
  temporal-sql-tool --database "$database" setup-schema -v 0.0 || true
  temporal-sql-tool --database "$database" update-schema -d "/etc/temporal/schema/postgresql/v12/$folder/versioned"
done
