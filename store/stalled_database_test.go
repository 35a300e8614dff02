package store

import (
	"context"
	"database/sql"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/faultproxy"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// How long statements may take in these tests, and how soon an answer is due then: a dead idle connection, a new
// connection and the statement are each waited for.
const (
	stalledLimit = time.Second
	stalledDue   = 20 * time.Second
)

func limitStatements(o *Options) { o.StatementLimit = stalledLimit }

// newProxied returns a proxy in front of the server of a database, and the URL through it.
func newProxied(t testing.TB, direct string) (*faultproxy.Proxy, string) {
	t.Helper()
	u, err := url.Parse(direct)
	require.NoError(t, err)
	proxy := faultproxy.Start(t, u.Host)
	u.Host = proxy.Address
	return proxy, u.String()
}

// statementsOfRequests are what requests, webhooks and recordings do, on contexts without a deadline.
func statementsOfRequests(o *order.Order) map[string]func(s *Store) error {
	ctx := context.Background()
	return map[string]func(s *Store) error{
		"ping":      func(s *Store) error { return s.Ping(ctx) },
		"read":      func(s *Store) error { _, err := s.Order(ctx, o.TeamID, o.ID); return err },
		"audited":   func(s *Store) error { _, err := s.ReadOrderAudited(ctx, o.TeamID, o.ID, auditedRead); return err },
		"lab":       func(s *Store) error { _, err := s.StoreInboxItem(ctx, labReport(o.Number, order.Fact{})); return err },
		"look":      func(s *Store) error { _, err := s.LookAtOrder(ctx, o.ID); return err },
		"change":    func(s *Store) error { return s.AppendAudit(ctx, auditedRead) },
		"recording": func(s *Store) error { return s.PostponeActing(ctx, o.ID, time.Now()) },
		"demand": func(s *Store) error {
			d := order.Demand{ID: sqldb.NewID(), Kind: order.DemandCancel, By: lifecycle.Client}
			return s.AddDemand(ctx, DemandRow{ID: d.ID, OrderID: o.ID, Kind: d.Kind, By: d.By, Request: d})
		},
	}
}

// requireEnds calls a function and requires that it returns in time.
func requireEnds(t testing.TB, name string, due time.Duration, do func() error) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(due):
		require.FailNow(t, "it never ends", name)
		return nil
	}
}

func TestAFaultOfTheConnectionEndsEveryStatement(t *testing.T) {
	t.Parallel()
	for _, fault := range faultproxy.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			direct := migratedURL(t, sqldb.Postgres)
			o := addOrder(t, openStore(t, direct))
			proxy, through := newProxied(t, direct)
			s := openStore(t, through, limitStatements)
			for name, do := range statementsOfRequests(o) {
				require.NoError(t, do(s), "%s without a fault", name)
				proxy.Set(fault)
				err := requireEnds(t, name, stalledDue, func() error { return do(s) })
				require.True(t, sqldb.IsUnavailable(err), "%s: %v", name, err)
				proxy.Set(faultproxy.None)
				require.Eventually(t, func() bool { return do(s) == nil }, stalledDue, 10*time.Millisecond, name)
			}
		})
	}
}

// The control: without a limit a statement waits for as long as the connection is stalled.
func TestWithoutALimitAStatementWaits(t *testing.T) {
	t.Parallel()
	direct := migratedURL(t, sqldb.Postgres)
	owner, err := sql.Open("pgx", postgrestest.AsRole(direct, postgrestest.OwnerRole))
	require.NoError(t, err)
	defer owner.Close()
	lock, err := owner.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = lock.ExecContext(t.Context(), `LOCK TABLE orders`)
	require.NoError(t, err)
	s := openStore(t, direct)
	ended := make(chan error, 1)
	go func() { _, err := s.Order(context.Background(), "", sqldb.NewID()); ended <- err }()
	select {
	case err := <-ended:
		require.Fail(t, "it has ended", "%v", err)
	case <-time.After(3 * stalledLimit):
	}
	require.NoError(t, lock.Rollback())
	require.ErrorIs(t, <-ended, ErrNotFound)
}

