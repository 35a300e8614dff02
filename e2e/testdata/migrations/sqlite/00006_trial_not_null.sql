-- Nothing: the engine cannot add a constraint to a table.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
