package store

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestOrdersAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		var want []order.Order
		for i := range 5 {
			want = append(want, *addOrderOf(t, s, team))
			if i%2 == 1 {
				forward(time.Minute) // the others have the same time and are sorted by id
			}
		}
		slices.Reverse(want)
		foreign := addOrder(t, s)

		got, total, err := s.Orders(t.Context(), OrderQuery{TeamID: team, Page: 1, Size: 2})
		require.NoError(t, err)
		require.Equal(t, new(5), total)
		require.Equal(t, want[:2], got)
		got, total, err = s.Orders(t.Context(), OrderQuery{TeamID: team, Page: 3, Size: 2})
		require.NoError(t, err)
		require.Equal(t, new(5), total)
		require.Equal(t, want[4:], got)
		got, total, err = s.Orders(t.Context(), OrderQuery{TeamID: team, Page: 4, Size: 2})
		require.NoError(t, err)
		require.Equal(t, new(5), total)
		require.Empty(t, got)
		got, total, err = s.Orders(t.Context(), OrderQuery{TeamID: foreign.TeamID})
		require.NoError(t, err)
		require.Equal(t, new(1), total)
		require.Equal(t, foreign.ID, got[0].ID)
	})
}

func TestOrdersOfATransactionAreListedOldestFirst(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := addOrder(t, s)
		addOrderOf(t, s, o.TeamID)
		want := []string{o.ID}
		for range 2 {
			forward(time.Minute)
			moveTo(t, s, want[len(want)-1], lifecycle.Lost)
			want = append(want, demand(t, s, want[len(want)-1], order.Demand{Kind: order.DemandReplace}, nil).ReplacementID)
		}
		for _, team := range []string{o.TeamID, ""} {
			orders, err := s.TransactionOrders(t.Context(), team, o.TransactionID)
			require.NoError(t, err)
			var got []string
			for _, member := range orders {
				got = append(got, member.ID)
				require.Equal(t, *getOrder(t, s, member.ID), member)
			}
			require.Equal(t, want, got)
		}
		for team, transaction := range map[string]string{addTeam(t, s).ID: o.TransactionID, o.TeamID: sqldb.NewID()} {
			_, err := s.TransactionOrders(t.Context(), team, transaction)
			require.ErrorIs(t, err, ErrNotFound)
		}
	})
}

// countingQuerier counts queries.
type countingQuerier struct {
	sqldb.Querier
	queries int
}

func (c *countingQuerier) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.queries++
	return c.Querier.QueryContext(ctx, query, args...)
}

func TestAListOfOrdersTakesOneQuery(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		for range 6 {
			o := addOrder(t, s)
			applyRequisitionTaken(t, s, o.ID, "A1")
			applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: outboundNumber})
		}
		for _, limit := range []string{"1", "6"} {
			q := &countingQuerier{Querier: s.db.Reader}
			orders, err := s.loadOrders(t.Context(), q, ` ORDER BY o.id LIMIT `+limit)
			require.NoError(t, err)
			require.Equal(t, 1, q.queries)
			for _, o := range orders {
				require.Len(t, o.Events, 3)
				require.NotNil(t, o.Shipment)
				require.Len(t, o.Transaction.Orders, 1)
			}
		}
	})
}

func TestReadingAnOrderIsAudited(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		row := AuditRow{APIKeyID: testids.Of("key"), Action: "order.read", RequestID: "r1", Address: "192.0.2.7",
			Detail: "code"}
		for _, team := range []string{o.TeamID, ""} {
			got, err := s.ReadOrderAudited(t.Context(), team, o.ID, row)
			require.NoError(t, err)
			require.Equal(t, getOrder(t, s, o.ID), got)
		}
		for team, id := range map[string]string{addTeam(t, s).ID: o.ID, o.TeamID: sqldb.NewID()} {
			_, err := s.ReadOrderAudited(t.Context(), team, id, row)
			require.ErrorIs(t, err, ErrNotFound)
			rows, err := s.AuditLog(t.Context(), AuditQuery{})
			require.NoError(t, err)
			require.Len(t, rows, 2, "an order that was not returned is not audited")
		}
		rows, err := s.OrderAudit(t.Context(), o.ID)
		require.NoError(t, err)
		require.Len(t, rows, 2)
		row.TeamID, row.OrderID, row.At = o.TeamID, o.ID, rows[0].At
		require.Equal(t, row, rows[0])
		require.WithinDuration(t, time.Now(), row.At, time.Minute)

		_, err = asOwner(t, s).db.Writer.ExecContext(t.Context(), `ALTER TABLE audit RENAME TO lost`)
		require.NoError(t, err)
		got, err := s.ReadOrderAudited(t.Context(), o.TeamID, o.ID, row)
		require.Error(t, err)
		require.Nil(t, got, "an order that cannot be audited is not returned")
	})
}

