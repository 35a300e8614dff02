package store

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestHowThingsStand(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		empty, err := s.Standing(t.Context(), s.now())
		require.NoError(t, err)
		require.Empty(t, empty.Open)
		require.Zero(t, empty.Waiting)
		require.Zero(t, empty.Unsealed)
		require.Zero(t, empty.Overdue)

		team := addTeam(t, s).ID
		addEndpoint(t, s, team)
		first, second := addOrderOf(t, s, team), addOrderOf(t, s, team)
		ended := addOrderOf(t, s, team)
		moveTo(t, s, second.ID, lifecycle.RequisitionCreated)
		moveTo(t, s, ended.ID, lifecycle.Cancelled)
		since := s.now()
		receiveFact(t, s, first.Number, order.Fact{Kind: order.KitShipped})
		receiveFact(t, s, "nobody's", order.Fact{Kind: order.KitShipped})
		require.NoError(t, s.Audit(t.Context(), AuditRow{Action: "read"}))
		forward(time.Minute)
		require.NoError(t, s.Audit(t.Context(), AuditRow{Action: "read"}))

		standing, err := s.Standing(t.Context(), s.now())
		require.NoError(t, err)
		require.Equal(t, map[lifecycle.Status]int{
			"received.testkit.ordered": 1, "received.testkit.requisition_created": 1,
		}, standing.Open, "what has ended is not among them")
		require.Equal(t, 1, standing.Inbox[InboxReceived])
		require.Equal(t, 1, standing.Inbox[InboxUnmatched])
		require.Len(t, standing.Inbox, len(WaitingStates()))
		require.Equal(t, since, standing.Waiting)
		require.Equal(t, since, standing.Unsealed)
		require.Equal(t, Overdue{Pending: 5, Since: since}, standing.Overdue)

		_, err = s.SealAudit(t.Context(), 10)
		require.NoError(t, err)
		standing, err = s.Standing(t.Context(), s.now())
		require.NoError(t, err)
		require.Zero(t, standing.Unsealed)
	})
}

// What is counted row by row is counted as far as anybody cares.
func TestALotIsNotCountedToItsEnd(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		for range 5 {
			o := addOrderOf(t, s, team)
			receiveFact(t, s, "nobody's "+o.ID, order.Fact{Kind: order.KitShipped})
			_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall(newID())}, func(st order.State) order.Decision {
				st.Raise(order.KitUnused, s.now())
				return order.Decision{Outcome: order.Applied, From: st.Status, Next: st}
			})
			require.NoError(t, err)
		}
		counted := func() []int {
			standing, err := s.Standing(t.Context(), s.now())
			require.NoError(t, err)
			backlog, err := s.Backlog(t.Context(), endpoint)
			require.NoError(t, err)
			return []int{
				standing.Open["received.testkit.ordered"], standing.Inbox[InboxUnmatched], standing.Attention[string(order.KitUnused)],
				standing.Overdue.Pending, backlog.Pending,
			}
		}
		require.Equal(t, []int{5, 5, 5, 5, 5}, counted())
		s.most = 3
		require.Equal(t, []int{5, 3, 3, 3, 3}, counted(), "orders are counted as they move")
	})
}

func TestThePoolsHaveMetrics(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		r := prometheus.NewPedanticRegistry()
		for _, c := range s.PoolMetrics() {
			require.NoError(t, r.Register(c))
		}
		families, err := r.Gather()
		require.NoError(t, err)
		require.NotEmpty(t, families)
	})
}
