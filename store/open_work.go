package store

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// OpenWork is how everything stands that somebody or something still has to do with. Marks, reports and deliveries are counted to
// mostCounted: more are too many all the same.
type OpenWork struct {
	UnfinishedOrders map[lifecycle.Status]int // unfinished orders, by status; a status without one is absent
	AttentionMarks   map[string]int           // open marks, by reason; a reason without one is absent
	// reports that are not settled, by state; each of WaitingStates is there
	InboxItems map[string]int
	// since when the longest waiting report has not been settled by its order; zero: none waits
	OldestInboxItemAt     time.Time
	DeliveryLag           DeliveryLag
	OldestUnsealedAuditAt time.Time // when the oldest row of the audit was written that is not sealed; zero: all are
}

// UnprocessedInboxStates are the states in which a report waits: for its order's workflow, for its turn, or for somebody to say whose it is.
func UnprocessedInboxStates() []string {
	return []string{InboxReceived, InboxSignalled, InboxParked, InboxUnmatched, InboxQuarantined}
}

// countLimit is how far is counted what is counted row by row.
const countLimit = 100_000

// OpenWork reads how everything stands at a time. What it costs does not depend on how many orders, reports and deliveries there are.
func (s *Store) OpenWork(ctx context.Context, now time.Time) (OpenWork, error) {
	var out OpenWork
	for _, read := range []func() error{
		func() (err error) { out.UnfinishedOrders, err = s.unfinishedByStatus(ctx); return err },
		func() (err error) { out.AttentionMarks, err = s.attentionCounts(ctx); return err },
		func() (err error) { out.InboxItems, err = s.inboxCountsByState(ctx); return err },
		func() (err error) { out.DeliveryLag, err = s.DeliveryLag(ctx, now); return err },
		func() (err error) {
			out.OldestInboxItemAt, err = sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanTime, `SELECT COALESCE(MIN(since), 0) FROM (
				SELECT MIN(state_at) AS since FROM inbox WHERE state = $1
				UNION ALL SELECT MIN(state_at) AS since FROM inbox WHERE state = $2) AS waiting`, InboxReceived, InboxSignalled)
			return err
		},
		func() (err error) {
			out.OldestUnsealedAuditAt, err = sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanTime,
				`SELECT COALESCE((SELECT at FROM audit WHERE seq IS NULL ORDER BY id LIMIT 1), 0)`) // ids are in the order of time
			return err
		},
	} {
		if err := read(); err != nil {
			return OpenWork{}, fmt.Errorf("reading how things stand: %w", err)
		}
	}
	return out, nil
}

func (s *Store) inboxCountsByState(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, state := range UnprocessedInboxStates() {
		n, err := s.countUpTo(ctx, `inbox WHERE state = $1`, state)
		if err != nil {
			return nil, err
		}
		counts[state] = n
	}
	return counts, nil
}

// attentionCounts counts the open marks of all orders, by reason. Reasons without one are absent.
func (s *Store) attentionCounts(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, reason := range order.AllAttentionReasons() {
		n, err := s.countUpTo(ctx, `order_attention WHERE reason = $1`, string(reason))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			counts[string(reason)] = n
		}
	}
	return counts, nil
}

// countUpTo counts the rows of a source, to mostCounted.
func (s *Store) countUpTo(ctx context.Context, source string, args ...any) (int, error) {
	return sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanInt,
		fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT 1 FROM %s LIMIT %d) AS bounded`,
			source, s.countLimit), args...)
}

// PoolMetrics are metrics of the connections to the database: go_sql_*, by pool.
func (s *Store) PoolMetrics() []prometheus.Collector {
	if s.db.Reader == s.db.Writer {
		return []prometheus.Collector{collectors.NewDBStatsCollector(s.db.Writer, "store")}
	}
	return []prometheus.Collector{collectors.NewDBStatsCollector(s.db.Writer, "store_write"),
		collectors.NewDBStatsCollector(s.db.Reader, "store_read")}
}
