-- What docker/compose.yaml needs in a new PostgreSQL. Aliquot's own tables come from aliquot migrate.
CREATE DATABASE aliquot;
CREATE DATABASE temporal;
CREATE DATABASE temporal_visibility;
