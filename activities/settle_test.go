package activities

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// TestSettleTakesFactsInOrderOfArrival checks that a cause is settled first, then the facts that wait, the oldest
// first.
func TestSettleTakesFactsInOrderOfArrival(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	want := []string{order.CauseCall("p")}
	for n, kind := range []order.FactKind{order.FactKitShipped, order.FactKitReceived, order.FactReportReady} {
		fact := receiveTestFact(t, f.Activities, f.order.ID, fmt.Sprint(n), kind)
		want = append(want, order.CauseInbox(fact.InboxID))
	}
	out := f.settle(placed())
	require.Equal(t, want, f.causes())
	require.False(t, out.More)
	require.Nil(t, out.Answer)
	require.Equal(t, []any{lifecycle.DeliveredToLab, int64(5), "M1"},
		[]any{out.Agenda.Status, out.Agenda.Revision, out.Agenda.Accession})
	require.NotNil(t, out.Agenda.Fetch)
	require.Nil(t, out.Agenda.Track, "no courier aggregator is configured")
	require.Equal(t, out.Agenda, f.settle(nil).Agenda, "nothing is left")
	require.Equal(t, want, f.causes())
}

// TestParkedFactsAreAppliedAfterTheMove checks that a parked fact is applied in the same Settle as the move that allows
// it, and before that is not recorded again.
func TestParkedFactsAreAppliedAfterTheMove(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	fact := f.courierMoves("1")
	for range 2 {
		out := f.settle(nil)
		require.Equal(t, lifecycle.Ordered, out.Agenda.Status)
		require.Equal(t, []order.ParkedFact{{Kind: order.FactCourierReport, ReceivedAt: fact.ReceivedAt}}, out.Agenda.Parked)
	}
	require.Equal(t, []string{order.CauseInbox(fact.InboxID)}, f.causes())

	out := f.settle(placed())
	require.Equal(t, lifecycle.TransitCustomer, out.Agenda.Status)
	require.Empty(t, out.Agenda.Parked)
	require.Equal(t, []string{order.CauseInbox(fact.InboxID), order.CauseCall("p"), order.CauseInbox(fact.InboxID)},
		f.causes())
}

// TestParkedFactsComeBeforeNewOnes checks that a parked fact, which arrived earlier, is applied before a fact that is
// new when the move comes.
func TestParkedFactsComeBeforeNewOnes(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	parked := f.courierMoves("1")
	f.settle(nil)
	fresh := receiveTestFact(t, f.Activities, f.order.ID, "2", order.FactKitReceived)
	require.Equal(t, lifecycle.DeliveredToLab, f.settle(placed()).Agenda.Status)
	require.Equal(t, []string{order.CauseInbox(parked.InboxID), order.CauseCall("p"), order.CauseInbox(parked.InboxID),
		order.CauseInbox(fresh.InboxID)}, f.causes())
}

// TestAnInterruptedSettleIsCompleted checks that a repeated cause still tries the parked facts.
func TestAnInterruptedSettleIsCompleted(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	f.courierMoves("1")
	f.settle(nil)
	_, err := f.Store.SettleCause(t.Context(), f.order.ID, *placed(), f.Now()) // the process ended after this commit
	require.NoError(t, err)
	require.Equal(t, lifecycle.TransitCustomer, f.settle(placed()).Agenda.Status)
}

// TestOneSettleIsLimited checks that a Settle ends after so many recordings and says that more is left.
func TestOneSettleIsLimited(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	const facts = settleLimit + 20
	for n := range facts {
		receiveTestFact(t, f.Activities, f.order.ID, fmt.Sprint(n), order.FactKitShipped)
	}
	settled, calls := 0, 0
	for more := true; more; calls++ {
		more = f.settle(nil).More
		recorded := len(f.causes())
		require.LessOrEqual(t, recorded-settled, settleLimit)
		require.Greater(t, recorded, settled, "each makes progress")
		settled = recorded
	}
	require.Equal(t, facts, settled)
	require.Greater(t, calls, 1)
}

