package migrator

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The sessions for which a statement waits, without the texts of their statements, which may hold data.
const (
	activity = `b.pid || ' (' || COALESCE(a.usename, '') || ', ' || COALESCE(NULLIF(a.application_name, ''),
		a.backend_type, '') || ', ' || COALESCE(a.state, 'unknown state') || COALESCE(', transaction since ' ||
		date_trunc('second', clock_timestamp() - a.xact_start), '') || ')'`
	blockersQuery = `SELECT ` + activity + ` FROM unnest(pg_blocking_pids($1)) AS b (pid)
		LEFT JOIN pg_stat_activity a ON a.pid = b.pid`
	advisoryQuery = `SELECT ` + activity + ` FROM pg_locks b LEFT JOIN pg_stat_activity a ON a.pid = b.pid
		WHERE b.locktype = 'advisory' AND b.granted
		AND (b.classid::bigint << 32) + b.objid::bigint = $1 AND b.objsubid = 1
		AND b.database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	waitQuery = `SELECT mode || ' on ' || COALESCE(relation::regclass::text, locktype) FROM pg_locks
		WHERE pid = $1 AND NOT granted LIMIT 1`
)

// advisoryHolders describes who migrates. It is for the log: without an answer it is empty.
func advisoryHolders(ctx context.Context, q sqldb.Querier) []string {
	found, _ := sqldb.QueryAll(ctx, q, sqldb.ScanText, advisoryQuery, migrationLock)
	return found
}

// waitWatch looks what a migration waits for while it runs.
type waitWatch struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup
	last   []string
}

// watchWaits starts to look, if the engine is PostgreSQL. A wait of half a minute is logged: the concurrent statements
// wait without a limit for transactions that began before them, which stops nobody.
func (m *Migrator) watchWaits(ctx context.Context, f *file) *waitWatch {
	ctx, cancel := context.WithCancel(ctx)
	w := &waitWatch{cancel: cancel}
	if m.session == nil {
		return w
	}
	w.ended.Go(func() {
		tick := time.NewTicker(max(m.lockTimeout/8, 10*time.Millisecond))
		defer tick.Stop()
		nextReport := time.Now().Add(30 * time.Second)
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				if seen := m.waitsFor(ctx); len(seen) > 0 {
					w.last = seen
					if now.After(nextReport) {
						nextReport = now.Add(time.Minute)
						m.log.InfoContext(ctx, "the migration waits", "migration", f.name, "waited_for", seen)
					}
				}
			}
		}
	})
	return w
}

// stop ends the watch and returns what the migration waited for last.
func (w *waitWatch) stop() []string {
	w.cancel()
	w.ended.Wait()
	return w.last
}

// waitsFor returns the lock that the session waits for and the sessions that hold it; nil: it does not wait. It is for
// the log, so errors are not reported.
func (m *Migrator) waitsFor(ctx context.Context) []string {
	pid := m.session.pid.Load()
	if pid == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	blockers, err := sqldb.QueryAll(ctx, m.db.Writer, sqldb.ScanText, blockersQuery, pid)
	if err != nil || len(blockers) == 0 {
		return nil
	}
	locks, err := sqldb.QueryAll(ctx, m.db.Writer, sqldb.ScanText, waitQuery, pid)
	if err != nil {
		return blockers
	}
	for i, l := range locks {
		locks[i] = fmt.Sprintf("lock %s", l)
	}
	return append(locks, blockers...)
}
