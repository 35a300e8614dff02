package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// RateLimit is the limit of a token bucket: tokens per second, and the most tokens that it holds.
type RateLimit struct {
	PerSecond int
	Burst     int
}

// TakeRateTokens takes n tokens from a bucket that all processes share, by the database's clock. When the bucket has
// fewer, it takes none, and wait is the time until it has n.
func (s *Store) TakeRateTokens(ctx context.Context, bucket string, n int,
	rate RateLimit) (wait time.Duration, err error) {
	each := time.Second.Microseconds() / int64(rate.PerSecond)
	cost, most := int64(n)*each, int64(rate.Burst)*each
	statement := strings.ReplaceAll(`INSERT INTO rate_limits (bucket, full_at) VALUES ($1, {now} + $2)
		ON CONFLICT (bucket) DO UPDATE
		SET full_at = CASE WHEN rate_limits.full_at > {now} THEN rate_limits.full_at ELSE {now} END + $2
		WHERE rate_limits.full_at + $2 - {now} <= $3
		RETURNING 0`, "{now}", s.db.Dialect.NowMicrosExpr())
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		wait = 0
		_, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt, statement, bucket, cost, most)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		missing, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt,
			strings.ReplaceAll(`SELECT full_at - {now} FROM rate_limits WHERE bucket = $1`,
				"{now}", s.db.Dialect.NowMicrosExpr()), bucket)
		wait = max(time.Duration(int64(missing)+cost-most)*time.Microsecond, time.Millisecond)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("taking rate tokens: %w", err)
	}
	return wait, nil
}

// PruneRateLimits deletes up to limit buckets that have been full for an hour, and returns how many it deleted. It
// reads all buckets: an index on full_at would change with each request.
func (s *Store) PruneRateLimits(ctx context.Context, limit int) (int, error) {
	n, err := sqldb.ExecCount(ctx, s.db.Writer, strings.ReplaceAll(`DELETE FROM rate_limits WHERE bucket IN (
		SELECT bucket FROM rate_limits WHERE full_at < {now} - $1 LIMIT $2)`,
		"{now}", s.db.Dialect.NowMicrosExpr()),
		time.Hour.Microseconds(), limit)
	if err != nil {
		return 0, fmt.Errorf("pruning rate limits: %w", err)
	}
	return int(n), nil
}
