package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// addDemand stores a demand of an order.
func addDemand(t testing.TB, s *Store, orderID string, d order.Demand, body []byte) order.Demand {
	t.Helper()
	if d.ID == "" {
		d.ID = sqldb.NewID()
	}
	require.NoError(t, s.AddDemand(t.Context(),
		DemandRow{ID: d.ID, OrderID: orderID, Kind: d.Kind, By: d.By, Request: d, Body: body}))
	return d
}

// A look shows what has no outcome: facts in order of arrival, parked ones apart, and demands, the oldest first.
func TestALookShowsWhatWaits(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := addOrder(t, s)
		_, err := s.LookAtOrder(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)

		parked := receiveFact(t, s, o.Number, courierMoves())
		require.Equal(t, order.OutcomeParked, recordFact(t, s, o.ID, *parked.Fact).Outcome)
		var facts []order.Fact
		var demands []OpenDemand
		for range 3 {
			forward(time.Second)
			facts = append(facts, *receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitShipped}).Fact)
			d := addDemand(t, s, o.ID, order.Demand{Kind: order.DemandActivate, By: lifecycle.Client,
				ActivateBy: "2030-01-02", ActivateAt: s.now(), Slot: &order.Slot{Key: "slot", StartAt: s.now()}}, nil)
			demands = append(demands, OpenDemand{Demand: d, CreatedAt: s.now()})
		}
		other := addOrder(t, s)
		receiveFact(t, s, other.Number, order.Fact{Kind: order.FactKitShipped})
		addDemand(t, s, other.ID, order.Demand{Kind: order.DemandCancel, By: lifecycle.Client}, nil)

		got := look(t, s, o.ID)
		require.Equal(t, facts, got.Received)
		require.Equal(t, []order.Fact{*parked.Fact}, got.State.ParkedFacts)
		require.Equal(t, demands, got.Demands, "with all that the run decides on")

		settle(t, s, o.ID, order.Cause{Demand: &demands[0].Demand})
		recordFact(t, s, o.ID, facts[1])
		got = look(t, s, o.ID)
		require.NotContains(t, got.Received, facts[1])
		require.Len(t, got.Demands, 2)
		require.Equal(t, demands[1:], got.Demands)
	})
}

// A demand that was stored without a request gets its outcome too. Otherwise its order would be woken for ever.
func TestADemandWithoutARequestIsSettled(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		d := addDemand(t, s, o.ID, order.Demand{Kind: order.DemandCancel, By: lifecycle.Client}, nil)
		_, err := s.db.Writer.ExecContext(t.Context(), `UPDATE demands SET request = '{}' WHERE id = $1`, d.ID)
		require.NoError(t, err)
		found := look(t, s, o.ID).Demands
		require.Len(t, found, 1)
		require.Equal(t, order.OutcomeApplied, settle(t, s, o.ID, order.Cause{Demand: &found[0].Demand}).Outcome)
		require.Empty(t, look(t, s, o.ID).Demands)
		row, err := s.Demand(t.Context(), d.ID)
		require.NoError(t, err)
		require.Equal(t, DemandDone, row.State)
	})
}

// The first look of a run is recorded as the start of the order's workflow. Reading the state is no look.
func TestTheFirstLookStartsTheOrder(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		waiting := func() []string {
			ids, err := s.OrdersWithoutWorkflow(t.Context(), s.now().Add(time.Hour), 10)
			require.NoError(t, err)
			return ids
		}
		state(t, s, o.ID)
		settle(t, s, o.ID, placed("p"))
		require.Equal(t, []string{o.ID}, waiting())
		look(t, s, o.ID)
		look(t, s, o.ID)
		require.Empty(t, waiting())
	})
}

// Orders with a fact or a demand that waits are listed, the longest waiting first. Facts with an outcome and facts
// without an order do not count, nor do parked ones.
func TestUnsettledOrdersAreListed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		demanding, reported, both, idle, early := addOrder(t, s), addOrder(t, s),
			addOrder(t, s), addOrder(t, s), addOrder(t, s)
		ask := func(o *order.Order) order.Demand {
			forward(time.Second)
			return addDemand(t, s, o.ID, order.Demand{Kind: order.DemandCancel, By: lifecycle.Client}, nil)
		}
		report := func(o *order.Order) order.Fact {
			forward(time.Second)
			return *receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitShipped}).Fact
		}
		cancel := ask(demanding)
		fact := report(reported)
		between := s.now()
		ask(both)
		report(both)
		ask(both)
		recordFact(t, s, idle.ID, report(idle))
		_, parked := applyFact(t, s, early, courierMoves())
		require.Equal(t, order.OutcomeParked, parked.Outcome)
		receiveFact(t, s, order.NewNumber(), order.Fact{Kind: order.FactKitShipped})
		forward(time.Second)

		unsettled := func(before time.Time, limit int) []string {
			ids, err := s.UnsettledOrders(t.Context(), before, s.now(), limit)
			require.NoError(t, err)
			return ids
		}
		require.Equal(t, []string{demanding.ID, reported.ID, both.ID}, unsettled(s.now(), 10))
		require.Equal(t, []string{demanding.ID, reported.ID}, unsettled(s.now(), 2))
		require.Equal(t, []string{demanding.ID}, unsettled(between, 10), "younger ones are left")

		_, err := s.SettleCause(t.Context(), demanding.ID, order.Cause{Demand: &cancel}, s.now())
		require.NoError(t, err)
		recordFact(t, s, reported.ID, fact)
		require.Equal(t, []string{both.ID}, unsettled(s.now(), 10))
	})
}

func TestUnknownItemsAreCounted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o, other := addOrder(t, s), addOrder(t, s)
		mine, _ := applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped})
		theirs := receiveFact(t, s, other.Number, order.Fact{Kind: order.FactKitShipped})
		for want, ids := range map[int][]string{0: {mine.ID}, 1: {mine.ID, theirs.ID}, 2: {theirs.ID, "no id at all"},
			3: {"\x00", "\xff", strings.Repeat("x", 10_000)}} {
			n, err := s.CountUnknownItems(t.Context(), o.ID, ids)
			require.NoError(t, err)
			require.Equal(t, want, n, ids)
		}
	})
}
