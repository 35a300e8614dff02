-- The constraint holds for every update from now on, so the rows from before the column are filled first.
-- +aliquot needs-backfill trial

-- +goose Up
ALTER TABLE orders ADD CONSTRAINT trial_is_set CHECK (trial IS NOT NULL) NOT VALID;

-- +goose Down
ALTER TABLE orders DROP CONSTRAINT trial_is_set;
