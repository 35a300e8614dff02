package store

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/faultproxy"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestAReplicaThatIsTooOldIsNotAsked(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, time.Second, nil)
	o, message := addReadable(t, r.direct)
	require.NoError(t, r.standby.PauseReplay())
	t.Cleanup(func() { _ = r.standby.ResumeReplay() })
	moveTo(t, r.direct, o.ID, lifecycle.Lost)
	r.waitUntilUsable(false)
	require.Greater(t, r.store.db.Replica.Stats().Age, time.Second)
	require.Eventually(t, func() bool { return r.log.contains("the replica is behind") }, time.Minute, 5*time.Millisecond)
	r.requireThePrimaryAnswers(o, message)
	require.NoError(t, r.standby.ResumeReplay())
	r.waitUntilUsable(true)
	r.requireTheReplicaAnswers(o)
}

func TestAReplicaThatEndsIsNotMissed(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, time.Minute, nil)
	o, message := addReadable(t, r.direct)
	r.waitUntilReplayed()
	require.NoError(t, r.standby.Kill())
	for name, read := range readsOfOrder(t, o) {
		_, err := read(r.store)
		require.NoError(t, err, name)
	}
	r.waitUntilUsable(false)
	r.requireThePrimaryAnswers(o, message)
	require.Eventually(t, func() bool { return r.log.contains("level=WARN") }, time.Minute, 5*time.Millisecond)
	require.NoError(t, r.store.Ping(t.Context()), "the process stays ready")

	began := time.Now()
	again := r.open(r.copyURL, time.Minute) // a process starts without the replica
	_, err := again.CurrentOrder(t.Context(), o.TeamID, o.ID)
	require.NoError(t, err)
	require.Less(t, time.Since(began), 30*time.Second)
}

// A replica that hangs delays a few reads by seconds, and the next ones not at all.
func TestAReplicaThatHangsDelaysFewReads(t *testing.T) {
	t.Parallel()
	var proxy *faultproxy.Proxy
	r := newReplicated(t, time.Minute, func(address string) string {
		proxy = faultproxy.Start(t, address)
		return proxy.Address
	})
	o, message := addReadable(t, r.direct)
	r.waitUntilReplayed()
	r.requireTheReplicaAnswers(o)
	proxy.Set(faultproxy.Stall)
	_, err := r.store.ReadOrderAudited(t.Context(), o.TeamID, o.ID, auditedRead)
	require.NoError(t, err)
	require.False(t, r.store.db.Replica.Stats().Usable)
	r.requireThePrimaryAnswers(o, message)
}

// After a failover the former replica is a primary. It is not asked any more, and nothing is ever written to it.
func TestAPromotedReplicaIsNotAskedAndNotWritten(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, time.Minute, nil)
	o, message := addReadable(t, r.direct)
	r.waitUntilReplayed()
	pool := r.store.db.Replica.Pool()
	require.NoError(t, pool.PingContext(t.Context()))
	require.NoError(t, r.standby.Promote())
	_, err := pool.ExecContext(t.Context(), `UPDATE order_progress SET status = 'lost'`)
	require.ErrorContains(t, err, "read-only", "also by a connection from before")
	promoted := openStore(t, r.copyURL)
	moveTo(t, promoted, o.ID, lifecycle.Lost) // the control: it accepts writes
	for name, read := range readsOfOrder(t, o) {
		_, err := read(r.store)
		require.NoError(t, err, name)
	}
	got, err := r.store.CurrentOrder(t.Context(), o.TeamID, o.ID)
	require.NoError(t, err)
	require.Equal(t, o.Status, got.Status)
	r.waitUntilUsable(false)
	require.Eventually(t, func() bool { return r.log.contains("it accepts writes") }, time.Minute, 5*time.Millisecond)
	r.requireThePrimaryAnswers(o, message)
	rows, err := promoted.OrderAudit(t.Context(), o.ID)
	require.NoError(t, err)
	require.Len(t, rows, 1, "the reads were audited at the primary")
}

func TestOtherServersAreNotTakenForTheReplica(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, time.Minute, nil)
	server, err := replicatedServer()
	require.NoError(t, err)
	other, err := server.CreateDatabase("other_" + sqldb.NewID()[24:])
	require.NoError(t, err)
	copied, err := r.standby.DatabaseURL(other)
	require.NoError(t, err)
	for url, why := range map[string]string{
		copied:                        "the server is a replica of another database",
		r.url:                         "the server is no replica",
		postgrestest.NewDatabase(t):   "the server is no replica",
		"postgres://127.0.0.1:1/none": "connect",
	} {
		log := &logBuffer{}
		s := openStore(t, r.url, func(o *Options) {
			o.Replica = sqldb.ReplicaOptions{URL: url, Logger: slog.New(slog.NewTextHandler(log, nil))}
		})
		require.Eventually(t, func() bool { return log.contains(why) }, time.Minute, 5*time.Millisecond, "%s", url)
		require.False(t, s.db.Replica.Stats().Usable)
	}
	_, err = Open(t.Context(), Options{URL: "sqlite:" + migratedSQLite.Copy(t), Keys: testKeyring(t),
		Replica: sqldb.ReplicaOptions{URL: r.copyURL}})
	require.ErrorContains(t, err, "only PostgreSQL")
	_, err = Open(t.Context(), Options{URL: r.url, Keys: testKeyring(t),
		Replica: sqldb.ReplicaOptions{URL: "postgres://user:hunter2@host:port/"}})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

// requireThePrimaryAnswers checks that all reads succeed without the replica.
func (r *replicated) requireThePrimaryAnswers(o *order.Order, messageID string) {
	r.t.Helper()
	for _, reads := range []map[string]func(*Store) (any, error){readsOfLists(r.t, o, messageID), readsOfOrder(r.t, o)} {
		for name, read := range reads {
			want, err := read(r.direct)
			require.NoError(r.t, err, name)
			require.Equal(r.t, sqldb.ReplicaUnavailable, r.outcome(func() {
				got, err := read(r.store)
				require.NoError(r.t, err, name)
				if name != "audit" { // each audited read adds a row
					require.Equal(r.t, want, got, name)
				}
			}), name)
		}
	}
}

func (r *replicated) requireTheReplicaAnswers(o *order.Order) {
	r.t.Helper()
	require.Equal(r.t, sqldb.ReplicaAnswered, r.outcome(func() {
		_, err := r.store.CurrentOrder(r.t.Context(), o.TeamID, o.ID)
		require.NoError(r.t, err)
	}))
}
