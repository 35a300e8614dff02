package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// demand adds a demand, with a body if there is one, and records its outcome.
func demand(t testing.TB, s *Store, orderID string, d order.Demand, body any) RecordResult {
	t.Helper()
	d.ID = sqldb.NewID()
	return demandAs(t, s, orderID, d, body)
}

func demandAs(t testing.TB, s *Store, orderID string, d order.Demand, body any) RecordResult {
	t.Helper()
	d.By = lifecycle.Operations
	row := DemandRow{ID: d.ID, OrderID: orderID, Kind: d.Kind, By: d.By}
	if body != nil {
		var err error
		row.Body, err = json.Marshal(body)
		require.NoError(t, err)
	}
	require.NoError(t, s.AddDemand(t.Context(), row))
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseDemand(d.ID), DemandID: d.ID},
		func(st order.State) order.Decision { return st.ApplyDemand(d, s.now()) })
	require.NoError(t, err)
	return out
}

// newBlockedOrder moves an order to the status in which the lab has rejected the kit and recovery is possible.
func newBlockedOrder(t testing.TB, s *Store, o *order.Order) {
	t.Helper()
	applyRequisitionTaken(t, s, o.ID, "A1")
	applyFact(t, s, o, order.Fact{Kind: order.FactKitRejected, Recoverable: new(true)})
	require.Equal(t, lifecycle.LabProcessingBlocked, getOrder(t, s, o.ID).Status)
}

func TestARecoveryMovesItsBodyToTheOrder(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		newBlockedOrder(t, s, o)
		patient, address := *o.Patient, *o.Address
		patient.LastName, address.FirstLine = "King", "2 Engine Road"

		d := order.Demand{ID: sqldb.NewID(), Kind: order.DemandRecover}
		out := demandAs(t, s, o.ID, d, order.Correction{Patient: &patient, Address: &address})
		require.Equal(t, order.OutcomeApplied, out.Outcome)
		got := getOrder(t, s, o.ID)
		require.Equal(t, &patient, got.Patient)
		require.Equal(t, &address, got.Address)
		require.Equal(t, []string{o.ID}, ordersFoundBy(t, s, searchName, "king"))
		require.Empty(t, ordersFoundBy(t, s, searchName, "lovelace"))
		body, err := s.DemandBody(t.Context(), d.ID)
		require.NoError(t, err)
		require.Empty(t, body)

		// Absent parts are not changed. A note stays with the demand.
		d.ID = sqldb.NewID()
		demandAs(t, s, o.ID, d, order.Correction{Address: o.Address, Note: "spoke to the lab"})
		got = getOrder(t, s, o.ID)
		require.Equal(t, &patient, got.Patient)
		require.Equal(t, o.Address, got.Address)
		body, err = s.DemandBody(t.Context(), d.ID)
		require.NoError(t, err)
		require.JSONEq(t, `{"note":"spoke to the lab"}`, string(body))
	})
}

func TestARefusedDemandIsErased(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		d := order.Demand{ID: sqldb.NewID(), Kind: order.DemandRecover}
		out := demandAs(t, s, o.ID, d, order.Correction{Address: &order.Address{FirstLine: "elsewhere"}})
		require.Equal(t, order.OutcomeRefused, out.Outcome)
		require.Equal(t, order.ReasonNotBlocked, out.Reason)
		require.Equal(t, o.Address, getOrder(t, s, o.ID).Address)
		body, err := s.DemandBody(t.Context(), d.ID)
		require.NoError(t, err)
		require.Empty(t, body)

		story, err := s.Story(t.Context(), o.ID)
		require.NoError(t, err)
		require.Len(t, story.Demands, 1)
		require.Equal(t, DemandRefused, story.Demands[0].State)
		require.Equal(t, order.ReasonNotBlocked, story.Demands[0].Reason)
	})
}

func TestADemandIsStoredOnce(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		row := DemandRow{ID: sqldb.NewID(), OrderID: o.ID, Kind: order.DemandDoNotProcess, By: lifecycle.Operations,
			Body: []byte("why")}
		require.NoError(t, s.AddDemand(t.Context(), row))
		require.ErrorIs(t, s.AddDemand(t.Context(), row), ErrConflict)
		body, err := s.DemandBody(t.Context(), row.ID)
		require.NoError(t, err)
		require.Equal(t, "why", string(body))
		_, err = s.DemandBody(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestActivateByFollowsTheState(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		require.Nil(t, o.ActivateBy)
		record := func(day string) {
			_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(sqldb.NewID())},
				func(st order.State) order.Decision {
					st.ActivateBy = day
					return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
				})
			require.NoError(t, err)
		}
		record("2031-05-04")
		require.Equal(t, "2031-05-04", getOrder(t, s, o.ID).ActivateBy.String())
		record("")
		require.Nil(t, getOrder(t, s, o.ID).ActivateBy)
	})
}

