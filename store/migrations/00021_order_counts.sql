-- How many orders are unfinished, by method and status, without looking at them: a scrape asks every few seconds. Each transaction that
-- moves an order moves its count, in one of several rows of the status, so that two of them seldom wait for each other.

-- +goose Up

CREATE TABLE order_counts (
    modality TEXT NOT NULL,
    status   TEXT NOT NULL,
    shard    INTEGER NOT NULL,
    orders   BIGINT NOT NULL, -- may be below zero: what was counted elsewhere at first leaves by its order's own
    PRIMARY KEY (modality, status, shard)
);
INSERT INTO order_counts (modality, status, shard, orders)
    SELECT modality, status, 0, COUNT(*) FROM orders WHERE unfinished GROUP BY modality, status;

-- What there is to count is read from the index alone, from time to time.
DROP INDEX orders_unfinished;
CREATE INDEX orders_unfinished ON orders (id, modality, status) WHERE unfinished;

-- +goose Down

DROP INDEX orders_unfinished;
CREATE INDEX orders_unfinished ON orders (id) WHERE unfinished;
DROP TABLE order_counts;
