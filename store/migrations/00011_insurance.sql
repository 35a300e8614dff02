-- +goose Up

-- A user's insurance. A new record never replaces an older one; all go with the user.
CREATE TABLE user_insurance (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    is_primary BOOLEAN NOT NULL,
    document   BYTEA NOT NULL, -- sealed JSON
    created_at BIGINT NOT NULL
);
CREATE INDEX user_insurance_latest ON user_insurance (user_id, is_primary, created_at, id);

-- Payors that a team has added to those that everybody knows.
CREATE TABLE payors (
    code       TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    document   TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL
);
CREATE INDEX payors_of_team ON payors (team_id, created_at);

-- +goose Down

DROP TABLE payors;
DROP TABLE user_insurance;