// TestOpenDemandsAreSettledWhenTheyAreOld checks that a demand without an outcome is decided after a minute, and that
// nobody is asked for an appointment that nobody waits for.
func TestOpenDemandsAreSettledWhenTheyAreOld(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.WalkIn)
	f.settle(placed())
	start := f.Now().Add(48 * time.Hour)
	booking := f.demand(order.Demand{Kind: order.DemandBookAppointment, Slot: &order.Slot{Provider: "quest",
		Type: order.PatientServiceCenter, Key: "k", StartAt: start, EndAt: start.Add(time.Hour), Zone: "UTC"}})
	cancel := f.demand(order.Demand{Kind: order.DemandCancel})
	out := f.settle(nil)
	require.Equal(t, lifecycle.RequisitionCreated, out.Agenda.Status)
	for _, d := range []order.Demand{booking, cancel} {
		state, _ := f.demandState(d.ID)
		require.Equal(t, store.DemandOpen, state, "its caller still waits")
	}

	f.Activities.Now = func() time.Time { return time.Now().Add(openDemandAge + time.Second) }
	out = f.settle(nil)
	require.Equal(t, lifecycle.Cancelled, out.Agenda.Status)
	require.Nil(t, out.Answer, "nobody asks for it")
	require.Nil(t, out.Agenda.Book)
	require.Empty(t, out.Agenda.Release)
	state, reason := f.demandState(booking.ID)
	require.Equal(t, []any{store.DemandRefused, order.ReasonProviderUnanswered}, []any{state, reason})
	state, _ = f.demandState(cancel.ID)
	require.Equal(t, store.DemandDone, state)
	require.NotContains(t, f.causes(), order.CauseCall("book-ask-"+booking.ID), "no provider is asked")
}

// TestADemandThatIsBeingAskedAboutIsLeft checks that an old demand about which a provider is being asked goes on.
func TestADemandThatIsBeingAskedAboutIsLeft(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.WalkIn)
	f.settle(placed())
	start := f.Now().Add(48 * time.Hour)
	booking := f.demand(order.Demand{Kind: order.DemandBookAppointment, Slot: &order.Slot{Provider: "quest",
		Type: order.PatientServiceCenter, Key: "k", StartAt: start, EndAt: start.Add(time.Hour), Zone: "UTC"}})
	out := f.settle(&order.Cause{Demand: &booking})
	require.Nil(t, out.Answer, "there is none yet")
	require.Equal(t, booking.ID, out.Agenda.Book.Demand.ID)
	f.Activities.Now = func() time.Time { return time.Now().Add(openDemandAge + time.Second) }
	require.Equal(t, booking.ID, f.settle(nil).Agenda.Book.Demand.ID)

	out = f.settle(&order.Cause{WaitOver: &booking})
	require.Equal(t, &order.DemandAnswer{Reason: order.ReasonProviderUnanswered, FromStatus: lifecycle.RequisitionCreated,
		Sequence: out.Agenda.Sequence}, out.Answer)
}

// TestARepeatedDemandGetsItsAnswer checks that two callers of one demand get the same answer.
func TestARepeatedDemandGetsItsAnswer(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	cancel := f.demand(order.Demand{Kind: order.DemandCancel})
	first := f.settle(&order.Cause{Demand: &cancel})
	require.Equal(t, &order.DemandAnswer{Done: true, FromStatus: lifecycle.Ordered, Sequence: 2}, first.Answer)
	require.Equal(t, first, f.settle(&order.Cause{Demand: &cancel}))
	other := f.demand(order.Demand{Kind: order.DemandCancel})
	require.Equal(t, &order.DemandAnswer{Reason: order.ReasonTransitionNotAllowed, FromStatus: lifecycle.Cancelled,
		Sequence: 2}, f.settle(&order.Cause{Demand: &other}).Answer, "the control: another demand is decided anew")
}

