package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// placementOutcomes returns the outcomes of the calls that placed the order.
func (w *orderHarness) placementOutcomes() []string {
	var out []string
	for _, c := range w.labCalls("PlaceOrder") {
		require.Len(w.t, c.Orders, 1)
		out = append(out, c.Orders[0].Outcome)
	}
	return out
}

// requireOneNumber asserts that all placement calls have the number that was recorded with the order.
func (w *orderHarness) requireOneNumber() {
	w.t.Helper()
	require.Len(w.t, w.lab.Traffic().CallsFor(w.number), len(w.lab.Traffic().Calls))
}

func TestPlacing(t *testing.T) {
	t.Parallel()
	const accepted, unavailable = simlab.OutcomeAccepted, simlab.OutcomeUnavailable
	tests := map[string]struct {
		script string
		want   []string
		at     time.Duration
	}{
		"at once": {"happy", []string{accepted}, 0},
		"the lab is unavailable": {"fail-place-3", []string{unavailable, unavailable, unavailable, accepted},
			13 * time.Second},
		"accepted, but the answer was lost": {"timeout-after-accept",
			[]string{simlab.OutcomeDropped, simlab.OutcomeDuplicate}, time.Second},
		"the last attempt of a round is one": {"fail-place-4", []string{unavailable, unavailable, unavailable, unavailable,
			accepted}, 40 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withScript(test.script))
			w.runUntil(day)
			require.Equal(t, test.want, w.placementOutcomes())
			w.requireOneNumber()
			require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.RequisitionCreated}, w.statusHistory())
			require.Equal(t, test.at.String(), w.placedAt().String())
			require.NotEmpty(t, w.order().Accession, "the kit's id is known whichever attempt succeeded")
			require.Empty(t, w.attention())
		})
	}
}

func TestRequisitionRefusedForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withScript("refuse-place"))
	w.at(time.Minute, func() {
		w.requireMarkSince(0, order.AttentionPlacementRefused)
		require.Equal(t, []string{simlab.OutcomeRefused}, w.placementOutcomes(), "a refusal is not asked again")
	})
	w.at(7*hour, func() { require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered}, w.statusHistory()) })
	again := w.demandAt(7*hour+time.Minute, operationsDemand(order.DemandPlace))
	w.at(7*hour+2*time.Minute, func() { require.Contains(t, w.attention(), order.AttentionPlacementRefused) })
	w.scriptAt(7*hour+3*time.Minute, "happy")
	third := w.demandAt(7*hour+4*time.Minute, operationsDemand(order.DemandPlace))
	late := w.demandAt(8*hour, operationsDemand(order.DemandPlace))
	w.runUntil(9 * hour)
	require.True(t, again.Done)
	require.True(t, third.Done)
	require.Equal(t, order.ReasonNotPlaceable, late.Reason)
	require.Equal(t, []string{simlab.OutcomeRefused, simlab.OutcomeRefused, simlab.OutcomeAccepted}, w.placementOutcomes())
	w.requireOneNumber()
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.RequisitionCreated}, w.statusHistory())
	require.Empty(t, w.attention())
}

// TestRoundsWithoutAnAnswer: a round is five attempts in forty seconds. The pauses between rounds are 5, 10, 20 minutes
// and so on.
func TestRoundsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withScript("fail-place-12"))
	w.at(5*time.Minute, func() {
		w.requireMarkSince(40*time.Second, order.AttentionPlacementUnanswered)
		require.Len(t, w.placementOutcomes(), 5)
	})
	w.at(7*time.Minute, func() { require.Len(t, w.placementOutcomes(), 10) })
	w.runUntil(day)
	require.Len(t, w.placementOutcomes(), 13)
	w.requireOneNumber()
	require.Equal(t, (40*time.Second + 5*time.Minute + 40*time.Second + 10*time.Minute + 4*time.Second).String(),
		w.placedAt().String())
	require.Empty(t, w.attention())
}

func TestOperationsAskForTheNextRound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withScript("fail-place-6"))
	asked := w.demandAt(2*time.Minute, operationsDemand(order.DemandPlace))
	w.runUntil(4 * time.Minute)
	require.True(t, asked.Done)
	require.Len(t, w.placementOutcomes(), 7)
	require.Equal(t, (2*time.Minute + time.Second).String(), w.placedAt().String())
	require.Empty(t, w.attention())
}

// TestFactWhileTheCallIsInFlight: a lab that reports a kit knows its order. The requisition is implied, and the call's
// answer only adds missing data.
func TestFactWhileTheCallIsInFlight(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ accession, want string }{
		"without an accession number": {"", ""},
		"with one":                    {"M000412207", "M000412207"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.gate.setHook("/PlaceOrder", func(_ int, serve func()) {
				w.meanwhile(func() { w.reportFact(order.FactKitShipped, withAccession(test.accession)) })
				w.await(lifecycle.TransitCustomer)
				serve()
			})
			w.runUntil(hour)
			require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.TransitCustomer},
				w.statusHistory())
			o := w.order()
			require.True(t, o.Events[1].Implied)
			require.False(t, o.Events[2].Implied)
			require.Equal(t, order.PlacementDone, o.State.Placement.State)
			require.Len(t, w.placementOutcomes(), 1)
			require.NotEmpty(t, o.Accession)
			if test.want != "" {
				require.Equal(t, test.want, o.Accession, "the number in the fact is kept")
				require.Equal(t, []order.AttentionReason{order.AttentionAccessionMismatch}, w.attention())
			}
		})
	}
}

// TestLostPlacementRoundAndFact: a fact after a round without an answer is recorded by a task that is lost, like the
// round. The next task finds both.
func TestLostPlacementRoundAndFact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withScript("fail-place-99"))
	lost := false
	w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
		out, err := settle(ctx, in)
		if lost || err != nil || in.Cause == nil || in.Cause.Call == nil {
			return out, err
		}
		lost = true
		w.settleFactElsewhere(order.Fact{Kind: order.FactKitShipped, SentAt: w.now(), Accession: "M000412207"})
		return dispatch.SettledOrder{}, errOutage
	}
	w.runUntil(hour)
	require.True(t, lost)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
	require.Equal(t, order.PlacementDone, w.order().State.Placement.State)
	require.Len(t, w.placementOutcomes(), 5)
}
