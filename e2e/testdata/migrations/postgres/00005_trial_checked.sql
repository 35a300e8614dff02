-- +goose Up
ALTER TABLE orders VALIDATE CONSTRAINT trial_is_set;

-- +goose Down
SELECT 1;
