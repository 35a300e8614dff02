-- Creates the databases of docker/compose.yaml in a new PostgreSQL. aliquot migrate creates Aliquot's tables.
CREATE DATABASE aliquot;
CREATE DATABASE temporal;
CREATE DATABASE temporal_visibility;
