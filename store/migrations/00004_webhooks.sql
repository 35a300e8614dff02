-- +goose Up

-- A removed endpoint keeps its row, without secrets, for the log of what was delivered to it.
ALTER TABLE endpoints ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0;

-- What is due is read in order, however much of it became due at once.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_attempt_at, message_id) WHERE state = 'pending';

-- What has failed at an endpoint, to be replayed.
CREATE INDEX deliveries_failed ON deliveries (endpoint_id, created_at) WHERE state IN ('exhausted', 'cancelled');

-- The message log, newest first, and its pruning.
CREATE INDEX messages_created ON messages (created_at, id);
CREATE INDEX messages_team ON messages (team_id, created_at, id);

-- +goose Down

DROP INDEX messages_team;
DROP INDEX messages_created;
DROP INDEX deliveries_failed;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending';
ALTER TABLE endpoints DROP COLUMN deleted_at;
