package store

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Standing is how everything stands that somebody or something still has to do with.
type Standing struct {
	Open      map[lifecycle.Status]int // unfinished orders, by status; a status without one is absent
	Attention map[string]int           // open marks, by reason; a reason without one is absent
	Inbox     map[string]int           // reports that are not settled, by state; each of WaitingStates is there
	Waiting   time.Time                // since when the longest waiting report has not been settled by its order; zero: none waits
	Overdue   Overdue
	Unsealed  time.Time // when the oldest row of the audit was written that is not sealed; zero: all are
}

// WaitingStates are the states in which a report waits: for its order's workflow, for its turn, or for somebody to say whose it is.
func WaitingStates() []string {
	return []string{InboxReceived, InboxSignalled, InboxParked, InboxUnmatched, InboxQuarantined}
}

// Standing reads how everything stands at a time. It costs a walk over the open orders.
func (s *Store) Standing(ctx context.Context, now time.Time) (Standing, error) {
	var out Standing
	for _, read := range []func() error{
		func() (err error) { out.Open, err = s.openByStatus(ctx); return err },
		func() (err error) { out.Attention, err = s.AttentionCounts(ctx); return err },
		func() (err error) { out.Inbox, err = s.waitingByState(ctx); return err },
		func() (err error) { out.Overdue, err = s.Overdue(ctx, now); return err },
		func() (err error) {
			out.Waiting, err = one(ctx, s.read, scanInstant, `SELECT COALESCE(MIN(state_at), 0) FROM inbox WHERE state IN ($1, $2)`,
				InboxReceived, InboxSignalled)
			return err
		},
		func() (err error) {
			out.Unsealed, err = one(ctx, s.read, scanInstant, `SELECT COALESCE(MIN(at), 0) FROM audit WHERE seq IS NULL`)
			return err
		},
	} {
		if err := read(); err != nil {
			return Standing{}, fmt.Errorf("reading how things stand: %w", err)
		}
	}
	return out, nil
}

func (s *Store) openByStatus(ctx context.Context) (map[lifecycle.Status]int, error) {
	counts := map[lifecycle.Status]int{}
	_, err := collect(ctx, s.read, func(row scanner) (none struct{}, err error) {
		var (
			modality lifecycle.Modality
			low      lifecycle.Low
			n        int
		)
		if err := row.Scan(&modality, &low, &n); err != nil {
			return none, err
		}
		if status, ok := lifecycle.Full(modality, low); ok {
			counts[status] = n
		}
		return none, nil
	}, `SELECT modality, status, COUNT(*) FROM orders WHERE unfinished GROUP BY modality, status`)
	return counts, err
}

func (s *Store) waitingByState(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, state := range WaitingStates() {
		n, err := one(ctx, s.read, scanInt, `SELECT COUNT(*) FROM inbox WHERE state = $1`, state)
		if err != nil {
			return nil, err
		}
		counts[state] = n
	}
	return counts, nil
}

// PoolMetrics are metrics of the connections to the database: go_sql_*, by pool.
func (s *Store) PoolMetrics() []prometheus.Collector {
	if s.read == s.write {
		return []prometheus.Collector{collectors.NewDBStatsCollector(s.write, "store")}
	}
	return []prometheus.Collector{collectors.NewDBStatsCollector(s.write, "store_write"), collectors.NewDBStatsCollector(s.read, "store_read")}
}