// A demand without a body has no row, and is still recorded.
func TestADemandWithoutARowIsRecorded(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		d := order.Demand{ID: sqldb.NewID(), Kind: order.DemandCancel, By: lifecycle.Client}
		out, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(d.ID), DemandID: d.ID},
			func(st order.State) order.Decision { return st.ApplyDemand(d, s.now()) })
		require.NoError(t, err)
		require.Equal(t, order.OutcomeApplied, out.Outcome)
		require.Equal(t, lifecycle.Cancelled, getOrder(t, s, o.ID).Status)
		require.Equal(t, order.TransactionCancelled, getOrder(t, s, o.ID).Transaction.Status)
	})
}

// A demand that is refused for good keeps no body. A demand with an outcome is not changed, not even by a failure.
func TestADemandWithAnOutcomeIsNotChanged(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		d := DemandRow{ID: sqldb.NewID(), OrderID: o.ID, Kind: order.DemandDoNotProcess, By: lifecycle.Operations,
			Body: []byte(`{"note":"x"}`)}
		require.NoError(t, s.AddDemand(t.Context(), d))
		refused, err := s.SettleCause(t.Context(), o.ID,
			order.Cause{Demand: &order.Demand{ID: d.ID, Kind: d.Kind, By: lifecycle.Client}}, s.now())
		require.NoError(t, err)
		require.Equal(t, order.OutcomeRefused, refused.Outcome)
		body, err := s.DemandBody(t.Context(), d.ID)
		require.NoError(t, err)
		require.Empty(t, body)

		done := order.Demand{ID: sqldb.NewID(), Kind: order.DemandDoNotProcess}
		demandAs(t, s, o.ID, done, nil)
		again, err := s.SettleFailedCause(t.Context(), o.ID, order.Cause{Demand: &done}, s.now())
		require.NoError(t, err)
		require.True(t, again.Duplicate)
		story, err := s.Story(t.Context(), o.ID)
		require.NoError(t, err)
		states := map[string]string{}
		for _, row := range story.Demands {
			states[row.ID] = row.State
		}
		require.Equal(t, map[string]string{d.ID: DemandRefused, done.ID: DemandDone}, states)
	})
}

// An applied demand changes updated_at, although it is no event. A refused one does not.
func TestAnAppliedDemandUpdatesTheOrder(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := addOrder(t, s)
		newBlockedOrder(t, s, o)
		before := getOrder(t, s, o.ID)
		forward(time.Hour)
		demand(t, s, o.ID, order.Demand{Kind: order.DemandCancel}, nil)
		require.Equal(t, before.UpdatedAt, getOrder(t, s, o.ID).UpdatedAt)
		demand(t, s, o.ID, order.Demand{Kind: order.DemandRecover}, order.Correction{Patient: o.Patient})
		after := getOrder(t, s, o.ID)
		require.Equal(t, before.Sequence, after.Sequence)
		require.Equal(t, s.now(), after.UpdatedAt)
	})
}

// The outcome of a cancellation that the lab was asked for is the outcome of all others that it was asked for, and of
// no other demand.
func TestCancellationsOfOneOrderGetOneOutcome(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		applyRequisitionTaken(t, s, o.ID, "A1")
		add := func(kind order.DemandKind) order.Demand {
			d := order.Demand{ID: sqldb.NewID(), Kind: kind, By: lifecycle.Client}
			require.NoError(t, s.AddDemand(t.Context(), DemandRow{ID: d.ID, OrderID: o.ID, Kind: d.Kind, By: d.By}))
			return d
		}
		first, second, unasked, other := add(order.DemandCancel), add(order.DemandCancel), add(order.DemandCancel),
			add(order.DemandPlace)
		for _, d := range []order.Demand{first, second} {
			_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall(order.CancelAskCallPrefix + d.ID)},
				func(st order.State) order.Decision { return st.ApplyCancelAsked(d, s.now()) })
			require.NoError(t, err)
		}
		state := func(d order.Demand) string {
			row, err := s.Demand(t.Context(), d.ID)
			require.NoError(t, err)
			return row.State
		}
		demand(t, s, o.ID, order.Demand{Kind: order.DemandPlace}, nil)
		require.Equal(t, DemandOpen, state(first), "another demand has the outcome")

		second.Confirmed = true
		_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(second.ID), DemandID: second.ID},
			func(st order.State) order.Decision { return st.ApplyDemand(second, s.now()) })
		require.NoError(t, err)
		require.Equal(t, []string{DemandDone, DemandDone, DemandOpen, DemandOpen},
			[]string{state(first), state(second), state(unasked), state(other)})
	})
}
