-- +goose Up
ALTER TABLE orders ALTER COLUMN trial SET NOT NULL;

-- +goose Down
ALTER TABLE orders ALTER COLUMN trial DROP NOT NULL;