func TestOperationsFindOrders(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		calm, marked := addOrder(t, s), addOrder(t, s)
		newBlockedOrder(t, s, marked)
		st := state(t, s, marked.ID)

		find := func(by OpsOrderQuery) []string {
			rows, total, err := s.OpsOrders(t.Context(), by)
			require.NoError(t, err)
			require.Len(t, rows, total)
			var ids []string
			for _, r := range rows {
				ids = append(ids, r.ID)
			}
			return ids
		}
		require.Equal(t, []string{marked.ID, calm.ID}, find(OpsOrderQuery{}))
		require.Equal(t, []string{marked.ID}, find(OpsOrderQuery{Attention: AnyAttention}))
		require.Equal(t, []string{marked.ID}, find(OpsOrderQuery{Attention: string(order.AttentionRecoveryNeeded)}))
		require.Empty(t, find(OpsOrderQuery{Attention: string(order.AttentionKitUnused)}))
		require.Equal(t, []string{calm.ID}, find(OpsOrderQuery{Status: "ordered"}))
		require.Empty(t, find(OpsOrderQuery{Status: "ordered", Attention: AnyAttention}))

		rows, _, err := s.OpsOrders(t.Context(), OpsOrderQuery{Attention: AnyAttention})
		require.NoError(t, err)
		next, ok := st.NextDeadline()
		require.True(t, ok)
		require.Equal(t, []OrderSummary{{
			ID: marked.ID, TeamID: marked.TeamID, Number: marked.Number, Accession: "A1",
			Status:    "sample_with_lab.testkit.lab_processing_blocked",
			Attention: st.Attention, NextDeadline: next.Due.Truncate(time.Microsecond), CreatedAt: marked.CreatedAt,
			UpdatedAt: getOrder(t, s, marked.ID).UpdatedAt,
		}}, rows)

		// Cleared marks are no longer found.
		demand(t, s, marked.ID, order.Demand{Kind: order.DemandDoNotProcess}, nil)
		require.Empty(t, find(OpsOrderQuery{Attention: string(order.AttentionRecoveryNeeded)}))
	})
}

// attentionReasons are all attention reasons.
var attentionReasons = []order.AttentionReason{
	order.AttentionRequisitionOverdue, order.AttentionShipmentOverdue, order.AttentionOutboundOverdue,
	order.AttentionKitUnused, order.AttentionInboundOverdue, order.AttentionLegSilent,
	order.AttentionResultsOverdue, order.AttentionResultsIncomplete, order.AttentionRecoveryNeeded,
	order.AttentionRecoverableUnclear, order.AttentionTellLab, order.AttentionPlacementRefused,
	order.AttentionPlacementUnanswered, order.AttentionCancelUnanswered, order.AttentionVisitOverdue,
	order.AttentionDrawUnreported, order.AttentionAppointmentUnassigned, order.AttentionSampleProblem,
	order.AttentionResultsUnfetched, order.AttentionFactOutOfPlace, order.AttentionContradictoryFact,
	order.AttentionResultAfterEnd, order.AttentionCancelAtLab, order.AttentionAccessionMismatch,
	order.AttentionReplacementNeeded, order.AttentionReplacementLimit,
	order.AttentionUnregisteredSample, order.AttentionAppointmentAtProvider, order.AttentionNumberUnreadable,
}

func TestOrdersAreFoundAndCountedByEveryReason(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		raise := func(orderID string, marks ...order.AttentionReason) {
			_, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseCall(sqldb.NewID())},
				func(st order.State) order.Decision {
					st.Attention = nil
					for _, r := range marks {
						st.RaiseMark(r, s.now())
					}
					return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
				})
			require.NoError(t, err)
		}
		counts, err := s.attentionCounts(t.Context())
		require.NoError(t, err)
		require.Empty(t, counts)
		all, one := addOrder(t, s).ID, addOrder(t, s).ID
		addOrder(t, s)
		raise(all, attentionReasons...)
		raise(one, order.AttentionKitUnused)
		want := map[string]int{}
		for _, r := range attentionReasons {
			want[string(r)] = 1
			found, total, err := s.OpsOrders(t.Context(), OpsOrderQuery{Attention: string(r)})
			require.NoError(t, err)
			require.Equal(t, all, found[len(found)-1].ID, r)
			if r == order.AttentionKitUnused {
				want[string(r)] = 2
				require.Equal(t, one, found[0].ID)
			}
			require.Equal(t, want[string(r)], total, r)
		}
		counts, err = s.attentionCounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, counts)

		raise(all)
		counts, err = s.attentionCounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[string]int{string(order.AttentionKitUnused): 1}, counts)
	})
}

