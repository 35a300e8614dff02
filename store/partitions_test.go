package store

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

const week = 7 * 24 * time.Hour

// openPartitioned returns a store on PostgreSQL with the application's role.
func openPartitioned(t *testing.T) *Store {
	t.Helper()
	return openStore(t, migratedURL(t, sqldb.Postgres))
}

// setRetention writes how long partitions are kept, as aliquot migrate does.
func setRetention(t *testing.T, s *Store, keep PartitionRetention) {
	t.Helper()
	require.NoError(t, asOwner(t, s).SetPartitionRetention(t.Context(), keep))
}

// partitionsOf lists the partitions of a table without the default one, oldest first.
func partitionsOf(t *testing.T, s *Store, table string) []string {
	t.Helper()
	all, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText,
		`SELECT partition FROM list_partitions() WHERE parent = $1 AND low IS NOT NULL ORDER BY low`, table)
	require.NoError(t, err)
	return all
}

// makePartitions makes all partitions and returns their names.
func makePartitions(t *testing.T, s *Store) []string {
	t.Helper()
	made, err := s.MakePartitions(t.Context())
	require.NoError(t, err)
	return made
}

func dropPartitions(t *testing.T, s *Store) int {
	t.Helper()
	n, err := s.DropPartitions(t.Context())
	require.NoError(t, err)
	return n
}

func partitionState(t *testing.T, s *Store) PartitionState {
	t.Helper()
	state, err := s.PartitionState(t.Context())
	require.NoError(t, err)
	return state
}

// addOldMessage adds a message of a time, with a delivered delivery and its attempt.
func addOldMessage(t *testing.T, s *Store, team, endpoint string, at time.Time) string {
	t.Helper()
	id := sqldb.NewIDAt(at)
	enqueueMessage(t, s, WebhookMessage{ID: id, TeamID: team, OrderID: testids.Of("o")})
	execUnchecked(t, s, `UPDATE messages SET created_at = $1 WHERE id = $2`, sqldb.ToMicros(at), id)
	require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: id, Number: 1, At: at, Delivered: true}))
	return id
}

func mustCountRows(t *testing.T, s *Store, table string) int {
	t.Helper()
	n, err := countRows(t.Context(), s.db.Reader, table, sqldb.Where{})
	require.NoError(t, err)
	return n
}

// outboxRows counts messages, deliveries and attempts.
func outboxRows(t *testing.T, s *Store) (n [3]int) {
	t.Helper()
	for i, table := range []string{"messages", "deliveries", "attempts"} {
		n[i] = mustCountRows(t, s, table)
	}
	return n
}

func TestPartitionsAreMadeAhead(t *testing.T) {
	t.Parallel()
	s := openPartitioned(t)
	makePartitions(t, s) // the copied database may be of last month
	require.Equal(t, PartitionState{Ahead: PartitionsAhead}, partitionState(t, s))
	for _, table := range []string{"messages", "deliveries", "attempts", "audit", "audit_seals"} {
		require.GreaterOrEqual(t, len(partitionsOf(t, s, table)), 1+PartitionsAhead, table)
	}
	require.Empty(t, makePartitions(t, s), "again")

	// Somebody has removed them all. The rows that come meanwhile are moved later.
	for _, table := range []string{"messages", "deliveries", "attempts"} {
		for _, partition := range partitionsOf(t, s, table) {
			_, err := asOwner(t, s).db.Writer.ExecContext(t.Context(), `DROP TABLE `+partition)
			require.NoError(t, err)
		}
	}
	team := addTeam(t, s).ID
	endpoint := addEndpoint(t, s, team)
	now := s.now()
	addOldMessage(t, s, team, endpoint, now)
	addOldMessage(t, s, team, endpoint, now.Add(-50*week))
	future := sqldb.NewIDAt(now.AddDate(30, 0, 0))
	enqueueMessage(t, s, WebhookMessage{ID: future, TeamID: team, OrderID: testids.Of("o")})
	require.Equal(t, PartitionState{Ahead: 0, StrayRows: 8}, partitionState(t, s))
	require.Len(t, makePartitions(t, s), 3*(2+PartitionsAhead))
	require.Equal(t, PartitionState{Ahead: PartitionsAhead, StrayRows: 2}, partitionState(t, s),
		"a row of the far future stays, with its delivery, until its time comes")
	require.Equal(t, [3]int{3, 3, 2}, outboxRows(t, s))
	_, err := s.WebhookMessage(t.Context(), future)
	require.NoError(t, err)
}

func TestOldPartitionsOfMessagesAreDropped(t *testing.T) {
	t.Parallel()
	s := openPartitioned(t)
	team := addTeam(t, s).ID
	endpoint := addEndpoint(t, s, team)
	old, held, young := s.now().Add(-30*week), s.now().Add(-20*week), s.now().Add(-5*week)
	addOldMessage(t, s, team, endpoint, old)
	addOldMessage(t, s, team, endpoint, held)
	pending, _ := enqueueMessage(t, s, WebhookMessage{ID: sqldb.NewIDAt(held), TeamID: team, OrderID: testids.Of("o")})
	addOldMessage(t, s, team, endpoint, young)
	makePartitions(t, s)
	before := partitionsOf(t, s, "messages")
	require.Len(t, before, 4+PartitionsAhead)

	require.Zero(t, dropPartitions(t, s), "without a rule they are kept for ever")
	setRetention(t, s, PartitionRetention{Messages: 10 * week})
	keep, err := s.PartitionRetention(t.Context())
	require.NoError(t, err)
	require.Equal(t, PartitionRetention{Messages: 10 * week}, keep)
	require.Equal(t, 1, dropPartitions(t, s), "a pending delivery keeps its partition")
	require.Equal(t, before[1:], partitionsOf(t, s, "messages"))
	require.Equal(t, [3]int{3, 3, 2}, outboxRows(t, s))

	require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: pending, Number: 1, At: s.now(), Delivered: true}))
	require.Equal(t, 1, dropPartitions(t, s))
	require.Equal(t, before[2:], partitionsOf(t, s, "messages"))
	require.Equal(t, [3]int{1, 1, 1}, outboxRows(t, s))
	require.Zero(t, dropPartitions(t, s), "what is younger stays")
	require.Empty(t, makePartitions(t, s))
}

