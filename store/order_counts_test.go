package store

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Orders are made, moved, replaced and ended by many at once, and some of it is undone, while the counts are read and compared. They are
// what the orders are in the end, and were never found wrong.
func TestOrdersAreCountedAsTheyMove(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		ctx, stopped := context.WithCancel(t.Context())
		var comparing sync.WaitGroup
		comparing.Go(func() {
			for ctx.Err() == nil {
				wrong, err := s.CorrectOrderCounts(t.Context())
				if err != nil || wrong != 0 {
					t.Errorf("while orders move: %d wrong, %v", wrong, err)
				}
			}
		})
		const walkers, moves = 6, 60
		var walking sync.WaitGroup
		for n := range walkers {
			walking.Go(func() { moveOrdersRandomly(t, s, team, rand.New(rand.NewPCG(uint64(n), 7)), moves) })
		}
		walking.Wait()
		stopped()
		comparing.Wait()

		open, err := s.unfinishedByStatus(t.Context())
		require.NoError(t, err)
		require.Equal(t, countedOrders(t, s), open)
		require.Greater(t, len(open), 5, "statuses that orders have come to")

		// The controls: what changes an order and does not count it is found, however it evens out, and mended.
		_, err = s.db.Writer.ExecContext(t.Context(),
			`UPDATE orders SET status = $1 WHERE id = (SELECT MIN(id) FROM orders WHERE unfinished AND status <> $1)`,
			lifecycle.WithCustomer)
		require.NoError(t, err)
		open, err = s.unfinishedByStatus(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, countedOrders(t, s), open)
		wrong, err := s.CorrectOrderCounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, wrong, "one less here, one more there")
		open, err = s.unfinishedByStatus(t.Context())
		require.NoError(t, err)
		require.Equal(t, countedOrders(t, s), open)
	})
}

// moveOrdersRandomly makes orders and moves them at random. Every tenth move is undone: it comes too late, or is given up while it is being recorded.
func moveOrdersRandomly(t *testing.T, s *Store, team string, random *rand.Rand, moves int) {
	var mine []string
	for range moves {
		if len(mine) < 3 || random.IntN(8) == 0 {
			c, err := s.CreateOrder(t.Context(), newOrder(s, team))
			if err != nil {
				t.Errorf("making an order: %v", err)
				return
			}
			mine = append(mine, c.Order.ID)
			continue
		}
		id := mine[random.IntN(len(mine))]
		st, err := s.LoadState(t.Context(), id)
		if err != nil {
			t.Errorf("loading an order: %v", err)
			return
		}
		r := order.Recording{
			OrderID: id, Cause: order.CauseCall(sqldb.NewID()), Revision: st.Revision, At: s.now(),
			Decision: decisionWithSteps(st, s.now(), kitStatuses[random.IntN(len(kitStatuses))]),
		}
		r.Decision.CreateReplacement = r.Decision.Next.Failed()
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		switch random.IntN(10) {
		case 0:
			r.Revision--
		case 1:
			ctx, cancel = context.WithTimeout(ctx, time.Duration(random.IntN(3000))*time.Microsecond)
		}
		_, err = s.Record(ctx, r)
		cancel()
		if err != nil && r.Revision == st.Revision && ctx.Err() == nil {
			t.Errorf("recording: %v", err)
		}
	}
}

// kitStatuses are statuses that a kit can have, some of them its end.
var kitStatuses = []lifecycle.LowStatus{
	lifecycle.RequisitionCreated, lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.WithCustomer,
	lifecycle.TransitLab,
	lifecycle.DeliveredToLab, lifecycle.Completed, lifecycle.Lost, lifecycle.SampleError, lifecycle.Cancelled,
}

// countedOrders counts the orders themselves.
func countedOrders(t *testing.T, s *Store) map[lifecycle.Status]int {
	t.Helper()
	counts := map[lifecycle.Status]int{}
	read, err := sqldb.QueryAll(t.Context(), s.db.Reader, func(row sqldb.Scanner) (key countKey, err error) {
		err = row.Scan(&key.modality, &key.status)
		return key, err
	}, `SELECT modality, status FROM orders WHERE unfinished`)
	require.NoError(t, err)
	for _, key := range read {
		counts[lifecycle.MustFullStatus(key.modality, key.status)]++
	}
	return counts
}

// A database that was there before counts what it has, and orders that were written in bulk count too.
func TestOrdersFromBeforeTheCountsAreCounted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		moveTo(t, s, addOrderOf(t, s, team).ID, lifecycle.WithCustomer)
		moveTo(t, s, addOrderOf(t, s, team).ID, lifecycle.Cancelled)
		_, err := s.db.Writer.ExecContext(t.Context(), `DELETE FROM order_counts`)
		require.NoError(t, err)
		wrong, err := s.CorrectOrderCounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, wrong)

		seeded := newOrder(s, team).Order
		seeded.UserID = sqldb.NewID()
		require.NoError(t, s.BulkInsertOrders(t.Context(), []order.Order{seeded}))
		open, err := s.unfinishedByStatus(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[lifecycle.Status]int{"collecting_sample.testkit.with_customer": 1,
			"received.testkit.ordered": 1}, open)
	})
}
