-- +goose Up

-- Keys end, are changed, and are watched.
ALTER TABLE api_keys ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;     -- 0: never
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0;   -- 0: never; at most a minute old
ALTER TABLE api_keys ADD COLUMN previous_hash TEXT;                       -- of the secret before the present one
ALTER TABLE api_keys ADD COLUMN previous_until BIGINT NOT NULL DEFAULT 0; -- that secret is good before this
CREATE UNIQUE INDEX api_keys_previous ON api_keys (previous_hash);

-- Until now an operations key could do everything. It still can; from now on there are keys that can do less.
UPDATE api_keys SET role = 'administrator' WHERE role = 'operations';

-- The audit is sealed into a chain. Rows are appended without a place in it.
ALTER TABLE audit ADD COLUMN seq BIGINT; -- the place in the chain; NULL until it is sealed
ALTER TABLE audit ADD COLUMN hash BYTEA; -- of the hash before and of the row
CREATE UNIQUE INDEX audit_by_seq ON audit (seq);
CREATE INDEX audit_unsealed ON audit (id) WHERE seq IS NULL;
CREATE INDEX audit_by_key ON audit (key_id, at);

-- The chain as a whole, in one row: where it begins, since older rows may have been removed, and where it ends.
CREATE TABLE audit_chain (
    id          BIGINT PRIMARY KEY, -- 1
    start_seq   BIGINT NOT NULL,    -- the last row that was removed; 0: none
    start_hash  BYTEA,
    end_seq     BIGINT NOT NULL,
    end_hash    BYTEA,
    sealed_at   BIGINT NOT NULL,
    signature   TEXT NOT NULL       -- of all this, by an encryption key; '' for a chain without a row
);
INSERT INTO audit_chain (id, start_seq, end_seq, sealed_at, signature) VALUES (1, 0, 0, 0, '');

-- What keys and addresses have asked for lately, over all processes.
CREATE TABLE rate_limits (
    bucket  TEXT PRIMARY KEY,
    full_at BIGINT NOT NULL -- the database's time at which the bucket is full again
);
CREATE INDEX rate_limits_by_age ON rate_limits (full_at);

-- +goose Down

DROP TABLE rate_limits;
DROP TABLE audit_chain;
DROP INDEX audit_by_key;
DROP INDEX audit_unsealed;
DROP INDEX audit_by_seq;
ALTER TABLE audit DROP COLUMN hash;
ALTER TABLE audit DROP COLUMN seq;
UPDATE api_keys SET role = 'operations' WHERE role <> 'client';
DROP INDEX api_keys_previous;
ALTER TABLE api_keys DROP COLUMN previous_until;
ALTER TABLE api_keys DROP COLUMN previous_hash;
ALTER TABLE api_keys DROP COLUMN last_used_at;
ALTER TABLE api_keys DROP COLUMN expires_at;
