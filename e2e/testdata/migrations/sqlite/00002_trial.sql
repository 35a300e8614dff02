-- A copy of the time of creation, as a release would add a column.

-- +goose Up
ALTER TABLE orders ADD COLUMN trial BIGINT;

-- +goose Down
ALTER TABLE orders DROP COLUMN trial;
