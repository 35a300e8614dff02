package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// setNextDeadline sets the time at which an order's run should act next. Zero: there is none.
func setNextDeadline(t *testing.T, s *Store, id string, due time.Time) {
	t.Helper()
	_, err := s.db.Writer.ExecContext(t.Context(), `UPDATE order_states SET next_deadline = $1 WHERE order_id = $2`,
		sqldb.ToMicros(due), id)
	require.NoError(t, err)
}

func TestOrdersBehindAreListed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		stopClock(s)
		now := s.now()
		ago := func(d time.Duration) time.Time { return now.Add(-d) }
		older, old, fresh, none, ended := addOrder(t, s).ID, addOrder(t, s).ID, addOrder(t, s).ID, addOrder(t, s).ID,
			addOrder(t, s).ID
		for id, due := range map[string]time.Time{older: ago(2 * time.Hour), old: ago(time.Hour),
			fresh: ago(10 * time.Minute), none: {}, ended: ago(time.Hour)} {
			setNextDeadline(t, s, id, due)
		}
		setOrdersFinished(t, s, ended)
		tenMinutesAgo := ago(10 * time.Minute)
		behind := func(dueBefore, wokenBefore time.Time, limit int) []string {
			ids, err := s.OrdersBehind(t.Context(), dueBefore, wokenBefore, limit)
			require.NoError(t, err)
			return ids
		}
		require.Equal(t, []string{older, old}, behind(tenMinutesAgo, tenMinutesAgo, 10), "not those of less than ten minutes")
		require.Equal(t, []string{older}, behind(tenMinutesAgo, tenMinutesAgo, 1))

		// The control: with no least age, the order of ten minutes ago is behind too.
		require.Equal(t, []string{older, old, fresh}, behind(now, now, 10))

		before := state(t, s, older)
		claim := func(id string, wokenBefore, at time.Time) bool {
			claimed, err := s.ClaimWake(t.Context(), id, wokenBefore, at)
			require.NoError(t, err)
			return claimed
		}
		require.True(t, claim(older, tenMinutesAgo, now))
		require.False(t, claim(older, tenMinutesAgo, now), "another caller")
		require.False(t, claim("unknown", tenMinutesAgo, now))
		require.Equal(t, []string{old}, behind(tenMinutesAgo, tenMinutesAgo, 10), "not again within ten minutes")
		require.Equal(t, before, state(t, s, older), "the revision stays")

		later := now.Add(time.Second)
		require.Equal(t, []string{old, older}, behind(tenMinutesAgo, later, 10),
			"first those that wait longest for their turn")
		require.True(t, claim(older, later, now.Add(time.Minute)))
	})
}

// TestOrdersBehindAreFoundByAnIndex checks that the query reads no more orders than are behind.
func TestOrdersBehindAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	s := openStore(t, engineURL(t, sqldb.Postgres))
	require.NoError(t, s.Migrate(t.Context()))
	orders := addVaried(t, s, addTeam(t, s).ID, 4000)
	now := time.Now()
	_, err := s.db.Writer.ExecContext(t.Context(), `UPDATE order_states SET next_deadline = $1`,
		sqldb.ToMicros(now.Add(order.Day)))
	require.NoError(t, err)
	for i, o := range orders[:30] {
		setNextDeadline(t, s, o.ID, now.Add(time.Duration(i-20)*time.Hour))
	}
	require.NoError(t, s.Analyze(t.Context()))
	read := func(query string) (rows float64, indexes []string) {
		for _, r := range explain(t, s, query,
			[]any{sqldb.ToMicros(now), sqldb.ToMicros(now), 10}).tableReads() {
			rows += r.Rows * r.Loops
			indexes = append(indexes, r.Index)
		}
		return rows, indexes
	}
	rows, indexes := read(selectOrdersBehind)
	require.Contains(t, indexes, "order_states_by_deadline")
	require.LessOrEqual(t, rows, 40.0, "the orders behind, and those in the index that point to them")

	// The control: a condition that the index does not have.
	_, indexes = read(`SELECT order_id FROM order_states WHERE next_deadline + 1 < $1 AND woken_at < $2
		ORDER BY order_id LIMIT $3`)
	require.NotContains(t, indexes, "order_states_by_deadline")
}

// An order whose call waits for its turn is not behind while it waits.
func TestAWaitingOrderIsExcused(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		now := s.now()
		waiting, idle := addOrder(t, s).ID, addOrder(t, s).ID
		setNextDeadline(t, s, waiting, now.Add(-time.Hour))
		setNextDeadline(t, s, idle, time.Time{})
		behind := func(at time.Time) []string {
			ids, err := s.OrdersBehind(t.Context(), at, at, 10)
			require.NoError(t, err)
			return ids
		}
		require.Equal(t, []string{waiting}, behind(now), "the control")
		for _, id := range []string{waiting, idle} {
			require.NoError(t, s.PostponeActing(t.Context(), id, now.Add(time.Hour)))
			require.NoError(t, s.PostponeActing(t.Context(), id, now), "an earlier time changes nothing")
		}
		require.Empty(t, behind(now.Add(59*time.Minute)))
		require.Equal(t, []string{waiting}, behind(now.Add(61*time.Minute)))
	})
}
