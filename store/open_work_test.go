package store

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestOpenWork(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		empty, err := s.OpenWork(t.Context(), s.now())
		require.NoError(t, err)
		require.Empty(t, empty.UnfinishedOrders)
		require.Zero(t, empty.OldestInboxItemAt)
		require.Zero(t, empty.OldestUnsealedAuditAt)
		require.Zero(t, empty.DeliveryLag)

		team := addTeam(t, s).ID
		addEndpoint(t, s, team)
		first, second := addOrderOf(t, s, team), addOrderOf(t, s, team)
		ended := addOrderOf(t, s, team)
		moveTo(t, s, second.ID, lifecycle.RequisitionCreated)
		moveTo(t, s, ended.ID, lifecycle.Cancelled)
		since := s.now()
		receiveFact(t, s, first.Number, order.Fact{Kind: order.FactKitShipped})
		receiveFact(t, s, "nobody's", order.Fact{Kind: order.FactKitShipped})
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "read"}))
		forward(time.Minute)
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "read"}))

		workNow, err := s.OpenWork(t.Context(), s.now())
		require.NoError(t, err)
		require.Equal(t, map[lifecycle.Status]int{
			"received.testkit.ordered": 1, "received.testkit.requisition_created": 1,
		}, workNow.UnfinishedOrders, "what has ended is not among them")
		require.Equal(t, 1, workNow.InboxItems[InboxReceived])
		require.Equal(t, 1, workNow.InboxItems[InboxUnmatched])
		require.Len(t, workNow.InboxItems, len(UnprocessedInboxStates()))
		require.Equal(t, since, workNow.OldestInboxItemAt)
		require.Equal(t, since, workNow.OldestUnsealedAuditAt)
		require.Equal(t, DeliveryLag{Pending: 5, OldestDueAt: since}, workNow.DeliveryLag)

		_, err = s.SealAudit(t.Context(), 10)
		require.NoError(t, err)
		workNow, err = s.OpenWork(t.Context(), s.now())
		require.NoError(t, err)
		require.Zero(t, workNow.OldestUnsealedAuditAt)
	})
}

// Counts that read row by row stop at the limit.
func TestCountsStopAtTheLimit(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		for range 5 {
			o := addOrderOf(t, s, team)
			receiveFact(t, s, "nobody's "+o.ID, order.Fact{Kind: order.FactKitShipped})
			_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall(sqldb.NewID())},
				func(st order.State) order.Decision {
					st.RaiseMark(order.AttentionKitUnused, s.now())
					return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
				})
			require.NoError(t, err)
		}
		counted := func() []int {
			workNow, err := s.OpenWork(t.Context(), s.now())
			require.NoError(t, err)
			backlog, err := s.EndpointBacklog(t.Context(), endpoint)
			require.NoError(t, err)
			return []int{
				workNow.UnfinishedOrders["received.testkit.ordered"], workNow.InboxItems[InboxUnmatched],
				workNow.AttentionMarks[string(order.AttentionKitUnused)],
				workNow.DeliveryLag.Pending, backlog.Pending,
			}
		}
		require.Equal(t, []int{5, 5, 5, 5, 5}, counted())
		s.countLimit = 3
		require.Equal(t, []int{5, 3, 3, 3, 3}, counted(), "orders are counted as they move")
	})
}

func TestThePoolsHaveMetrics(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		r := prometheus.NewPedanticRegistry()
		for _, c := range s.PoolMetrics() {
			require.NoError(t, r.Register(c))
		}
		families, err := r.Gather()
		require.NoError(t, err)
		require.NotEmpty(t, families)
	})
}