// An order is unfinished until it has ended and its partners have been informed.
func TestAnOrderIsUnfinishedUntilItsPartnersKnow(t *testing.T) {
	t.Parallel()
	ended := order.State{Status: lifecycle.Cancelled}
	for name, test := range map[string]struct {
		change func(*order.State)
		open   bool
	}{
		"ended":      {func(*order.State) {}, false},
		"under way":  {func(s *order.State) { s.Status = lifecycle.AppointmentPending }, true},
		"cancelling": {func(s *order.State) { s.PendingCancellation = &order.Demand{} }, true},
		"booking":    {func(s *order.State) { s.PendingBooking = &order.PendingBooking{} }, true},
		"releasing": {func(s *order.State) { s.PendingReleases = []order.AppointmentRelease{{AppointmentID: "a"}} },
			true},
		"released":       {func(s *order.State) { s.PendingReleases = []order.AppointmentRelease{} }, false},
		"to fetch":       {func(s *order.State) { s.Fetch.Pending = true }, true},
		"never to fetch": {func(s *order.State) { s.Fetch.Pending, s.Fetch.GivenUp = true, true }, false},
		"an old visit": {func(s *order.State) {
			s.Appointment = &order.Appointment{Status: lifecycle.AppointmentStatusConfirmed}
		}, false},
		"a parked report": {func(s *order.State) { s.ParkedFacts = []order.Fact{{}} }, false},
	} {
		st := ended
		test.change(&st)
		require.Equal(t, test.open, stateCopiesOf(st).progress.unfinished, name)
	}
}

func TestTheReconcilerFindsWhatIsOpen(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		var ids []string
		for range 5 {
			ids = append(ids, addOrder(t, s).ID)
			forward(time.Second)
		}
		never := func(before time.Time, limit int) []string {
			found, err := s.OrdersWithoutWorkflow(t.Context(), before, limit)
			require.NoError(t, err)
			return found
		}
		require.Equal(t, ids, never(s.now(), 10))
		require.Equal(t, ids[:2], never(s.now(), 2))
		require.Equal(t, ids[:4], never(s.now().Add(-time.Second), 10))
		for _, id := range ids {
			require.Equal(t, id, state(t, s, id).OrderID)
		}
		require.Equal(t, ids, never(s.now(), 10), "who only reads the state begins nothing")
		look(t, s, ids[0])
		look(t, s, ids[0])
		require.Equal(t, ids[1:], never(s.now(), 10))

		open := func(after string, limit int) []string {
			found, err := s.UnfinishedOrders(t.Context(), after, limit)
			require.NoError(t, err)
			return found
		}
		require.Equal(t, ids[:3], open("", 3))
		require.Equal(t, ids[3:], open(ids[2], 3))
		endedWith := func(id string, change func(*order.State)) {
			_, err := recordUntil(t, s, order.Recording{OrderID: id, Cause: order.CauseCall(sqldb.NewID())},
				func(st order.State) order.Decision {
					d := decisionWithSteps(st, s.now(), lifecycle.Completed)
					change(&d.Next)
					return d
				})
			require.NoError(t, err)
		}
		endedWith(ids[0], func(*order.State) {})
		endedWith(ids[1], func(st *order.State) { st.Fetch.Pending, st.Fetch.GivenUp = true, true })
		endedWith(ids[2], func(st *order.State) { st.Fetch.Pending = true })
		endedWith(ids[3], func(st *order.State) { st.TrackersPending = true })
		endedWith(ids[4], func(st *order.State) { st.PendingCancellation = &order.Demand{} })
		require.Equal(t, []string{ids[2], ids[4]}, open("", 10))
	})
}

func TestSilentOrders(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		in := func(lows ...lifecycle.LowStatus) string {
			o := addOrder(t, s)
			_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall(sqldb.NewID())},
				func(st order.State) order.Decision {
					return decisionWithSteps(st, s.now(), lows...)
				})
			require.NoError(t, err)
			return o.ID
		}
		began := s.now()
		placed, shipped := in(lifecycle.RequisitionCreated), in(lifecycle.RequisitionCreated, lifecycle.WithCustomer)
		received := in(lifecycle.RequisitionCreated, lifecycle.DeliveredToLab)
		in(lifecycle.RequisitionCreated, lifecycle.TransitLab)                          // the courier is asked, not the lab
		in(lifecycle.RequisitionCreated, lifecycle.DeliveredToLab, lifecycle.Completed) // it has ended
		addOrder(t, s)                                                                  // it was not sent to the lab
		forward(time.Hour)
		silent := func(since SilenceSince) []string {
			ids, err := s.SilentOrders(t.Context(), since, "", 10)
			require.NoError(t, err)
			return ids
		}
		now, never := s.now(), began.Add(-time.Hour)
		require.Equal(t, []string{placed}, silent(SilenceSince{Placed: now, Shipped: never, Received: never, Polled: now}))
		require.Equal(t, []string{shipped}, silent(SilenceSince{Placed: never, Shipped: now, Received: never, Polled: now}))
		require.Equal(t, []string{received}, silent(SilenceSince{Placed: never, Shipped: never, Received: now, Polled: now}))
		all := SilenceSince{Placed: now, Shipped: now, Received: now, Polled: began}
		require.Equal(t, []string{placed, shipped, received}, silent(all))
		_, err := s.RecordPartnerCallStart(t.Context(),
			PartnerCall{ID: sqldb.NewID(), OrderID: shipped, Kind: CallKindPoll})
		require.NoError(t, err)
		require.Equal(t, []string{placed, received}, silent(all), "a polled order is left out until the interval has passed")
		page, err := s.SilentOrders(t.Context(), all, placed, 1)
		require.NoError(t, err)
		require.Equal(t, []string{received}, page)
	})
}
