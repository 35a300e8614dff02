-- +goose Up

-- Whether somebody got the workflow's answer to a demand. Without it, the run may not know what it has recorded.
ALTER TABLE demands ADD COLUMN answered BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE demands SET answered = TRUE;
CREATE INDEX demands_unanswered ON demands (created_at, id) WHERE NOT answered;

-- +goose Down

DROP INDEX demands_unanswered;
ALTER TABLE demands DROP COLUMN answered;