// TestUnknownItemsAndStraySignalsAreCounted checks that a mistyped signal is counted, and that the order goes on.
func TestUnknownItemsAndStraySignalsAreCounted(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	f.settle(placed())
	known := receiveTestFact(t, f.Activities, f.order.ID, "1", order.FactKitShipped)
	require.Zero(t, f.settle(nil, known.InboxID).UnknownItems, "it waits")
	require.Zero(t, f.settle(nil, known.InboxID).UnknownItems, "it is settled")
	require.Zero(t, testutil.ToFloat64(f.Metrics.unknownSignals))

	waiting := receiveTestFact(t, f.Activities, f.order.ID, "2", order.FactKitReceived)
	out := f.settle(nil, sqldb.NewID(), waiting.InboxID, "a typing error")
	require.Equal(t, 2, out.UnknownItems)
	require.Equal(t, lifecycle.DeliveredToLab, out.Agenda.Status)
	require.InDelta(t, 2, testutil.ToFloat64(f.Metrics.unknownSignals), 0)
	_, err := f.Settle(t.Context(), dispatch.SettleInput{OrderID: f.order.ID, At: f.Now(), StraySignals: 3})
	require.NoError(t, err)
	require.InDelta(t, 5, testutil.ToFloat64(f.Metrics.unknownSignals), 0)
}

// TestACauseThatCannotBeRecordedIsPutAside checks that the order gets a mark and goes on in the same Settle.
func TestACauseThatCannotBeRecordedIsPutAside(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	f.settle(placed())
	shipped := receiveTestFact(t, f.Activities, f.order.ID, "1", order.FactKitShipped)
	nowhere := order.Fact{InboxID: sqldb.NewID(), Kind: order.FactKitReceived, ReceivedAt: f.Now()}
	out := f.settle(&order.Cause{Fact: &nowhere})
	require.Equal(t, []string{string(order.AttentionRecordingFailed)}, out.Agenda.MarkReasons())
	require.Equal(t, lifecycle.TransitCustomer, out.Agenda.Status, "what waited is settled")
	require.Contains(t, f.causes(), order.CauseInbox(shipped.InboxID))
	refused := f.Metrics.decisions.WithLabelValues("inbox", string(order.OutcomeRefused))
	require.InDelta(t, 1, testutil.ToFloat64(refused), 0)
}

// TestErrorsOfSettle checks which errors are retried, and that their texts do not get into a history.
func TestErrorsOfSettle(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	for _, c := range []*order.Cause{nil, placed()} {
		_, err := f.Settle(t.Context(), dispatch.SettleInput{OrderID: sqldb.NewID(), Cause: c, At: f.Now()})
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		require.Equal(t, []any{dispatch.ErrorUnknownOrder, true}, []any{app.Type(), app.NonRetryable()})
	}
	require.NoError(t, f.Store.Close())
	for _, c := range []*order.Cause{nil, placed()} {
		_, err := f.Settle(t.Context(), dispatch.SettleInput{OrderID: f.order.ID, Cause: c, At: f.Now()})
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		require.Equal(t, []any{dispatch.ErrorFault, false}, []any{app.Type(), app.NonRetryable()})
		require.NotContains(t, err.Error(), "closed")
	}
}

// TestASlowLookMakesProgress checks that a look that has used its time on reading the order still settles something.
// Otherwise the run would look again and again.
func TestASlowLookMakesProgress(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	f.settle(placed())
	receiveTestFact(t, f.Activities, f.order.ID, "1", order.FactKitShipped)
	receiveTestFact(t, f.Activities, f.order.ID, "2", order.FactKitReceived)
	s := &settling{Activities: f.Activities, orderID: f.order.ID, now: f.Now(), began: time.Now().Add(-time.Hour),
		tried: map[string]bool{}}
	require.NoError(t, s.lookAndSettle(t.Context(), nil))
	require.Equal(t, lifecycle.TransitCustomer, s.state.Status)
	require.True(t, s.more)
	require.Equal(t, 1, s.recordings, "the control: its time is over")
}
