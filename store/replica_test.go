package store

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

var auditedRead = AuditRow{APIKeyID: "key", Action: "order.read", RequestID: "r1", Address: "192.0.2.7"}

// readsOfOrder are the reads about one order that a replica may answer. None is older than the primary has it.
func readsOfOrder(t *testing.T, o *order.Order) map[string]func(*Store) (any, error) {
	t.Helper()
	ctx := t.Context()
	return map[string]func(*Store) (any, error){
		"order":         func(s *Store) (any, error) { return s.ReadOrder(ctx, o.TeamID, o.ID) },
		"audited order": func(s *Store) (any, error) { return s.ReadOrderAudited(ctx, o.TeamID, o.ID, auditedRead) },
		"order and result": func(s *Store) (any, error) {
			read, v, err := s.ReadOrderAndResult(ctx, o.TeamID, o.ID)
			return []any{read, v}, err
		},
		"result":      func(s *Store) (any, error) { return s.NewestResult(ctx, o.TeamID, o.ID) },
		"PDF":         func(s *Store) (any, error) { return s.ResultPDF(ctx, o.TeamID, o.ID) },
		"transaction": func(s *Store) (any, error) { return s.TransactionOrders(ctx, o.TeamID, o.TransactionID) },
	}
}

// readsOfLists are the reads that may be a little old.
func readsOfLists(t *testing.T, o *order.Order, messageID string) map[string]func(*Store) (any, error) {
	t.Helper()
	ctx := t.Context()
	return map[string]func(*Store) (any, error){
		"orders": func(s *Store) (any, error) {
			all, total, err := s.Orders(ctx, OrderQuery{TeamID: o.TeamID, PatientName: "ada"})
			return []any{all, total}, err
		},
		"orders for operations": func(s *Store) (any, error) {
			all, total, err := s.OpsOrders(ctx, OpsOrderQuery{})
			return []any{all, total}, err
		},
		"messages": func(s *Store) (any, error) { return s.WebhookMessages(ctx, WebhookMessageQuery{TeamID: o.TeamID}) },
		"message":  func(s *Store) (any, error) { return s.WebhookMessage(ctx, messageID) },
		"inbox": func(s *Store) (any, error) {
			all, total, err := s.InboxItems(ctx, InboxQuery{})
			return []any{all, total}, err
		},
		"audit": func(s *Store) (any, error) { return s.AuditLog(ctx, AuditQuery{OrderID: o.ID}) },
		"reviews": func(s *Store) (any, error) {
			all, total, _, err := s.MatchReviews(ctx, MatchReviewQuery{TeamID: o.TeamID})
			return []any{all, total}, err
		},
	}
}

// addReadable adds an order that all these reads find something of, and returns it with the id of a message.
func addReadable(t *testing.T, s *Store) (*order.Order, string) {
	t.Helper()
	o := addOrder(t, s)
	addEndpoint(t, s, o.TeamID)
	applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: outboundNumber})
	v, _ := storeReport(t, s, o.ID, 1, "4.5", []byte("%PDF"))
	publishResult(t, s, o.ID, v.ID)
	ended := addOrderOf(t, s, o.TeamID)
	moveTo(t, s, ended.ID, lifecycle.Lost)
	recordHeldReport(t, s, ended.ID, reportOn("5", ada), "held")
	require.NoError(t, s.AppendAudit(t.Context(), AuditRow{TeamID: o.TeamID, OrderID: o.ID, Action: "order.create"}))
	page, err := s.WebhookMessages(t.Context(), WebhookMessageQuery{TeamID: o.TeamID})
	require.NoError(t, err)
	require.NotEmpty(t, page.Messages)
	return getOrder(t, s, o.ID), page.Messages[0].ID
}

func TestReadsAreAnsweredByTheReplica(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, time.Minute, nil)
	o, message := addReadable(t, r.direct)
	r.waitUntilReplayed()
	for _, reads := range []map[string]func(*Store) (any, error){readsOfLists(t, o, message), readsOfOrder(t, o)} {
		for name, read := range reads {
			want, err := read(r.direct)
			require.NoError(t, err, name)
			require.NotEmpty(t, want, name)
			require.Equal(t, sqldb.ReplicaAnswered, r.outcome(func() {
				got, err := read(r.store)
				require.NoError(t, err, name)
				require.Equal(t, want, got, name)
			}), name)
		}
	}
	rows, err := r.direct.OrderAudit(t.Context(), o.ID)
	require.NoError(t, err)
	require.Len(t, rows, 3, "both audited reads are audited")
	require.Equal(t, rows[1].OrderID+rows[1].TeamID, rows[2].OrderID+rows[2].TeamID)

	stats := prometheus.NewPedanticRegistry()
	stats.MustRegister(r.store.ReplicaMetrics())
	stats.MustRegister(r.store.PoolMetrics()...)
	problems, err := testutil.GatherAndLint(stats, "aliquot_database_replica_usable",
		"aliquot_database_replica_age_seconds", "aliquot_database_replica_reads_total")
	require.NoError(t, err)
	require.Empty(t, problems)
}

