-- +goose Up

-- Who a user is, for insurance and for orders; erased with the user.
ALTER TABLE users ADD COLUMN info BYTEA; -- sealed JSON

-- +goose Down

ALTER TABLE users DROP COLUMN info;
