package store

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

var auditedRead = AuditRow{APIKeyID: "key", Action: "order.read", RequestID: "r1", Address: "192.0.2.7"}

// readsOfOrder are the reads about one order that a replica may answer. None is older than the primary has it.
func readsOfOrder(t testing.TB, o *order.Order) map[string]func(*Store) (any, error) {
	t.Helper()
	ctx := t.Context()
	return map[string]func(*Store) (any, error){
		"order":         func(s *Store) (any, error) { return s.CurrentOrder(ctx, o.TeamID, o.ID) },
		"audited order": func(s *Store) (any, error) { return s.ReadOrderAudited(ctx, o.TeamID, o.ID, auditedRead) },
		"order and result": func(s *Store) (any, error) {
			read, v, err := s.CurrentOrderAndResult(ctx, o.TeamID, o.ID)
			return []any{read, v}, err
		},
		"result":      func(s *Store) (any, error) { return s.NewestResult(ctx, o.TeamID, o.ID) },
		"PDF":         func(s *Store) (any, error) { return s.ResultPDF(ctx, o.TeamID, o.ID) },
		"transaction": func(s *Store) (any, error) { return s.TransactionOrders(ctx, o.TeamID, o.TransactionID) },
	}
}

// readsOfLists are the reads that may be a little old.
func readsOfLists(t testing.TB, o *order.Order, messageID string) map[string]func(*Store) (any, error) {
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
		got, err := r.store.CurrentOrder(t.Context(), o.TeamID, o.ID)
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
