-- The release before writes the column; the rows from before it are filled first.
-- +aliquot needs-backfill trial

-- +goose Up
ALTER TABLE orders VALIDATE CONSTRAINT trial_is_set;

-- +goose Down
SELECT 1;
