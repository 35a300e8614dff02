-- +goose Up

-- The trace that a message belongs to: its deliveries, however late, are made under it.
ALTER TABLE messages ADD COLUMN trace TEXT NOT NULL DEFAULT ''; -- traceparent; '': none

-- +goose Down

ALTER TABLE messages DROP COLUMN trace;
