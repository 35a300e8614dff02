-- +goose Up
ALTER TABLE orders ADD CONSTRAINT trial_is_set CHECK (trial IS NOT NULL) NOT VALID;

-- +goose Down
ALTER TABLE orders DROP CONSTRAINT trial_is_set;
