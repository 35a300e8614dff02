-- +goose Up

-- Appointments of walk-in and phlebotomy orders. An order has at most one that is still ahead.

CREATE TABLE appointments (
    id             TEXT PRIMARY KEY,
    order_id       TEXT NOT NULL REFERENCES orders (id),
    team_id        TEXT NOT NULL,
    type           TEXT NOT NULL, -- phlebotomy, patient_service_center
    provider       TEXT NOT NULL,
    account_id     TEXT NOT NULL, -- through which the provider is called
    status         TEXT NOT NULL,
    reference      TEXT NOT NULL, -- the provider's id of it; '' until it has told it
    confirmation   TEXT NOT NULL,
    site           TEXT NOT NULL,
    slot           TEXT NOT NULL,
    start_at       BIGINT NOT NULL, -- 0: no time is set
    end_at         BIGINT NOT NULL,
    zone           TEXT NOT NULL, -- IANA name
    can_reschedule BOOLEAN NOT NULL,
    confirm_by     BIGINT NOT NULL,
    reported_at    BIGINT NOT NULL, -- of the provider's newest report
    notes          BYTEA, -- sealed
    place          BYTEA, -- sealed JSON: where the client asked for it to be
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

-- Where a provider says that an appointment is. It may say so before the appointment is recorded.

CREATE TABLE appointment_places (
    order_id   TEXT NOT NULL REFERENCES orders (id),
    reference  TEXT NOT NULL, -- the provider's id of the appointment
    place      BYTEA NOT NULL, -- sealed JSON
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (order_id, reference)
);

-- Orders whose requisition was made elsewhere, and the number that a kit is registered by.

ALTER TABLE orders ADD COLUMN imported BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX orders_by_sample ON orders (sample_id) WHERE sample_id <> '';

-- +goose Down

DROP INDEX orders_by_sample;
ALTER TABLE orders DROP COLUMN imported;
DROP TABLE appointment_places;
DROP TABLE appointment_events;
DROP TABLE appointments;
