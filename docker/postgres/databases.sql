-- Creates the roles and databases of docker/compose.yaml in a new PostgreSQL. aliquot migrate creates Aliquot's tables
-- and grants the roles aliquot and aliquot_read what they need. Nobody connects as the superuser postgres afterwards.
\set owner_password `cat /run/secrets/database_owner_password`
\set application_password `cat /run/secrets/database_password`
\set read_password `cat /run/secrets/database_read_password`
\set temporal_password `cat /run/secrets/temporal_password`

CREATE ROLE aliquot_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE aliquot LOGIN PASSWORD :'application_password';
CREATE ROLE aliquot_read LOGIN PASSWORD :'read_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';

CREATE DATABASE aliquot OWNER aliquot_owner;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;

-- By default every role may connect to every database and make temporary tables in it.
REVOKE ALL ON DATABASE aliquot, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE aliquot TO aliquot, aliquot_read;
