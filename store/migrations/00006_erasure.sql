-- +goose Up

-- A user who is deleted stays for a while, in which another one may take the client's id of him. Only who is not deleted keeps it.
CREATE TABLE users_kept (
    id                  TEXT PRIMARY KEY,
    team_id             TEXT NOT NULL REFERENCES teams (id),
    client_user_id      TEXT NOT NULL,
    fallback_time_zone  TEXT,
    fallback_birth_date BYTEA, -- sealed
    ingestion_start     TEXT,
    ingestion_end       TEXT,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    erase_at            BIGINT NOT NULL DEFAULT 0, -- of a deleted user: when the data goes; 0: not deleted
    erased_at           BIGINT NOT NULL DEFAULT 0  -- 0: it has not gone
);
INSERT INTO users_kept (id, team_id, client_user_id, fallback_time_zone, fallback_birth_date, ingestion_start, ingestion_end, created_at, updated_at)
    SELECT id, team_id, client_user_id, fallback_time_zone, fallback_birth_date, ingestion_start, ingestion_end, created_at, updated_at FROM users;
DROP TABLE users;
ALTER TABLE users_kept RENAME TO users;
CREATE UNIQUE INDEX users_by_client_user_id ON users (team_id, client_user_id) WHERE erase_at = 0;
CREATE INDEX users_to_erase ON users (erase_at) WHERE erase_at > 0 AND erased_at = 0;

-- The orders of a user whose data goes, and what came for them afterwards.
ALTER TABLE orders ADD COLUMN erase_at BIGINT NOT NULL DEFAULT 0; -- from when on, once the order has ended; 0: not
ALTER TABLE orders ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX orders_by_user ON orders (user_id);
CREATE INDEX orders_to_erase ON orders (erase_at) WHERE erase_at > 0;

-- What is kept for a limited time.
CREATE INDEX results_by_age ON results (fetched_at);
CREATE INDEX inbox_by_age ON inbox (received_at) WHERE body IS NOT NULL;
CREATE INDEX audit_by_age ON audit (at);

-- +goose Down

DROP INDEX audit_by_age;
DROP INDEX inbox_by_age;
DROP INDEX results_by_age;
DROP INDEX orders_to_erase;
DROP INDEX orders_by_user;
ALTER TABLE orders DROP COLUMN erased_at;
ALTER TABLE orders DROP COLUMN erase_at;
CREATE TABLE users_kept (
    id                  TEXT PRIMARY KEY,
    team_id             TEXT NOT NULL REFERENCES teams (id),
    client_user_id      TEXT NOT NULL,
    fallback_time_zone  TEXT,
    fallback_birth_date BYTEA,
    ingestion_start     TEXT,
    ingestion_end       TEXT,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    UNIQUE (team_id, client_user_id)
);
INSERT INTO users_kept
    SELECT id, team_id, client_user_id, fallback_time_zone, fallback_birth_date, ingestion_start, ingestion_end, created_at, updated_at
    FROM users WHERE erase_at = 0;
DROP TABLE users;
ALTER TABLE users_kept RENAME TO users;
