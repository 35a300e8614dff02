-- What a list of orders is asked for costs as much as the page that it makes, however many orders there are: every filter has an
-- index of the team's orders that gives them in the order of the list.

-- +goose Up

-- Terms lie by team and time, so that a common name is read from its newest order on, without another team's. What is there is
-- completed by Migrate, with the pairs of names that are terms from now on.
ALTER TABLE order_search ADD COLUMN team_id TEXT NOT NULL DEFAULT '';     -- of the order; '' until the terms are complete
ALTER TABLE order_search ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0; -- of the order
DROP INDEX order_search_by_hash;
CREATE INDEX order_search_by_hash ON order_search (field, hash, team_id, created_at, order_id);
CREATE INDEX order_search_incomplete ON order_search (order_id) WHERE team_id = '';

DROP INDEX orders_by_team;
CREATE INDEX orders_by_team ON orders (team_id, created_at, id, modality, activate_by);
CREATE INDEX orders_by_status ON orders (team_id, status, created_at, id, modality);
CREATE INDEX orders_by_method ON orders (team_id, modality, created_at, id);
DROP INDEX orders_by_user;
CREATE INDEX orders_by_user ON orders (user_id, created_at, id, team_id, status);
CREATE INDEX orders_by_change ON orders (team_id, updated_at, created_at, id);
CREATE INDEX orders_scheduled ON orders (team_id, activate_by, created_at, id) WHERE activate_by IS NOT NULL;

-- What a request with a key asks of an order goes by this id, whoever takes the claim over.
ALTER TABLE idempotency ADD COLUMN demand_id TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE idempotency DROP COLUMN demand_id;
DROP INDEX orders_scheduled;
DROP INDEX orders_by_change;
DROP INDEX orders_by_user;
CREATE INDEX orders_by_user ON orders (user_id);
DROP INDEX orders_by_method;
DROP INDEX orders_by_status;
DROP INDEX orders_by_team;
CREATE INDEX orders_by_team ON orders (team_id, created_at, id);
DROP INDEX order_search_incomplete;
DROP INDEX order_search_by_hash;
CREATE INDEX order_search_by_hash ON order_search (field, hash, order_id);
ALTER TABLE order_search DROP COLUMN created_at;
ALTER TABLE order_search DROP COLUMN team_id;
