-- +goose Up

-- Teams, their keys and their users. A team_id of '' elsewhere means "all teams".

CREATE TABLE teams (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    environment TEXT NOT NULL, -- production, sandbox
    time_zone   TEXT NOT NULL, -- IANA name
    policy      TEXT NOT NULL, -- JSON overlay; '' for none
    created_at  BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL, -- client, operations
    hash       TEXT NOT NULL UNIQUE, -- SHA-256 of the secret, hex
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX api_keys_team ON api_keys (team_id);

CREATE TABLE users (
    id                  TEXT PRIMARY KEY,
    team_id             TEXT NOT NULL REFERENCES teams (id),
    client_user_id      TEXT NOT NULL,
    fallback_time_zone  TEXT,
    fallback_birth_date BYTEA, -- sealed
    ingestion_start     TEXT,
    ingestion_end       TEXT,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    UNIQUE (team_id, client_user_id)
);

-- What can be ordered, and where.

CREATE TABLE labs (
    id       BIGINT PRIMARY KEY,
    slug     TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL -- JSON
);

CREATE TABLE lab_tests (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL,
    lab_id     BIGINT REFERENCES labs (id),
    slug       TEXT NOT NULL,
    status     TEXT NOT NULL,
    method     TEXT NOT NULL,
    document   TEXT NOT NULL, -- JSON, without the lab
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX lab_tests_team ON lab_tests (team_id);

CREATE TABLE lab_accounts (
    id          TEXT PRIMARY KEY,
    team_id     TEXT NOT NULL,
    lab_slug    TEXT NOT NULL,
    partner     TEXT NOT NULL,
    environment TEXT NOT NULL,
    base_url    TEXT NOT NULL,
    credentials BYTEA NOT NULL, -- sealed JSON
    spacing     BIGINT NOT NULL, -- microseconds between the starts of calls
    settings    TEXT NOT NULL, -- JSON
    policy      TEXT NOT NULL, -- JSON overlay; '' for none
    status      TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE INDEX lab_accounts_team ON lab_accounts (team_id);
CREATE INDEX lab_accounts_partner ON lab_accounts (partner);

CREATE TABLE call_pacing (
    pair       TEXT PRIMARY KEY, -- credential pair: the lab account's id
    next_start BIGINT NOT NULL -- by the database's clock
);

-- Idempotent requests: claimed while they execute, then the stored answer.

CREATE TABLE idempotency (
    team_id     TEXT NOT NULL,
    route       TEXT NOT NULL,
    key_hash    TEXT NOT NULL, -- SHA-256, hex: a key is text from outside
    token       TEXT NOT NULL, -- of the claim
    state       TEXT NOT NULL, -- executing, stored
    lease_until BIGINT NOT NULL,
    order_id    TEXT NOT NULL, -- '' when the answer made no order
    status      BIGINT NOT NULL,
    answer      BYTEA, -- sealed
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (team_id, route, key_hash)
);

CREATE INDEX idempotency_created ON idempotency (created_at);

-- Versions of an order's results.

CREATE TABLE results (
    id         TEXT PRIMARY KEY,
    order_id   TEXT NOT NULL,
    version    BIGINT NOT NULL, -- from 1
    generation BIGINT NOT NULL, -- of the announcement that led to the fetch
    visible    BOOLEAN NOT NULL,
    hash       TEXT NOT NULL,
    report     BYTEA NOT NULL, -- sealed JSON
    raw        BYTEA, -- sealed: the lab's answer, verbatim
    pdf        BYTEA, -- sealed
    fetched_at BIGINT NOT NULL,
    UNIQUE (order_id, version)
);

-- Outgoing webhooks: one message per event, one delivery per message and endpoint, one attempt per try.

CREATE TABLE endpoints (
    id              TEXT PRIMARY KEY,
    team_id         TEXT NOT NULL REFERENCES teams (id),
    url             TEXT NOT NULL,
    description     TEXT NOT NULL,
    secret          BYTEA NOT NULL, -- sealed
    previous_secret BYTEA, -- sealed
    previous_until  BIGINT NOT NULL,
    filter_types    TEXT, -- JSON array; NULL for all types
    headers         BYTEA, -- sealed JSON
    rate_limit      BIGINT NOT NULL,
    disabled        BOOLEAN NOT NULL,
    disabled_reason TEXT NOT NULL,
    failing_since   BIGINT NOT NULL, -- the first failure after a success; 0 after a success
    first_failure   BIGINT NOT NULL, -- the three parts of webhooks.Health
    last_failure    BIGINT NOT NULL,
    clock_started   BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);

CREATE INDEX endpoints_team ON endpoints (team_id);

CREATE TABLE messages (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL,
    order_id   TEXT NOT NULL,
    event_type TEXT NOT NULL,
    sequence   BIGINT NOT NULL, -- of the order's event
    body       BYTEA NOT NULL, -- sealed: the exact bytes to send
    created_at BIGINT NOT NULL
);

CREATE INDEX messages_order ON messages (order_id, sequence);

CREATE TABLE deliveries (
    message_id      TEXT NOT NULL REFERENCES messages (id),
    endpoint_id     TEXT NOT NULL REFERENCES endpoints (id),
    state           TEXT NOT NULL, -- pending, delivered, exhausted, cancelled
    round           BIGINT NOT NULL, -- from 1; rises when the message is sent again on demand
    attempts        BIGINT NOT NULL, -- of this round
    next_attempt_at BIGINT NOT NULL, -- while pending
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (message_id, endpoint_id)
);

CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending';

CREATE TABLE attempts (
    message_id  TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    round       BIGINT NOT NULL,
    number      BIGINT NOT NULL, -- from 1
    at          BIGINT NOT NULL,
    duration    BIGINT NOT NULL, -- microseconds
    status_code BIGINT NOT NULL, -- 0 when no answer came
    failure     TEXT NOT NULL, -- a code; '' for success
    excerpt     BYTEA, -- sealed: the beginning of the receiver's answer
    next_at     BIGINT NOT NULL, -- 0 when none follows
    PRIMARY KEY (message_id, endpoint_id, round, number),
    FOREIGN KEY (message_id, endpoint_id) REFERENCES deliveries (message_id, endpoint_id)
);

-- Who did or read what.

CREATE TABLE audit (
    id         TEXT PRIMARY KEY,
    at         BIGINT NOT NULL,
    key_id     TEXT NOT NULL,
    team_id    TEXT NOT NULL,
    order_id   TEXT NOT NULL,
    action     TEXT NOT NULL,
    request_id TEXT NOT NULL,
    address    TEXT NOT NULL,
    detail     TEXT NOT NULL -- codes only
);

CREATE INDEX audit_order ON audit (order_id, at);
