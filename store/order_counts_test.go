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

// Several goroutines create, move, replace and end orders, and some changes are rolled back. Meanwhile the counts are
// read and compared. In the end the counts equal the orders, and no comparison has found a difference.
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
		require.Greater(t, len(open), 5, "the statuses of the orders")

		// Controls: a change that is not counted is found and corrected, even if the sum is right.
		_, err = s.db.Writer.ExecContext(t.Context(),
			`UPDATE order_progress SET status = $1 WHERE order_id = (SELECT order_id FROM order_progress
				WHERE unfinished AND status <> $1 ORDER BY order_id LIMIT 1)`,
			lifecycle.WithCustomer)
		require.NoError(t, err)
		open, err = s.unfinishedByStatus(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, countedOrders(t, s), open)
		wrong, err := s.CorrectOrderCounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, wrong, "one count is too low and one too high")
		open, err = s.unfinishedByStatus(t.Context())
		require.NoError(t, err)
		require.Equal(t, countedOrders(t, s), open)
	})
}

// moveOrdersRandomly creates orders and moves them at random. Every tenth change is rolled back, or fails because its
// revision is outdated.
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
		st, err := s.State(t.Context(), id)
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

// kitStatuses are statuses of a kit, including final ones.
var kitStatuses = []lifecycle.LowStatus{
	lifecycle.RequisitionCreated, lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.WithCustomer,
	lifecycle.TransitLab,
	lifecycle.DeliveredToLab, lifecycle.Completed, lifecycle.Lost, lifecycle.SampleError, lifecycle.Cancelled,
}

// countedOrders counts the unfinished orders by reading them.
func countedOrders(t *testing.T, s *Store) map[lifecycle.Status]int {
	t.Helper()
	counts := map[lifecycle.Status]int{}
	read, err := sqldb.QueryAll(t.Context(), s.db.Reader, func(row sqldb.Scanner) (key countKey, err error) {
		err = row.Scan(&key.modality, &key.status)
		return key, err
	}, `SELECT modality, status FROM order_progress WHERE unfinished`)
	require.NoError(t, err)
	for _, key := range read {
		counts[lifecycle.MustFullStatus(key.modality, key.status)]++
	}
	return counts
}

// The counts include orders that existed before the counts, and orders that were written in bulk.
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
