-- +goose NO TRANSACTION

-- +goose Up
CREATE INDEX CONCURRENTLY orders_by_trial ON orders (trial, created_at, id);

-- +goose Down
DROP INDEX CONCURRENTLY orders_by_trial;
