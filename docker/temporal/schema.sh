#!/bin/sh
# Updates the schema of Temporal's databases. It can be run again: the set-up of an existing schema fails, and the
# failure is ignored.
set -eu
SQL_PASSWORD=$(cat /run/secrets/temporal_password)
export SQL_PASSWORD
for database in temporal temporal_visibility; do
  case $database in
    temporal) folder=temporal ;;
    temporal_visibility) folder=visibility ;;
  esac
  temporal-sql-tool --database "$database" setup-schema -v 0.0 || true
  temporal-sql-tool --database "$database" update-schema -d "/etc/temporal/schema/postgresql/v12/$folder/versioned"
done
