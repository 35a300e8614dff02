-- Orders and what happens to them. The same file serves PostgreSQL and SQLite. Times are microseconds since 1970 (0: never),
-- JSON is TEXT, and a BYTEA column is sealed (AES-256-GCM) unless it says otherwise.

-- +goose Up

CREATE TABLE order_transactions (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE orders (
    id                    TEXT PRIMARY KEY,
    team_id               TEXT NOT NULL,
    user_id               TEXT NOT NULL,
    client_user_id        TEXT NOT NULL,
    transaction_id        TEXT NOT NULL REFERENCES order_transactions (id),
    lab_account_id        TEXT NOT NULL,
    details_id            TEXT NOT NULL,
    number                TEXT NOT NULL UNIQUE,       -- at the lab, for all time
    accession             TEXT NOT NULL,
    sample_id             TEXT NOT NULL,
    modality              TEXT NOT NULL,
    registrable           BOOLEAN NOT NULL,
    registered            BOOLEAN NOT NULL,
    origin                TEXT NOT NULL,
    parent_id             TEXT UNIQUE REFERENCES orders (id), -- at most one child per order
    depth                 INTEGER NOT NULL,
    status                TEXT NOT NULL,              -- low-level
    detail                TEXT NOT NULL,
    status_at             BIGINT NOT NULL,            -- when the status was recorded
    sequence              BIGINT NOT NULL,
    revision              BIGINT NOT NULL,            -- what recordings compare and set
    shipped               BOOLEAN NOT NULL,
    unfinished            BOOLEAN NOT NULL,           -- a workflow has something to do or to wait for
    next_deadline         BIGINT NOT NULL,            -- 0: none
    activate_by           TEXT,                       -- YYYY-MM-DD
    priority              BOOLEAN NOT NULL,
    billing_type          TEXT NOT NULL,
    creator_member_id     TEXT,
    lab_test              TEXT NOT NULL,              -- JSON, as it was when ordered
    state                 TEXT NOT NULL,              -- JSON, what the workflow works with; no patient data
    patient               BYTEA,
    address               BYTEA,
    shipping              BYTEA,
    physician             BYTEA,
    clinical              BYTEA,                      -- consents, answers, diagnosis codes, notes, passthrough
    results               BYTEA,                      -- summary of the newest version that the client sees
    started_at            BIGINT NOT NULL,            -- first load by a workflow, 0: never
    created_at            BIGINT NOT NULL,
    updated_at            BIGINT NOT NULL             -- newest recording with an event
);
CREATE INDEX orders_by_team ON orders (team_id, created_at, id);
CREATE INDEX orders_by_creation ON orders (created_at, id);
CREATE INDEX orders_by_transaction ON orders (transaction_id);
CREATE INDEX orders_unfinished ON orders (id) WHERE unfinished;
CREATE INDEX orders_never_started ON orders (created_at) WHERE started_at = 0;

CREATE TABLE events (
    order_id    TEXT NOT NULL REFERENCES orders (id),
    sequence    BIGINT NOT NULL,                      -- from 1, without gaps
    status      TEXT NOT NULL,                        -- whole
    detail      TEXT NOT NULL,
    implied     BOOLEAN NOT NULL,
    cause       TEXT NOT NULL,
    step        INTEGER NOT NULL,                     -- within its cause, from 0
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (order_id, sequence),
    UNIQUE (order_id, cause, step)
);

-- One row per recording. A parked fact is decided again later, so only other outcomes use up their cause.
CREATE TABLE decisions (
    order_id    TEXT NOT NULL REFERENCES orders (id),
    revision    BIGINT NOT NULL,                      -- that the recording made
    sequence    BIGINT NOT NULL,                      -- of the order after it
    cause       TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    reason      TEXT NOT NULL,                        -- a code
    from_status TEXT NOT NULL,
    to_status   TEXT NOT NULL,                        -- empty: no event
    child_id    TEXT NOT NULL,                        -- the replacement; empty: none
    at          BIGINT NOT NULL,
    PRIMARY KEY (order_id, revision)
);
CREATE UNIQUE INDEX decisions_by_cause ON decisions (order_id, cause) WHERE outcome <> 'parked';

CREATE TABLE order_attention (
    order_id  TEXT NOT NULL REFERENCES orders (id),
    reason    TEXT NOT NULL,
    since     BIGINT NOT NULL,
    reminders INTEGER NOT NULL,
    PRIMARY KEY (order_id, reason)
);
CREATE INDEX order_attention_by_reason ON order_attention (reason, order_id);

-- Keyed hashes of what orders are searched by.
CREATE TABLE order_search (
    order_id TEXT NOT NULL REFERENCES orders (id),
    field    TEXT NOT NULL,                           -- name, full_name, birth_date, interpretation
    hash     TEXT NOT NULL,
    PRIMARY KEY (order_id, field, hash)
);
CREATE INDEX order_search_by_hash ON order_search (field, hash, order_id);

CREATE TABLE shipments (
    order_id         TEXT PRIMARY KEY REFERENCES orders (id),
    id               TEXT NOT NULL,
    outbound_number  TEXT NOT NULL,
    outbound_courier TEXT NOT NULL,
    outbound_url     TEXT NOT NULL,
    outbound_tracker TEXT NOT NULL,
    inbound_number   TEXT NOT NULL,
    inbound_courier  TEXT NOT NULL,
    inbound_url      TEXT NOT NULL,
    inbound_tracker  TEXT NOT NULL,
    kit_reg_code     TEXT NOT NULL,
    oraquick_lot     TEXT NOT NULL,
    notes            BYTEA,
    shipped_at       BIGINT NOT NULL,                 -- of the fact that the data is from
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);

-- Every number that an order ever had; couriers use numbers again after a while, so the newest order wins.
CREATE TABLE tracking_numbers (
    number     TEXT NOT NULL,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    leg        TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (number, order_id, leg)
);

-- What partners sent, verbatim.
CREATE TABLE inbox (
    id           TEXT PRIMARY KEY,
    partner      TEXT NOT NULL,
    event_key    TEXT NOT NULL,                       -- what the partner means by "the same report"
    variant      INTEGER NOT NULL,                    -- 0, then one more per amendment
    hash         TEXT NOT NULL,                       -- of the canonical body
    kind         TEXT NOT NULL,
    order_number TEXT NOT NULL,
    tracking     TEXT NOT NULL,
    order_id     TEXT REFERENCES orders (id),         -- null: unmatched
    leg          TEXT NOT NULL,                       -- which of the facts it is; empty for labs
    facts        TEXT,                                -- JSON, by leg
    state        TEXT NOT NULL,
    code         TEXT NOT NULL,                       -- why it ended in its state
    deliveries   INTEGER NOT NULL,                    -- how often the partner sent it
    headers      BYTEA,
    body         BYTEA,
    reason       BYTEA,                               -- the partner's own words
    received_at  BIGINT NOT NULL,
    state_at     BIGINT NOT NULL,
    UNIQUE (partner, event_key, hash),
    UNIQUE (partner, event_key, variant)
);
CREATE INDEX inbox_by_state ON inbox (state, state_at, id);
CREATE INDEX inbox_by_order ON inbox (order_id, received_at, id);
CREATE INDEX inbox_by_number ON inbox (order_number) WHERE state = 'unmatched';
CREATE INDEX inbox_by_tracking ON inbox (tracking) WHERE state = 'unmatched';

CREATE TABLE demands (
    id         TEXT PRIMARY KEY,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    kind       TEXT NOT NULL,
    actor      TEXT NOT NULL,
    state      TEXT NOT NULL,                         -- open, done, refused
    reason     TEXT NOT NULL,                         -- a code
    body       BYTEA,
    created_at BIGINT NOT NULL,
    settled_at BIGINT NOT NULL
);
CREATE INDEX demands_by_order ON demands (order_id, created_at, id);

-- Attempts to call a partner.
CREATE TABLE calls (
    id         TEXT PRIMARY KEY,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    kind       TEXT NOT NULL,
    attempt    INTEGER NOT NULL,
    outcome    TEXT NOT NULL,                         -- empty: under way, or its process died
    answer     BYTEA,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX calls_by_order ON calls (order_id, started_at, id);

-- +goose Down

DROP TABLE calls;
DROP TABLE demands;
DROP TABLE inbox;
DROP TABLE tracking_numbers;
DROP TABLE shipments;
DROP TABLE order_search;
DROP TABLE order_attention;
DROP TABLE decisions;
DROP TABLE events;
DROP TABLE orders;
DROP TABLE order_transactions;
