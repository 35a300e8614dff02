-- +goose Up

-- What clients see of a lab account, and what it asks of their orders.
ALTER TABLE lab_accounts ADD COLUMN profile TEXT NOT NULL DEFAULT '{}'; -- JSON

-- Whether the patient may be written to.
ALTER TABLE orders ADD COLUMN sms_enabled BOOLEAN NOT NULL DEFAULT TRUE;

-- Who has ordered for a team.
CREATE TABLE physicians (
    team_id    TEXT NOT NULL REFERENCES teams (id),
    npi        TEXT NOT NULL,
    document   BYTEA NOT NULL, -- sealed JSON
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (team_id, npi)
);

-- Bearer tokens: keys of a few minutes, made with a key.
CREATE TABLE access_tokens (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    key_id     TEXT NOT NULL REFERENCES api_keys (id), -- made it; the token is good only while it is
    hash       TEXT NOT NULL UNIQUE,                   -- SHA-256 of the token, hex
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_end ON access_tokens (expires_at);

-- Runs of the test of unmatched results, of sandbox teams.
CREATE TABLE unmatched_tests (
    id            TEXT PRIMARY KEY,
    team_id       TEXT NOT NULL REFERENCES teams (id),
    key_hash      TEXT NOT NULL,   -- SHA-256 of the idempotency key, hex
    request_hash  TEXT NOT NULL,   -- of the request
    request       TEXT NOT NULL,   -- JSON; ids and codes only
    status        TEXT NOT NULL,   -- queued, running, succeeded, failed
    stage         TEXT NOT NULL,
    orders        TEXT NOT NULL,   -- JSON, by role
    raw_result_id TEXT NOT NULL,   -- of the review; '': none yet
    error_code    TEXT NOT NULL,
    error_message TEXT NOT NULL,
    lease_until   BIGINT NOT NULL, -- somebody works on it before this
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    started_at    BIGINT NOT NULL,
    completed_at  BIGINT NOT NULL,
    UNIQUE (team_id, key_hash)
);

-- +goose Down

DROP TABLE unmatched_tests;
DROP TABLE access_tokens;
DROP TABLE physicians;
ALTER TABLE orders DROP COLUMN sms_enabled;
ALTER TABLE lab_accounts DROP COLUMN profile;
