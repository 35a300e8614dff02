-- +goose Up
CREATE INDEX orders_by_trial ON orders (trial, created_at, id);

-- +goose Down
DROP INDEX orders_by_trial;