// A drop does not wait behind a long read for longer than a moment, and the next one succeeds.
func TestALongReadPostponesADrop(t *testing.T) {
	t.Parallel()
	s := openPartitioned(t)
	team := addTeam(t, s).ID
	addOldMessage(t, s, team, addEndpoint(t, s, team), s.now().Add(-30*week))
	makePartitions(t, s)
	setRetention(t, s, PartitionRetention{Messages: 10 * week})
	require.NoError(t, s.db.InSnapshot(t.Context(), func(q sqldb.Querier) error {
		_, err := countRows(t.Context(), q, "messages", sqldb.Where{})
		require.NoError(t, err)
		require.Zero(t, dropPartitions(t, s))
		return nil
	}))
	require.Equal(t, 1, mustCountRows(t, s, "messages"))
	require.Equal(t, 1, dropPartitions(t, s))
	require.Zero(t, mustCountRows(t, s, "messages"))
}

// Without foreign keys, no delivery is left without its message, and no attempt without its delivery, also when they
// are added while an order is erased.
func TestMessagesLeaveWithTheirDeliveriesAndAttempts(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: sqldb.NewID(), Number: 1, At: s.now()}))
		require.Zero(t, mustCountRows(t, s, "attempts"), "an attempt without a delivery is left out")
		for range 10 {
			o := addOrderOf(t, s, team)
			ids := dueMessages(t, s, endpoint)
			begun, done := make(chan struct{}), make(chan error, 1)
			go func() {
				close(begun)
				for _, id := range ids {
					if err := recordAttempt(s, endpoint, AttemptRow{MessageID: id, Number: 1, At: s.now(),
						Delivered: true}); err != nil {
						done <- err
						return
					}
					if _, err := s.ResendWebhookMessage(context.Background(), id, ""); err != nil && !errors.Is(err, ErrNotFound) {
						done <- err
						return
					}
				}
				done <- nil
			}()
			<-begun
			require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) error { return eraseMessages(t.Context(), tx, o.ID) }))
			require.NoError(t, <-done)
		}
		require.Empty(t, orphans(t, s))
		require.Zero(t, mustCountRows(t, s, "messages"))

		// The control: an orphan is found.
		execUnchecked(t, s, `INSERT INTO deliveries (message_id, endpoint_id, state, round, attempts, next_attempt_at,
			created_at, updated_at) VALUES ($1, $2, 'delivered', 1, 1, 0, 0, 0)`, sqldb.NewID(), endpoint)
		require.Len(t, orphans(t, s), 1)
	})
}

// orphans lists the deliveries and attempts that belong to nothing.
func orphans(t *testing.T, s *Store) []string {
	t.Helper()
	all, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText,
		`SELECT 'a delivery without a message' FROM deliveries d WHERE NOT EXISTS (
			SELECT 1 FROM messages m WHERE m.id = d.message_id)
		UNION ALL SELECT 'a delivery without an endpoint' FROM deliveries d WHERE NOT EXISTS (
			SELECT 1 FROM endpoints e WHERE e.id = d.endpoint_id)
		UNION ALL SELECT 'an attempt without a delivery' FROM attempts a WHERE NOT EXISTS (
			SELECT 1 FROM deliveries d WHERE d.message_id = a.message_id AND d.endpoint_id = a.endpoint_id)`)
	require.NoError(t, err)
	return all
}

// A retention that reaches back to before 1970 keeps everything.
func TestAVeryLongRetentionDropsNothing(t *testing.T) {
	t.Parallel()
	s := openPartitioned(t)
	team := addTeam(t, s).ID
	endpoint := addEndpoint(t, s, team)
	addOldMessage(t, s, team, endpoint, s.now().Add(-30*week))
	require.NoError(t, s.AppendAudit(t.Context(), AuditRow{At: s.now().Add(-30 * week), Action: "old"}))
	require.Equal(t, 1, sealAll(t, s))
	makePartitions(t, s)
	const century = 100 * 365 * 24 * time.Hour
	setRetention(t, s, PartitionRetention{Messages: century, Audit: century})
	require.Zero(t, dropPartitions(t, s))
	require.Equal(t, [3]int{1, 1, 1}, outboxRows(t, s))
	require.Equal(t, PartitionState{Ahead: PartitionsAhead}, partitionState(t, s))

	// The control: a short one drops the old week and month, and never the present or a future one.
	setRetention(t, s, PartitionRetention{Messages: time.Microsecond, Audit: time.Microsecond})
	require.Positive(t, dropPartitions(t, s))
	require.Equal(t, [3]int{}, outboxRows(t, s))
	require.Equal(t, PartitionState{Ahead: PartitionsAhead}, partitionState(t, s))
}
