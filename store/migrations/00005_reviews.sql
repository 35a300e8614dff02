-- +goose Up

-- Reports of labs that belong to no order by themselves, and what somebody decided about them.
CREATE TABLE reviews (
    id                TEXT PRIMARY KEY,
    subject           TEXT NOT NULL UNIQUE, -- order:<id>, or report:<lab account>:<order number as reported>
    team_id           TEXT NOT NULL,        -- '': an account of all teams
    lab_account_id    TEXT NOT NULL,
    lab_slug          TEXT NOT NULL,
    order_number      TEXT NOT NULL,        -- as reported
    order_id          TEXT NOT NULL,        -- the order that ended otherwise; '': none was found
    result_id         TEXT NOT NULL,        -- with order_id: the version that is held back
    status            TEXT NOT NULL,
    decision_code     TEXT NOT NULL,
    matching          TEXT NOT NULL,        -- JSON: ids, codes and counts
    hash              TEXT NOT NULL,        -- of the report's content
    report            BYTEA NOT NULL,       -- sealed JSON
    raw               BYTEA,                -- sealed: the lab's answer, verbatim; without an order
    pdf               BYTEA,                -- sealed; without an order
    note              BYTEA,                -- sealed
    resolution_action TEXT NOT NULL,        -- '' while nobody has decided
    accepting         TEXT NOT NULL,        -- the order whose workflow is being asked to take the report; '': none
    demand_id         TEXT NOT NULL,        -- by which it is asked
    resolved_user_id  TEXT NOT NULL,
    resolved_order_id TEXT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    reviewed_at       BIGINT NOT NULL       -- 0 while nobody has decided
);

CREATE INDEX reviews_by_team ON reviews (team_id, id);

-- Keyed hashes of whom the lab tested.
CREATE TABLE review_search (
    review_id TEXT NOT NULL REFERENCES reviews (id),
    field     TEXT NOT NULL,                -- name, full_name, birth_date
    hash      TEXT NOT NULL,
    PRIMARY KEY (review_id, field, hash)
);

CREATE INDEX review_search_by_hash ON review_search (field, hash, review_id);

-- Which account a report came through (''; not known), and what is done about one that announces results of an order that nobody knows.
ALTER TABLE inbox ADD COLUMN account_id TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN fetch_at BIGINT NOT NULL DEFAULT 0; -- when its results are to be asked for; 0: not, or not any more
ALTER TABLE inbox ADD COLUMN fetch_tries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbox_to_fetch ON inbox (fetch_at, id) WHERE state = 'unmatched' AND fetch_at > 0;

-- By which orders are found that a report might belong to.
CREATE INDEX orders_by_accession ON orders (accession) WHERE accession <> '';

-- +goose Down

DROP INDEX orders_by_accession;
DROP INDEX inbox_to_fetch;
ALTER TABLE inbox DROP COLUMN fetch_tries;
ALTER TABLE inbox DROP COLUMN fetch_at;
ALTER TABLE inbox DROP COLUMN account_id;
DROP TABLE review_search;
DROP TABLE reviews;
