-- The schema of release 0.1.0 on SQLite. The other engine has the same tables and columns. Times are microseconds
-- since 1970 (0: never). JSON is TEXT, and a BYTEA column is sealed (AES-256-GCM) unless it says otherwise. An id that
-- Aliquot makes is a UUID, as TEXT in lower case; NULL means none, and a team_id of NULL means "all teams". Ids that
-- others make are TEXT as they came.

-- +goose Up

-- Teams, their keys and their users.

CREATE TABLE teams (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    environment TEXT NOT NULL, -- production, sandbox
    time_zone   TEXT NOT NULL, -- IANA name
    policy      TEXT NOT NULL, -- JSON overlay; '' for none
    created_at  BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id             TEXT PRIMARY KEY,
    team_id        TEXT NOT NULL REFERENCES teams (id),
    name           TEXT NOT NULL,
    role           TEXT NOT NULL,             -- client, or a role of operations
    hash           TEXT NOT NULL UNIQUE,      -- SHA-256 of the secret, hex
    created_at     BIGINT NOT NULL,
    revoked_at     BIGINT,
    expires_at     BIGINT NOT NULL DEFAULT 0,
    last_used_at   BIGINT NOT NULL DEFAULT 0, -- written at most once a minute
    previous_hash  TEXT,                      -- of the secret before the present one
    previous_until BIGINT NOT NULL DEFAULT 0  -- until when the previous secret is accepted
);
CREATE INDEX api_keys_team ON api_keys (team_id);
CREATE UNIQUE INDEX api_keys_previous ON api_keys (previous_hash);

