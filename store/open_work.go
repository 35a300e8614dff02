package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// OpenWork counts everything that is not finished. Attention marks, inbox items and deliveries are counted up to
// countLimit.
type OpenWork struct {
	UnfinishedOrders map[lifecycle.Status]int // by status; a status without unfinished orders is absent
	AttentionMarks   map[string]int           // open marks by reason; a reason without marks is absent
	// InboxItems counts unprocessed inbox items by state. It has each state of UnprocessedInboxStates.
	InboxItems map[string]int
	// OldestInboxItemAt is the time since which the oldest inbox item has been waiting for its order. It is zero when none
	// waits.
	OldestInboxItemAt     time.Time
	DeliveryLag           DeliveryLag
	OldestUnsealedAuditAt time.Time // when the oldest unsealed audit row was written; zero: all are sealed
	Partitions            PartitionState
	CourierRefusals       []CourierRefusal // accounts at tracking services that are refused now
}

// UnprocessedInboxStates returns the states in which an inbox item waits: for its order's workflow, for another fact,
// or to be assigned.
func UnprocessedInboxStates() []string {
	return []string{InboxReceived, InboxParked, InboxUnmatched, InboxQuarantined}
}

// countLimit is the limit of counts that read every row.
const countLimit = 100_000

// OpenWork reads the counts at a time. Its cost does not depend on the number of orders, inbox items and deliveries.
func (s *Store) OpenWork(ctx context.Context, now time.Time) (OpenWork, error) {
	var out OpenWork
	for _, read := range []func() error{
		func() (err error) { out.UnfinishedOrders, err = s.unfinishedByStatus(ctx); return err },
		func() (err error) { out.AttentionMarks, err = s.attentionCounts(ctx); return err },
		func() (err error) { out.InboxItems, err = s.inboxCountsByState(ctx); return err },
		func() (err error) { out.DeliveryLag, err = s.DeliveryLag(ctx, now); return err },
		func() (err error) {
			out.OldestInboxItemAt, err = sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanTime,
				`SELECT COALESCE(MIN(state_at), 0) FROM inbox WHERE state = '`+InboxReceived+`'`)
			return err
		},
		func() (err error) {
			out.OldestUnsealedAuditAt, err = s.oldestUnsealedAudit(ctx)
			return err
		},
		func() (err error) { out.Partitions, err = s.PartitionState(ctx); return err },
		func() (err error) { out.CourierRefusals, err = s.CourierRefusals(ctx); return err },
	} {
		if err := read(); err != nil {
			return OpenWork{}, fmt.Errorf("counting open work: %w", err)
		}
	}
	return out, nil
}

// oldestUnsealedAudit returns when the oldest row of the audit was written that the next sealing seals; zero: none.
func (s *Store) oldestUnsealedAudit(ctx context.Context) (time.Time, error) {
	c, err := sqldb.QueryOne(ctx, s.db.Reader, scanAuditChain,
		`SELECT `+auditChainColumns+` FROM audit_chain WHERE id = 1`)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return time.Time{}, err
	}
	return sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanTime,
		`SELECT COALESCE((SELECT a.at FROM audit a WHERE `+unsealedCondition+` ORDER BY a.id LIMIT 1), 0)`,
		c.oldestUnsealedID())
}

func (s *Store) inboxCountsByState(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, state := range UnprocessedInboxStates() { // as a literal: see the index inbox_by_state
		n, err := s.countUpTo(ctx, `inbox WHERE state = '`+state+`'`)
		if err != nil {
			return nil, err
		}
		counts[state] = n
	}
	return counts, nil
}

// attentionCounts counts the open marks of all orders, by reason. Reasons without marks are absent.
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

// countUpTo counts the rows of a source, up to countLimit.
func (s *Store) countUpTo(ctx context.Context, source string, args ...any) (int, error) {
	return sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanInt,
		fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT 1 FROM %s LIMIT %d) AS bounded`,
			source, s.countLimit), args...)
}

// PoolMetrics returns the metrics of the database's connection pools: go_sql_*, by pool.
func (s *Store) PoolMetrics() []prometheus.Collector {
	if pool := s.db.Replica.Pool(); pool != nil {
		return []prometheus.Collector{collectors.NewDBStatsCollector(s.db.Writer, "store"),
			collectors.NewDBStatsCollector(pool, "store_replica")}
	}
	if s.db.Reader == s.db.Writer {
		return []prometheus.Collector{collectors.NewDBStatsCollector(s.db.Writer, "store")}
	}
	return []prometheus.Collector{collectors.NewDBStatsCollector(s.db.Writer, "store_write"),
		collectors.NewDBStatsCollector(s.db.Reader, "store_read")}
}