// A client that has seen a change, because it asked for it or because of a webhook, never sees the order as it was
// before, also while the replica does not have the change.
func TestAnOrderIsNeverOlderThanThePrimaryHasIt(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, time.Hour, nil)
	o, message := addReadable(t, r.direct)
	r.waitUntilReplayed()
	replica := openStore(t, r.copyURL)
	require.NoError(t, r.standby.PauseReplay())
	t.Cleanup(func() { _ = r.standby.ResumeReplay() })

	requireCurrent := func(why string) {
		t.Helper()
		for name, read := range readsOfOrder(t, o) {
			want, err := read(r.direct)
			require.NoError(t, err, name)
			require.Equal(t, sqldb.ReplicaBehind, r.outcome(func() {
				got, err := read(r.store)
				require.NoError(t, err, name)
				require.Equal(t, want, got, "%s: %s", why, name)
			}), "%s: %s", why, name)
		}
	}
	u := User{ID: o.UserID, TeamID: o.TeamID, ClientUserID: "before"}
	require.NoError(t, r.direct.CreateUser(t.Context(), u))
	require.NoError(t, r.direct.PatchUser(t.Context(), o.TeamID, o.UserID, UserPatch{ClientUserID: new("after")}))
	requireCurrent("a change without a recording")
	moveTo(t, r.direct, o.ID, lifecycle.Lost)
	requireCurrent("a recording")
	demand(t, r.direct, o.ID, order.Demand{Kind: order.DemandReplace}, nil)
	requireCurrent("another order of its transaction")
	old := getOrder(t, replica, o.ID)
	require.Equal(t, o, old, "the control: the replica itself shows the order as it was")

	added := addOrderOf(t, r.direct, o.TeamID)
	got, err := r.store.ReadOrderAudited(t.Context(), o.TeamID, added.ID, auditedRead)
	require.NoError(t, err)
	require.Equal(t, added.ID, got.ID, "an order that the replica does not have")

	lists := readsOfLists(t, o, message)
	require.Equal(t, sqldb.ReplicaAnswered, r.outcome(func() {
		listed, err := lists["orders"](r.store)
		require.NoError(t, err)
		require.Len(t, listed.([]any)[0], 2, "a list may be as old as the replica may be")
	}))
	sent, _ := enqueueMessage(t, r.direct, WebhookMessage{TeamID: o.TeamID, OrderID: "a"})
	require.Equal(t, sqldb.ReplicaNotFound, r.outcome(func() {
		m, err := r.store.WebhookMessage(t.Context(), sent)
		require.NoError(t, err)
		require.Equal(t, sent, m.ID)
	}))

	require.NoError(t, r.standby.ResumeReplay())
	r.waitUntilReplayed()
	require.Equal(t, sqldb.ReplicaAnswered, r.outcome(func() {
		got, err := r.store.ReadOrder(t.Context(), o.TeamID, o.ID)
		require.NoError(t, err)
		require.Equal(t, getOrder(t, r.direct, o.ID), got)
	}))
}

// An answer waits for its row in the audit log, and there is no row without an answer.
func TestReadsByTheReplicaAreAudited(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, time.Minute, nil)
	o, _ := addReadable(t, r.direct)
	r.waitUntilReplayed()
	for team, id := range map[string]string{addTeam(t, r.direct).ID: o.ID, o.TeamID: sqldb.NewID()} {
		_, err := r.store.ReadOrderAudited(t.Context(), team, id, auditedRead)
		require.ErrorIs(t, err, ErrNotFound)
	}
	rows, err := r.direct.AuditLog(t.Context(), AuditQuery{APIKeyID: "key"})
	require.NoError(t, err)
	require.Empty(t, rows, "an order that was not returned is not audited")

	// The insertion waits for a lock, so the answer does.
	locked, err := r.direct.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = locked.ExecContext(t.Context(), `LOCK TABLE audit IN SHARE MODE`)
	require.NoError(t, err)
	answered := make(chan error, 1)
	go func() {
		_, err := r.store.ReadOrderAudited(t.Context(), o.TeamID, o.ID, auditedRead)
		answered <- err
	}()
	require.Eventually(t, func() bool {
		waiting, err := sqldb.QueryOne(t.Context(), r.direct.db.Writer, sqldb.ScanInt,
			`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'audit'::regclass
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		require.NoError(t, err)
		return waiting == 1
	}, time.Minute, 5*time.Millisecond)
	require.Empty(t, answered)
	require.NoError(t, locked.Commit())
	require.NoError(t, <-answered)

	_, err = r.direct.db.Writer.ExecContext(t.Context(), `ALTER TABLE audit RENAME TO lost`)
	require.NoError(t, err)
	got, err := r.store.ReadOrderAudited(t.Context(), o.TeamID, o.ID, auditedRead)
	require.Error(t, err)
	require.Nil(t, got)
}

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
	_, err := again.ReadOrder(t.Context(), o.TeamID, o.ID)
	require.NoError(t, err)
	require.Less(t, time.Since(began), 30*time.Second)
}

// A replica that hangs delays a few reads by seconds, and the next ones not at all.
func TestAReplicaThatHangsDelaysFewReads(t *testing.T) {
	t.Parallel()
	var proxy *freezableProxy
	r := newReplicated(t, time.Minute, func(address string) string {
		proxy = startFreezableProxy(t, address)
		return proxy.listener.Addr().String()
	})
	o, message := addReadable(t, r.direct)
	r.waitUntilReplayed()
	r.requireTheReplicaAnswers(o)
	close(proxy.frozen)
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
	_, err := pool.ExecContext(t.Context(), `UPDATE orders SET status = 'lost'`)
	require.ErrorContains(t, err, "read-only", "also by a connection from before")
	promoted := openStore(t, r.copyURL)
	moveTo(t, promoted, o.ID, lifecycle.Lost) // the control: it accepts writes
	for name, read := range readsOfOrder(t, o) {
		_, err := read(r.store)
		require.NoError(t, err, name)
	}
	got, err := r.store.ReadOrder(t.Context(), o.TeamID, o.ID)
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
		_, err := r.store.ReadOrder(r.t.Context(), o.TeamID, o.ID)
		require.NoError(r.t, err)
	}))
}