-- Bearer tokens: made with an API key, valid for a few minutes.
CREATE TABLE access_tokens (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    key_id     TEXT NOT NULL REFERENCES api_keys (id), -- the token is valid only while this key is
    hash       TEXT NOT NULL UNIQUE,                   -- SHA-256 of the token, hex
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_end ON access_tokens (expires_at);

-- Token buckets of API keys and of client addresses, shared by all processes.
CREATE TABLE rate_limits (
    bucket  TEXT PRIMARY KEY,
    full_at BIGINT NOT NULL -- the database's time at which the bucket is full again
);

-- Idempotent requests: claimed while they execute, then the stored answer.
CREATE TABLE idempotency (
    team_id     TEXT NOT NULL,
    route       TEXT NOT NULL,
    key_hash    TEXT NOT NULL,           -- SHA-256 of the idempotency key, hex
    token       TEXT NOT NULL,           -- of the claim
    state       TEXT NOT NULL,           -- executing, stored
    lease_until BIGINT NOT NULL,
    order_id    TEXT,                    -- NULL when the answer made no order
    status      BIGINT NOT NULL,
    answer      BYTEA,
    created_at  BIGINT NOT NULL,
    demand_id   TEXT NOT NULL,           -- of the demand that the request makes; the same for each claim of the key
    fingerprint TEXT NOT NULL,           -- keyed hash of whom and what the request is about; '': not compared
    PRIMARY KEY (team_id, route, key_hash)
);
CREATE INDEX idempotency_created ON idempotency (created_at);
CREATE INDEX idempotency_order ON idempotency (order_id) WHERE order_id IS NOT NULL;

-- A deleted user's row stays until the data is erased. Meanwhile another user may take the client_user_id.
CREATE TABLE users (
    id                  TEXT PRIMARY KEY,
    team_id             TEXT NOT NULL REFERENCES teams (id),
    client_user_id      TEXT NOT NULL,
    fallback_time_zone  TEXT,
    fallback_birth_date BYTEA,
    ingestion_start     TEXT,
    ingestion_end       TEXT,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    erase_at            BIGINT NOT NULL DEFAULT 0, -- of a deleted user: when the data is erased; 0: not deleted
    erased_at           BIGINT NOT NULL DEFAULT 0,
    info                BYTEA                      -- JSON: the user's name, address and contact
);
CREATE UNIQUE INDEX users_by_client_user_id ON users (team_id, client_user_id) WHERE erase_at = 0;
CREATE INDEX users_to_erase ON users (erase_at) WHERE erase_at > 0 AND erased_at = 0;

-- A user's insurance. A new record never replaces an older one; all are erased with the user.
CREATE TABLE user_insurance (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    is_primary BOOLEAN NOT NULL,
    document   BYTEA NOT NULL, -- JSON
    created_at BIGINT NOT NULL
);
CREATE INDEX user_insurance_latest ON user_insurance (user_id, is_primary, created_at, id);

-- Physicians who have ordered for a team.
CREATE TABLE physicians (
    team_id    TEXT NOT NULL REFERENCES teams (id),
    npi        TEXT NOT NULL,
    document   BYTEA NOT NULL, -- JSON
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (team_id, npi)
);

-- Payors that a team has added to those of all teams.
CREATE TABLE payors (
    code       TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    document   TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL
);
CREATE INDEX payors_of_team ON payors (team_id, created_at);

-- The catalogue: what can be ordered, and where.

CREATE TABLE labs (
    id       BIGINT PRIMARY KEY,
    slug     TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL -- JSON
);

-- Markers that a lab offers. Lab tests repeat the markers that they consist of; an import keeps both the same.
CREATE TABLE markers (
    id         BIGINT PRIMARY KEY,
    lab_id     BIGINT NOT NULL REFERENCES labs (id),
    document   TEXT NOT NULL, -- JSON
    updated_at BIGINT NOT NULL
);
CREATE INDEX markers_by_lab ON markers (lab_id);

CREATE TABLE lab_tests (
    id         TEXT PRIMARY KEY,
    team_id    TEXT,
    lab_id     BIGINT REFERENCES labs (id),
    slug       TEXT NOT NULL,
    status     TEXT NOT NULL,
    method     TEXT NOT NULL,
    document   TEXT NOT NULL, -- JSON, without the lab
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX lab_tests_team ON lab_tests (team_id);

-- Patient service centers.
CREATE TABLE sites (
    lab_id     BIGINT NOT NULL REFERENCES labs (id),
    code       TEXT NOT NULL, -- the lab's own
    inactive   BOOLEAN NOT NULL,
    lat        DOUBLE PRECISION NOT NULL,
    lng        DOUBLE PRECISION NOT NULL,
    document   TEXT NOT NULL, -- JSON
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (lab_id, code)
);
CREATE INDEX sites_by_place ON sites (lat, lng);

-- Where phlebotomists go: ranges of postal codes, both ends included.
CREATE TABLE coverage (
    provider      TEXT NOT NULL,
    from_zip      TEXT NOT NULL,
    to_zip        TEXT NOT NULL,
    service_types TEXT NOT NULL, -- JSON array
    PRIMARY KEY (provider, from_zip, to_zip)
);

-- The centers of the areas of postal codes.
CREATE TABLE zips (
    zip TEXT PRIMARY KEY,
    lat DOUBLE PRECISION NOT NULL,
    lng DOUBLE PRECISION NOT NULL
);

CREATE TABLE lab_accounts (
    id          TEXT PRIMARY KEY,
    team_id     TEXT,
    lab_slug    TEXT NOT NULL,
    partner     TEXT NOT NULL,
    environment TEXT NOT NULL,
    base_url    TEXT NOT NULL,
    credentials BYTEA NOT NULL,            -- JSON
    spacing     BIGINT NOT NULL,           -- microseconds between the starts of calls
    settings    TEXT NOT NULL,             -- JSON
    policy      TEXT NOT NULL,             -- JSON overlay; '' for none
    status      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    profile     TEXT NOT NULL DEFAULT '{}' -- JSON: what clients see of it, and what it requires of orders
);
CREATE INDEX lab_accounts_team ON lab_accounts (team_id);
CREATE INDEX lab_accounts_partner ON lab_accounts (partner);

-- By what a partner presents in a webhook its accounts are found: search hashes of its user names.
CREATE TABLE lab_account_webhook_keys (
    account_id TEXT NOT NULL REFERENCES lab_accounts (id),
    field      TEXT NOT NULL, -- webhook_user
    hash       TEXT NOT NULL,
    partner    TEXT NOT NULL,
    PRIMARY KEY (account_id, field, hash)
);
CREATE INDEX lab_account_webhook_keys_by_hash ON lab_account_webhook_keys (hash);
CREATE INDEX lab_account_webhook_keys_by_partner ON lab_account_webhook_keys (partner, account_id);

-- When the next calls of a lab account may start. All times are by the database's clock.
CREATE TABLE call_pacing (
    pair         TEXT PRIMARY KEY, -- the id of the lab account whose credentials are used
    next_start   BIGINT NOT NULL,           -- the next free start of a call
    routine_next BIGINT NOT NULL DEFAULT 0, -- the next time promised to a routine call
    retry_next   BIGINT NOT NULL DEFAULT 0, -- the next time promised to a routine call that asks again
    retry_start  BIGINT NOT NULL DEFAULT 0  -- when the next third ask is due
);

-- A tracking service that refuses our account, while it does.
CREATE TABLE courier_refusals (
    service    TEXT PRIMARY KEY,  -- easypost
    since      BIGINT NOT NULL,
    refused_at BIGINT NOT NULL,   -- the last time
    status     INTEGER NOT NULL,  -- the HTTP status of the answer
    code       TEXT NOT NULL,     -- the service's own; may be empty
    retry_at   BIGINT NOT NULL    -- no call is made before this time
);

-- Orders and what happens to them.

CREATE TABLE order_transactions (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- An order has one row in each of four tables, which are written at different times: orders, order_progress,
-- order_states and order_documents.

-- What an order is. A row is hardly ever written after its creation: when the lab names its number, when a kit is
-- registered, and when the order is erased. Other tables refer to this one.
CREATE TABLE orders (
    id                TEXT PRIMARY KEY,                   -- in the order of creation
    team_id           TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    client_user_id    TEXT NOT NULL,
    transaction_id    TEXT NOT NULL REFERENCES order_transactions (id),
    lab_account_id    TEXT NOT NULL,
    details_id        TEXT NOT NULL,
    number            TEXT NOT NULL UNIQUE,               -- at the lab; never used again
    accession         TEXT NOT NULL,
    sample_id         TEXT NOT NULL,
    sample_key        TEXT NOT NULL,                      -- sample_id without blanks and hyphens, in capital letters
    modality          TEXT NOT NULL,
    registrable       BOOLEAN NOT NULL,
    registered        BOOLEAN NOT NULL,
    origin            TEXT NOT NULL,
    parent_id         TEXT UNIQUE REFERENCES orders (id), -- at most one replacement per order
    depth             INTEGER NOT NULL,
    priority          BOOLEAN NOT NULL,
    billing_type      TEXT NOT NULL,
    creator_member_id TEXT,                               -- the client's own id of a member, as it was sent
    created_at        BIGINT NOT NULL,
    imported          BOOLEAN NOT NULL DEFAULT FALSE,     -- another system made the requisition
    erase_at          BIGINT NOT NULL DEFAULT 0,          -- from when on an ended order is erased; 0: not
    erased_at         BIGINT NOT NULL DEFAULT 0,
    sms_enabled       BOOLEAN NOT NULL DEFAULT TRUE       -- the patient may be sent text messages
);
CREATE INDEX orders_by_creation ON orders (created_at, id);
CREATE INDEX orders_by_transaction ON orders (transaction_id);
CREATE INDEX orders_by_sample ON orders (sample_id) WHERE sample_id <> '';
CREATE INDEX orders_by_sample_key ON orders (sample_key) WHERE sample_key <> '';
CREATE INDEX orders_by_accession ON orders (accession) WHERE accession <> '';
CREATE INDEX orders_to_erase ON orders (erase_at) WHERE erase_at > 0;

-- How far an order is, and what lists of orders select and sort by. A row is written with each event, and with other
-- changes that the client sees. The first columns are copies of the order's; of these only user_id changes, with it.
CREATE TABLE order_progress (
    order_id    TEXT PRIMARY KEY REFERENCES orders (id),
    team_id     TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    modality    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    status      TEXT NOT NULL,    -- low-level
    detail      TEXT NOT NULL,
    status_at   BIGINT NOT NULL,  -- when the status was recorded
    sequence    BIGINT NOT NULL,  -- of the newest event
    updated_at  BIGINT NOT NULL,  -- newest recording with an event, or with another change that the client sees
    activate_by TEXT,             -- YYYY-MM-DD
    unfinished  BOOLEAN NOT NULL  -- the workflow has something to do or to wait for
);
CREATE INDEX order_progress_by_user ON order_progress (user_id, created_at, order_id, team_id, status);
CREATE INDEX order_progress_unfinished ON order_progress (order_id, modality, status) WHERE unfinished;

-- The indexes of lists. Each begins with a usual filter, continues in the order of the list, and ends with the other
-- columns that lists filter by. So the ids of a page and the number of all orders are read from one index alone, and
-- rows are read for the page only. Every event writes to each of these indexes anyway: the status is in all of them.
CREATE INDEX order_progress_list ON order_progress (team_id, created_at, order_id, status, modality, updated_at,
    activate_by);
CREATE INDEX order_progress_list_by_status ON order_progress (team_id, status, created_at, order_id, modality,
    updated_at, activate_by);
CREATE INDEX order_progress_list_by_method ON order_progress (team_id, modality, created_at, order_id, status,
    updated_at, activate_by);
CREATE INDEX order_progress_list_by_change ON order_progress (team_id, updated_at, created_at, order_id, status,
    modality, activate_by);
CREATE INDEX order_progress_list_scheduled ON order_progress (team_id, activate_by, created_at, order_id, status,
    modality, updated_at) WHERE activate_by IS NOT NULL;

-- What the workflow knows of an order. Every recording locks a row, and writes it. A recording may leave the indexed
-- columns as they are; PostgreSQL then writes to no index at all, as long as the page has room.
CREATE TABLE order_states (
    order_id      TEXT PRIMARY KEY REFERENCES orders (id),
    revision      BIGINT NOT NULL,           -- counts recordings, which compare and set it
    state         TEXT NOT NULL,             -- JSON: the workflow's state, without patient data
    next_deadline BIGINT NOT NULL,           -- by when the workflow has to have recorded something; 0: it need not
    started_at    BIGINT NOT NULL,           -- when the workflow first loaded the order
    woken_at      BIGINT NOT NULL DEFAULT 0  -- when the reconciler last woke the run; 0: never
);
CREATE INDEX order_states_by_deadline ON order_states (next_deadline) WHERE next_deadline > 0;
CREATE INDEX order_states_never_started ON order_states (order_id) WHERE started_at = 0;

-- The documents of an order. A row is written when one of them changes: by a registration, a correction or results.
CREATE TABLE order_documents (
    order_id  TEXT PRIMARY KEY REFERENCES orders (id),
    lab_test  TEXT NOT NULL, -- JSON, as it was when ordered
    patient   BYTEA,
    address   BYTEA,
    shipping  BYTEA,
    physician BYTEA,
    clinical  BYTEA,         -- consents, answers, diagnosis codes, notes, passthrough
    results   BYTEA          -- summary of the newest visible result version
);

-- The number of unfinished orders by modality and status. Each transaction that moves an order changes the counts, in
-- one of several rows of the status, so that two transactions rarely wait for each other. The count is the sum.
CREATE TABLE order_counts (
    modality TEXT NOT NULL,
    status   TEXT NOT NULL,
    shard    INTEGER NOT NULL,
    orders   BIGINT NOT NULL, -- below zero where more orders left the status through this shard than entered it
    PRIMARY KEY (modality, status, shard)
);

CREATE TABLE events (
    order_id    TEXT NOT NULL REFERENCES orders (id),
    sequence    BIGINT NOT NULL,  -- from 1, without gaps
    status      TEXT NOT NULL,    -- high, modality and low level, joined by dots
    detail      TEXT NOT NULL,
    implied     BOOLEAN NOT NULL,
    cause       TEXT NOT NULL,
    step        INTEGER NOT NULL, -- within its cause, from 0
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (order_id, sequence),
    UNIQUE (order_id, cause, step)
);

-- One row per recording. A parked fact is decided again later, so a cause may repeat after the outcome "parked" only.
CREATE TABLE decisions (
    order_id    TEXT NOT NULL REFERENCES orders (id),
    revision    BIGINT NOT NULL, -- of the order after the recording
    sequence    BIGINT NOT NULL, -- of the order after the recording
    cause       TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    reason      TEXT NOT NULL,   -- a code
    from_status TEXT NOT NULL,
    to_status   TEXT NOT NULL,   -- '': no event
    child_id    TEXT,            -- the replacement; NULL: none
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

-- Search hashes of orders, by team and time: a common name is read from the newest order on, without other teams' rows.
CREATE TABLE order_search (
    order_id   TEXT NOT NULL REFERENCES orders (id),
    field      TEXT NOT NULL,
    hash       TEXT NOT NULL,
    team_id    TEXT NOT NULL,           -- of the order
    created_at BIGINT NOT NULL,         -- of the order
    PRIMARY KEY (order_id, field, hash)
);
CREATE INDEX order_search_by_hash ON order_search (field, hash, team_id, created_at, order_id);

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
    shipped_at       BIGINT NOT NULL, -- of the fact that the data is from
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);

-- Every tracking number that an order ever had. Couriers use numbers again after a while, so the newest order wins.
CREATE TABLE tracking_numbers (
    number     TEXT NOT NULL,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    leg        TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (number, order_id, leg)
);

-- Appointments of walk-in and phlebotomy orders. An order has at most one appointment that has not ended.
CREATE TABLE appointments (
    id             TEXT PRIMARY KEY,
    order_id       TEXT NOT NULL REFERENCES orders (id),
    team_id        TEXT NOT NULL,
    type           TEXT NOT NULL,   -- phlebotomy, patient_service_center
    provider       TEXT NOT NULL,
    account_id     TEXT,            -- through which the provider is called
    status         TEXT NOT NULL,
    reference      TEXT NOT NULL,   -- the provider's id of the appointment; '': not known yet
    confirmation   TEXT NOT NULL,
    site           TEXT NOT NULL,
    slot           TEXT NOT NULL,
    start_at       BIGINT NOT NULL, -- 0: no time is set
    end_at         BIGINT NOT NULL,
    zone           TEXT NOT NULL,   -- IANA name
    can_reschedule BOOLEAN NOT NULL,
    confirm_by     BIGINT NOT NULL,
    reported_at    BIGINT NOT NULL, -- of the newest fact from the provider
    notes          BYTEA,
    place          BYTEA,           -- JSON: the location that the client asked for
    created_at     BIGINT NOT NULL
);
CREATE INDEX appointments_order ON appointments (order_id, created_at, id);

CREATE TABLE appointment_events (
    appointment_id TEXT NOT NULL REFERENCES appointments (id),
    number         BIGINT NOT NULL, -- from 1, without gaps
    status         TEXT NOT NULL,
    origin         TEXT NOT NULL,
    reschedule     BOOLEAN NOT NULL,
    occurred_at    BIGINT NOT NULL, -- by the provider's clock where that is plausible
    recorded_at    BIGINT NOT NULL,
    PRIMARY KEY (appointment_id, number)
);

-- The locations of appointments as providers report them, which may be before the appointment is recorded.
CREATE TABLE appointment_places (
    order_id   TEXT NOT NULL REFERENCES orders (id),
    reference  TEXT NOT NULL,  -- the provider's id of the appointment
    place      BYTEA NOT NULL, -- JSON
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (order_id, reference)
);

-- Demands: requests by clients and operations to change an order.
CREATE TABLE demands (
    id         TEXT PRIMARY KEY,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    kind       TEXT NOT NULL,
    actor      TEXT NOT NULL,
    state      TEXT NOT NULL,                 -- open, done, refused
    reason     TEXT NOT NULL,                 -- a code
    body       BYTEA,
    created_at BIGINT NOT NULL,
    settled_at BIGINT NOT NULL,               -- when it was done or refused
    request    TEXT NOT NULL DEFAULT '{}'     -- JSON: what the workflow decides on, ids and codes only
);
CREATE INDEX demands_by_order ON demands (order_id, created_at, id);
CREATE INDEX demands_open ON demands (created_at, order_id) WHERE state = 'open';

-- Attempts to call a partner.
CREATE TABLE calls (
    id         TEXT PRIMARY KEY,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    kind       TEXT NOT NULL,
    attempt    INTEGER NOT NULL, -- in its round, from 1
    outcome    TEXT NOT NULL, -- '': the call has not ended, or its process died
    answer     BYTEA,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    round      TEXT NOT NULL DEFAULT '' -- '': the only call of its round
);
CREATE INDEX calls_by_order ON calls (order_id, started_at, id);

-- Result versions of an order.
CREATE TABLE results (
    id         TEXT PRIMARY KEY,
    order_id   TEXT NOT NULL,
    version    BIGINT NOT NULL, -- from 1
    generation BIGINT NOT NULL, -- of the announcement that led to the fetch
    visible    BOOLEAN NOT NULL,
    hash       TEXT NOT NULL,
    report     BYTEA NOT NULL,  -- JSON
    raw        BYTEA,           -- the lab's response, verbatim
    pdf        BYTEA,
    fetched_at BIGINT NOT NULL,
    UNIQUE (order_id, version)
);
CREATE INDEX results_by_age ON results (fetched_at);

-- The inbox: what partners sent, verbatim.

CREATE TABLE inbox (
    id           TEXT PRIMARY KEY,
    partner      TEXT NOT NULL,
    event_key    TEXT NOT NULL,               -- equal for what the partner means to be the same
    variant      INTEGER NOT NULL,            -- 0, then one more per amendment
    hash         TEXT NOT NULL,               -- of the canonical body
    kind         TEXT NOT NULL,
    order_number TEXT NOT NULL,
    tracking     TEXT NOT NULL,
    order_id     TEXT REFERENCES orders (id), -- NULL: unmatched
    leg          TEXT NOT NULL,               -- which of the facts it is; '' for labs
    facts        TEXT,                        -- JSON, by leg
    state        TEXT NOT NULL,
    code         TEXT NOT NULL,               -- the reason of a final state
    deliveries   INTEGER NOT NULL,            -- how often the partner sent it
    headers      BYTEA,
    body         BYTEA,
    reason       BYTEA,                       -- the partner's own words
    received_at  BIGINT NOT NULL,
    state_at     BIGINT NOT NULL,
    account_id   TEXT,                        -- the lab account that it came through; NULL: not known
    fetch_at     BIGINT NOT NULL DEFAULT 0,   -- when to fetch the announced results of an unknown order; 0: do not
    fetch_tries  INTEGER NOT NULL DEFAULT 0
);
-- Items that their orders have applied, which most are, are in few indexes. A query names its state as a literal, which
-- is known when a plan is made. The condition is no IN, because SQLite would not use the index then.
CREATE INDEX inbox_by_state ON inbox (state, state_at, id) WHERE state = 'received' OR state = 'parked'
    OR state = 'refused' OR state = 'unmatched' OR state = 'incomplete' OR state = 'unknown' OR state = 'quarantined'
    OR state = 'released';
CREATE INDEX inbox_quarantined ON inbox (partner, account_id) WHERE state = 'quarantined' AND body IS NOT NULL;
CREATE INDEX inbox_by_order ON inbox (order_id, received_at, id);
CREATE INDEX inbox_by_number ON inbox (order_number) WHERE state = 'unmatched';
CREATE INDEX inbox_by_tracking ON inbox (tracking) WHERE state = 'unmatched';
CREATE INDEX inbox_to_fetch ON inbox (fetch_at, id) WHERE state = 'unmatched' AND fetch_at > 0;
CREATE INDEX inbox_by_age ON inbox (received_at) WHERE body IS NOT NULL;

-- What the partner means to be the same, so that it is stored once. Rows are only added. They are apart from the inbox,
-- so that an item whose state changes need not be written to the indexes of its key.
CREATE TABLE inbox_keys (
    partner   TEXT NOT NULL,
    event_key TEXT NOT NULL,
    hash      TEXT NOT NULL,
    variant   INTEGER NOT NULL,
    inbox_id  TEXT NOT NULL REFERENCES inbox (id),
    PRIMARY KEY (partner, event_key, hash),
    UNIQUE (partner, event_key, variant)
);

-- Match reviews: lab reports whose order somebody has to decide, and the decisions.

CREATE TABLE reviews (
    id                TEXT PRIMARY KEY,
    subject           TEXT NOT NULL UNIQUE, -- order:<id>, or report:<lab account>:<order number as reported>
    team_id           TEXT,
    lab_account_id    TEXT NOT NULL,
    lab_slug          TEXT NOT NULL,
    order_number      TEXT NOT NULL,        -- as reported
    order_id          TEXT,                 -- the order with that number; NULL: none was found
    result_id         TEXT,                 -- with order_id: the result version that is held
    status            TEXT NOT NULL,
    decision_code     TEXT NOT NULL,
    matching          TEXT NOT NULL,        -- JSON: ids, codes and counts
    hash              TEXT NOT NULL,        -- of the lab report's content
    critical          BOOLEAN NOT NULL,     -- the lab report is; such reviews are listed first
    report            BYTEA NOT NULL,       -- JSON
    raw               BYTEA,                -- the lab's response, verbatim; only without an order
    pdf               BYTEA,                -- only without an order
    note              BYTEA,
    resolution_action TEXT NOT NULL,        -- '': not decided yet
    accepting         TEXT,                 -- the order whose workflow is asked to accept the report; NULL: none
    demand_id         TEXT,                 -- of the demand that asks it
    resolved_user_id  TEXT,
    resolved_order_id TEXT,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    reviewed_at       BIGINT NOT NULL       -- 0: not decided yet
);
CREATE INDEX reviews_by_team ON reviews (team_id, critical, id);
CREATE INDEX reviews_by_order ON reviews (order_id, updated_at) WHERE order_id IS NOT NULL;
CREATE INDEX reviews_by_resolved_order ON reviews (resolved_order_id, updated_at) WHERE resolved_order_id IS NOT NULL;

-- Search hashes of tested patients.
CREATE TABLE review_search (
    review_id TEXT NOT NULL REFERENCES reviews (id),
    field     TEXT NOT NULL, -- name, full_name, birth_date
    hash      TEXT NOT NULL,
    PRIMARY KEY (review_id, field, hash)
);
CREATE INDEX review_search_by_hash ON review_search (field, hash, review_id);

-- Test runs of unmatched results, which sandbox teams start.
CREATE TABLE unmatched_tests (
    id            TEXT PRIMARY KEY,
    team_id       TEXT NOT NULL REFERENCES teams (id),
    key_hash      TEXT NOT NULL,   -- SHA-256 of the idempotency key, hex
    request_hash  TEXT NOT NULL,
    request       TEXT NOT NULL,   -- JSON: ids and codes only
    status        TEXT NOT NULL,   -- queued, running, succeeded, failed
    stage         TEXT NOT NULL,
    orders        TEXT NOT NULL,   -- JSON, by role
    raw_result_id TEXT,            -- of the review; NULL: none yet
    error_code    TEXT NOT NULL,
    error_message TEXT NOT NULL,
    lease_until   BIGINT NOT NULL, -- a process works on the run until this time
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    started_at    BIGINT NOT NULL,
    completed_at  BIGINT NOT NULL,
    UNIQUE (team_id, key_hash)
);

-- The outbox: one webhook message per event, one delivery per message and endpoint, one attempt per HTTP request.

-- A removed endpoint's row stays, without secrets, for the log of its deliveries.
CREATE TABLE endpoints (
    id              TEXT PRIMARY KEY,
    team_id         TEXT NOT NULL REFERENCES teams (id),
    url             TEXT NOT NULL,
    description     TEXT NOT NULL,
    secret          BYTEA NOT NULL,
    previous_secret BYTEA,
    previous_until  BIGINT NOT NULL,
    filter_types    TEXT,            -- JSON array; NULL for all types
    headers         BYTEA,           -- JSON
    rate_limit      BIGINT NOT NULL,
    disabled        BOOLEAN NOT NULL,
    disabled_reason TEXT NOT NULL,
    failing_since   BIGINT NOT NULL, -- the first failure after a success; 0 after a success
    first_failure   BIGINT NOT NULL, -- this and the next two: the parts of webhooks.EndpointHealth
    last_failure    BIGINT NOT NULL,
    clock_started   BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    deleted_at      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX endpoints_team ON endpoints (team_id);

-- PostgreSQL partitions these tables by the id of the message. No foreign key refers to their rows there, or here.
CREATE TABLE messages (
    id         TEXT NOT NULL,
    team_id    TEXT NOT NULL,
    order_id   TEXT,                    -- NULL: the message is about an endpoint or a review
    event_type TEXT NOT NULL,
    sequence   BIGINT NOT NULL,         -- of the order's event
    body       BYTEA NOT NULL,          -- the exact bytes to send
    created_at BIGINT NOT NULL,         -- the time of the id
    trace      TEXT NOT NULL DEFAULT '', -- traceparent of the trace that all deliveries belong to; '': none
    PRIMARY KEY (id)
);
CREATE INDEX messages_order ON messages (order_id, sequence) WHERE order_id IS NOT NULL;
CREATE INDEX messages_team ON messages (team_id, id);

CREATE TABLE deliveries (
    message_id      TEXT NOT NULL,
    endpoint_id     TEXT NOT NULL,
    state           TEXT NOT NULL,   -- pending, delivered, exhausted, cancelled
    round           BIGINT NOT NULL, -- from 1; sending a message again begins the next round
    attempts        BIGINT NOT NULL, -- of this round
    next_attempt_at BIGINT NOT NULL, -- while pending
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (message_id, endpoint_id)
);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_attempt_at, message_id) WHERE state = 'pending';
CREATE INDEX deliveries_failed ON deliveries (endpoint_id, created_at) WHERE state IN ('exhausted', 'cancelled');

CREATE TABLE attempts (
    message_id  TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    round       BIGINT NOT NULL,
    number      BIGINT NOT NULL, -- from 1
    at          BIGINT NOT NULL,
    duration    BIGINT NOT NULL, -- microseconds
    status_code BIGINT NOT NULL, -- 0: no HTTP response
    failure     TEXT NOT NULL,   -- a code; '' for success
    excerpt     BYTEA,           -- the beginning of the response
    next_at     BIGINT NOT NULL, -- 0: no attempt follows
    PRIMARY KEY (message_id, endpoint_id, round, number)
);

-- The lease of an endpoint: only the batch that holds it makes the endpoint's deliveries.
CREATE TABLE delivery_leases (
    endpoint_id TEXT PRIMARY KEY REFERENCES endpoints (id),
    owner       TEXT NOT NULL,   -- id of the batch that took it last
    fence       BIGINT NOT NULL, -- from 1; rises each time that it is taken
    expires_at  BIGINT NOT NULL  -- by the database's clock; 0: it is free
);

-- What shows a process that its encryption keys are those of the database.

CREATE TABLE encryption_checks (
    key_id TEXT PRIMARY KEY, -- the encryption key that was in front of the keys of a process
    sealed BYTEA NOT NULL    -- a known text; every process can open it
);

-- The audit: who did or read what.

-- Rows are appended and never changed.
CREATE TABLE audit (
    id         TEXT NOT NULL,
    at         BIGINT NOT NULL, -- the time of the id
    key_id     TEXT,
    team_id    TEXT,
    order_id   TEXT,
    action     TEXT NOT NULL,
    request_id TEXT NOT NULL,   -- of the request, often the caller's own
    address    TEXT NOT NULL,
    detail     TEXT NOT NULL,   -- codes only
    PRIMARY KEY (id)
);
CREATE INDEX audit_order ON audit (order_id, id) WHERE order_id IS NOT NULL;
CREATE INDEX audit_by_key ON audit (key_id, id) WHERE key_id IS NOT NULL;

-- The seals of the audit's rows: the positions in a chain of hashes. A row without one is not sealed yet.
CREATE TABLE audit_seals (
    audit_id TEXT NOT NULL,
    seq      BIGINT NOT NULL, -- the position in the chain
    hash     BYTEA NOT NULL,  -- of the row and of the hash before it; in clear text
    PRIMARY KEY (audit_id)
);
CREATE INDEX audit_seals_by_seq ON audit_seals (seq);

-- The chain as a whole, in one row: its start, because older rows may have been removed, and its end.
CREATE TABLE audit_chain (
    id           BIGINT PRIMARY KEY, -- 1
    start_seq    BIGINT NOT NULL,    -- the last row that was removed; 0: none
    start_hash   BYTEA,              -- in clear text
    end_seq      BIGINT NOT NULL,
    end_hash     BYTEA,              -- in clear text
    sealed_at    BIGINT NOT NULL,
    sealed_until BIGINT NOT NULL,    -- all rows with ids from before this time that could be seen are sealed
    searched_at  BIGINT NOT NULL,    -- when the whole audit was last searched for rows that are not sealed
    signature    TEXT NOT NULL       -- of all this, by an encryption key; '' for a chain without a row
);
INSERT INTO audit_chain (id, start_seq, end_seq, sealed_at, sealed_until, searched_at, signature)
VALUES (1, 0, 0, 0, 0, 0, '');

-- Partitions.

-- What PostgreSQL partitions. Here it has no rows, because no table is partitioned.
CREATE TABLE partition_rules (
    name       TEXT PRIMARY KEY, -- of the table
    key_column TEXT NOT NULL,    -- a UUIDv7
    family     TEXT NOT NULL,    -- the partitions of all tables of a family are dropped together
    drop_order INTEGER NOT NULL, -- within the family: children first
    width      TEXT NOT NULL,    -- of a partition: week (from Monday) or month, in UTC
    keep       BIGINT NOT NULL   -- microseconds from the end of a partition until it may be dropped; 0: for ever
);

-- Migrations: how far the changes of existing rows have come.

CREATE TABLE backfills (
    name        TEXT PRIMARY KEY,
    reached     TEXT NOT NULL,   -- the last key of the last batch
    done        BIGINT NOT NULL, -- rows
    updated_at  BIGINT NOT NULL,
    finished_at BIGINT           -- NULL: not finished
);

-- +goose Down

DROP TABLE backfills;
DROP TABLE partition_rules;
DROP TABLE audit_chain;
DROP TABLE audit_seals;
DROP TABLE audit;
DROP TABLE delivery_leases;
DROP TABLE encryption_checks;
DROP TABLE attempts;
DROP TABLE deliveries;
DROP TABLE messages;
DROP TABLE endpoints;
DROP TABLE unmatched_tests;
DROP TABLE review_search;
DROP TABLE reviews;
DROP TABLE inbox_keys;
DROP TABLE inbox;
DROP TABLE results;
DROP TABLE calls;
DROP TABLE demands;
DROP TABLE appointment_places;
DROP TABLE appointment_events;
DROP TABLE appointments;
DROP TABLE tracking_numbers;
DROP TABLE shipments;
DROP TABLE order_search;
DROP TABLE order_attention;
DROP TABLE decisions;
DROP TABLE events;
DROP TABLE order_counts;
DROP TABLE order_documents;
DROP TABLE order_states;
DROP TABLE order_progress;
DROP TABLE orders;
DROP TABLE order_transactions;
DROP TABLE courier_refusals;
DROP TABLE call_pacing;
DROP TABLE lab_account_webhook_keys;
DROP TABLE lab_accounts;
DROP TABLE zips;
DROP TABLE coverage;
DROP TABLE sites;
DROP TABLE lab_tests;
DROP TABLE markers;
DROP TABLE labs;
DROP TABLE payors;
DROP TABLE physicians;
DROP TABLE user_insurance;
DROP TABLE users;
DROP TABLE idempotency;
DROP TABLE rate_limits;
DROP TABLE access_tokens;
DROP TABLE api_keys;
DROP TABLE teams;