// A locked table ends what needs it, at the server too: nothing goes on waiting there.
func TestALockedTableEndsEveryStatement(t *testing.T) {
	t.Parallel()
	direct := migratedURL(t, sqldb.Postgres)
	s := openStore(t, direct, limitStatements)
	o := addOrder(t, s)
	owner := asOwner(t, s)
	lock, err := owner.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = lock.ExecContext(t.Context(), `LOCK TABLE orders, order_states, inbox, audit, demands`)
	require.NoError(t, err)
	for name, do := range statementsOfRequests(o) {
		err := requireEnds(t, name, stalledDue, func() error { return do(s) })
		if name == "ping" {
			require.NoError(t, err)
			continue
		}
		require.True(t, sqldb.IsUnavailable(err), "%s: %v", name, err)
	}
	require.Eventually(t, func() bool {
		waiting, err := sqldb.QueryOne(t.Context(), owner.db.Writer, sqldb.ScanInt, `SELECT count(*) FROM pg_locks
			WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		require.NoError(t, err)
		return waiting == 0
	}, stalledDue, 10*time.Millisecond)
	require.NoError(t, lock.Rollback())
	for name, do := range statementsOfRequests(o) {
		require.NoError(t, do(s), name)
	}
}

// Idle connections whose server is gone delay one statement by seconds, not every one. A new connection works.
func TestDeadIdleConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	const conns = 6
	proxy, through := newProxied(t, migratedURL(t, sqldb.Postgres))
	s := openStore(t, through, func(o *Options) { o.MaxConns = conns })
	var held []*sql.Conn
	for range conns {
		conn, err := s.db.Writer.Conn(t.Context())
		require.NoError(t, err)
		held = append(held, conn)
	}
	for _, conn := range held {
		require.NoError(t, conn.Close())
	}
	require.Equal(t, conns, proxy.Open())
	<-time.After(1100 * time.Millisecond) // connections that were idle for a second are asked before their use
	proxy.SetOpen(faultproxy.Stall)
	began := time.Now()
	for range 2 * conns {
		require.NoError(t, s.Ping(t.Context()))
	}
	require.Less(t, time.Since(began), 10*time.Second, "two seconds once, and not for each connection")
}

// A process that is cut off in a transaction holds its locks no longer than its own limit.
func TestTheServerEndsATransactionOfALostProcess(t *testing.T) {
	t.Parallel()
	direct := migratedURL(t, sqldb.Postgres)
	other := openStore(t, direct)
	o := addOrder(t, other)
	tryLock := func() error {
		return other.db.InTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `SELECT 1 FROM order_states WHERE order_id = $1 FOR UPDATE NOWAIT`, o.ID)
			return err
		})
	}
	lose := func(limit time.Duration) {
		proxy, through := newProxied(t, direct)
		s := openStore(t, through, func(o *Options) { o.StatementLimit = limit })
		tx, err := s.db.Writer.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback() })
		_, err = tx.ExecContext(t.Context(), `SELECT 1 FROM order_states WHERE order_id = $1 FOR UPDATE`, o.ID)
		require.NoError(t, err)
		proxy.Set(faultproxy.Stall)
	}
	lose(stalledLimit)
	require.Error(t, tryLock())
	require.Eventually(t, func() bool { return tryLock() == nil }, stalledDue, 20*time.Millisecond)
	lose(0) // the control
	require.Never(t, func() bool { return tryLock() == nil }, 4*stalledLimit, 50*time.Millisecond)
}

// A pooler of transactions may stand between: the limits end with the transaction, and no connection begins with
// settings that a pooler does not know.
func TestTheLimitsAreThoseOfTheTransaction(t *testing.T) {
	t.Parallel()
	s := openStore(t, migratedURL(t, sqldb.Postgres), limitStatements, func(o *Options) { o.MaxConns = 1 })
	show := func(q sqldb.Querier) string {
		text, err := sqldb.QueryOne(t.Context(), q, sqldb.ScanText,
			`SELECT current_setting('statement_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout')`)
		require.NoError(t, err)
		return text
	}
	before := show(s.db.Writer)
	require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) error {
		require.Equal(t, "2s 2s", show(tx))
		return nil
	}))
	require.NoError(t, s.db.InSnapshot(t.Context(), func(q sqldb.Querier) error {
		require.Equal(t, "2s 2s", show(q))
		return nil
	}))
	require.Equal(t, before, show(s.db.Writer))

	unlimited := openStore(t, migratedURL(t, sqldb.Postgres)) // as aliquot migrate opens it
	require.NoError(t, unlimited.db.InTx(t.Context(), func(tx *sql.Tx) error {
		require.Equal(t, before, show(tx))
		return nil
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, unlimited.db.InTx(ctx, func(tx *sql.Tx) error {
		require.Regexp(t, `^(5\d|60)\d{3}ms `, show(tx), "the rest of the context's time, and a second")
		return nil
	}))
}

// Another process that holds the lock of a SQLite database ends a write at the context's deadline.
func TestALockedSQLiteFileEndsAWrite(t *testing.T) {
	t.Parallel()
	u := migratedURL(t, sqldb.SQLite)
	s, other := openStore(t, u), openStore(t, u)
	tx, err := other.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), stalledLimit)
		began := time.Now()
		err := s.AppendAudit(ctx, auditedRead)
		cancel()
		require.True(t, sqldb.IsUnavailable(err), "%v", err)
		require.Less(t, time.Since(began), 5*time.Second, "the driver's own wait is ten seconds")
	}
	require.NoError(t, tx.Rollback())
	require.NoError(t, s.AppendAudit(t.Context(), auditedRead))
}
