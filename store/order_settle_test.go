package store

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// settle settles a cause.
func settle(t testing.TB, s *Store, orderID string, c order.Cause) Settled {
	t.Helper()
	out, err := s.SettleCause(t.Context(), orderID, c, s.now())
	require.NoError(t, err)
	return out
}

// placed is the lab's acceptance of a requisition.
func placed(round string) order.Cause {
	return order.Cause{Call: &order.CallOutcome{Kind: order.CallPlace, ID: round, Answer: order.AnswerDone,
		Accession: "M1"}}
}

func clientCancels(id string) order.Demand {
	return order.Demand{ID: id, Kind: order.DemandCancel, By: lifecycle.Client}
}

// A cause is decided from the state as stored, whatever its caller knows, and what is returned is what is stored.
func TestCausesAreDecidedFromTheStoredState(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		stopClock(s)
		o := addOrder(t, s)
		early := receiveFact(t, s, o.Number, courierMoves())
		waiting := receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitShipped})

		out := settle(t, s, o.ID, order.Cause{Fact: early.Fact})
		require.Equal(t, []any{order.OutcomeParked, lifecycle.Ordered, int64(2)}, []any{out.Outcome, out.From, out.Revision})
		require.Equal(t, []order.Fact{*early.Fact}, out.State.ParkedFacts)
		require.Equal(t, []order.Fact{*waiting.Fact}, out.Received)
		require.False(t, out.ParkedMayApply)
		require.Equal(t, state(t, s, o.ID), out.State)

		again := settle(t, s, o.ID, order.Cause{Fact: early.Fact})
		require.Nil(t, again.Decided, "it stays parked")
		require.Equal(t, out.State, again.State)

		out = settle(t, s, o.ID, placed("p1"))
		require.Equal(t, lifecycle.RequisitionCreated, out.State.Status)
		require.True(t, out.ParkedMayApply)
		require.Equal(t, order.CauseCall("p1"), out.Decided.Cause)
		require.Equal(t, state(t, s, o.ID), out.State)

		out = settle(t, s, o.ID, order.Cause{Fact: early.Fact})
		require.Equal(t, order.OutcomeApplied, out.Outcome)
		require.Equal(t, InboxApplied, inboxState(t, s, early.ID))
		require.Empty(t, out.State.ParkedFacts)
		out = settle(t, s, o.ID, order.Cause{Fact: waiting.Fact})
		require.Empty(t, out.Received)
		require.Equal(t, state(t, s, o.ID), out.State)

		late := settle(t, s, o.ID, placed("p1"))
		require.True(t, late.Duplicate, "a call is recorded once")
		require.Nil(t, late.Decided)
		require.Equal(t, out.State, late.State)
		due := order.Deadline{Name: order.DeadlineActivation, Due: s.now()}
		require.Nil(t, settle(t, s, o.ID, order.Cause{Deadline: &due}).Decided, "the order has no such deadline")

		_, err := s.SettleCause(t.Context(), sqldb.NewID(), placed("p"), s.now())
		require.ErrorIs(t, err, ErrNotFound)
		require.NotErrorIs(t, err, ErrUnsettleable)
	})
}

func courierMoves() order.Fact {
	return order.Fact{Kind: order.FactCourierReport, Leg: "outbound", TargetStatus: lifecycle.TransitCustomer}
}

// A demand that is made again gets its earlier answer, although the order would refuse or allow it now.
func TestARepeatedDemandGetsTheEarlierAnswer(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		cancel := addDemand(t, s, o.ID, clientCancels(""), nil)
		first := settle(t, s, o.ID, order.Cause{Demand: &cancel})
		require.Equal(t, []any{order.OutcomeApplied, lifecycle.Ordered, cancel.ID, false},
			[]any{first.Outcome, first.From, first.SettledDemandID, first.Duplicate})
		require.NotEmpty(t, first.State.CheckDemand(cancel, s.now()), "the control: decided again it would be refused")
		again := settle(t, s, o.ID, order.Cause{Demand: &cancel})
		first.Duplicate = true
		require.Equal(t, first.RecordingResult, again.RecordingResult)
		require.Equal(t, []any{lifecycle.Ordered, cancel.ID}, []any{again.From, again.SettledDemandID})
		require.Nil(t, again.Decided)
		require.Equal(t, first.State, again.State)

		blocked := addOrder(t, s)
		recovery := addDemand(t, s, blocked.ID, order.Demand{Kind: order.DemandRecover, By: lifecycle.Operations,
			Confirmed: true}, nil)
		refused := settle(t, s, blocked.ID, order.Cause{Demand: &recovery})
		require.Equal(t, order.ReasonNotBlocked, refused.Reason)
		newBlockedOrder(t, s, blocked)
		require.Empty(t, state(t, s, blocked.ID).CheckDemand(recovery, s.now()), "the control: it would be allowed now")
		for _, c := range []order.Cause{{Demand: &recovery}, {WaitOver: &recovery}} {
			again = settle(t, s, blocked.ID, c)
			require.Equal(t, []any{true, order.OutcomeRefused, order.ReasonNotBlocked, recovery.ID},
				[]any{again.Duplicate, again.Outcome, again.Reason, again.SettledDemandID})
		}
		require.Equal(t, lifecycle.LabProcessingBlocked, getOrder(t, s, blocked.ID).Status)
	})
}

// Three processes settle causes of one order at once. Each waits for the others, so all are recorded, once, and none is
// decided from a state that another has changed.
func TestConcurrentCausesAreAllRecorded(t *testing.T) {
	t.Parallel()
	const facts, times = 8, 3
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		stores := []*Store{open(), open(), open()}
		s := stores[0]
		o := addOrder(t, s)
		settle(t, s, o.ID, placed("p"))
		var causes []order.Cause
		for range facts {
			causes = append(causes, order.Cause{Fact: receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitShipped}).Fact})
		}
		cancel := addDemand(t, s, o.ID, clientCancels(""), nil)
		causes = append(causes, order.Cause{Demand: &cancel})
		out := make([]Settled, times*len(causes))
		var g errgroup.Group
		for i := range out {
			g.Go(func() (err error) {
				out[i], err = stores[i%len(stores)].SettleCause(t.Context(), o.ID, causes[i/times], s.now())
				return err
			})
		}
		require.NoError(t, g.Wait())
		for i, c := range causes {
			firsts := 0
			for _, got := range out[i*times : (i+1)*times] {
				require.Equal(t, out[i*times].Revision, got.Revision, "one recording")
				require.Equal(t, out[i*times].Outcome, got.Outcome)
				if got.Decided != nil {
					firsts++
				}
			}
			require.Equal(t, 1, firsts, c.ID())
		}
		require.Equal(t, int64(2+len(causes)), state(t, s, o.ID).Revision)
		revisions := recordedRevisions(t, s, o.ID)
		require.Len(t, revisions, 1+len(causes))
		for i, revision := range revisions {
			require.Equal(t, 2+i, revision, "without a gap")
		}
		require.Empty(t, look(t, s, o.ID).Received)
		require.Empty(t, look(t, s, o.ID).Demands)
	})
}

// recordedRevisions lists the revisions of an order's decisions.
func recordedRevisions(t *testing.T, s *Store, orderID string) []int {
	t.Helper()
	all, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanInt,
		`SELECT revision FROM decisions WHERE order_id = $1 ORDER BY revision`, orderID)
	require.NoError(t, err)
	return all
}

// A failing cause leaves nothing behind.
func TestAFailingCauseLeavesNothing(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		addEndpoint(t, s, o.TeamID)
		before, stored := rowCounts(t, s), state(t, s, o.ID)
		render := s.renderOrder
		s.renderOrder = renderUntil(1, boom)
		_, err := s.SettleCause(t.Context(), o.ID, placed("p"), s.now())
		require.ErrorIs(t, err, boom)
		s.renderOrder = render
		require.Equal(t, before, rowCounts(t, s))
		require.Equal(t, stored, state(t, s, o.ID))
		require.NotNil(t, settle(t, s, o.ID, placed("p")).Decided, "the control: without the fault it is recorded")
		require.NotEqual(t, before, rowCounts(t, s))
	})
}

// The booking of an appointment that ends makes parked facts applicable.
func TestTheEndOfABookingFreesParkedFacts(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, setModality(lifecycle.WalkIn))
		settle(t, s, o.ID, placed("p"))
		start := s.now().Add(48 * time.Hour)
		d := addDemand(t, s, o.ID, order.Demand{Kind: order.DemandBookAppointment, By: lifecycle.Client,
			Slot: &order.Slot{Provider: "quest", Type: order.AppointmentTypeOf(o.Modality), Key: "k", StartAt: start,
				EndAt: start.Add(time.Hour), Zone: "UTC"}}, nil)
		asked := settle(t, s, o.ID, order.Cause{Demand: &d})
		require.NotNil(t, asked.State.PendingBooking)
		require.Empty(t, asked.SettledDemandID)
		require.False(t, asked.ParkedMayApply)
		over := settle(t, s, o.ID, order.Cause{WaitOver: &d})
		require.Equal(t, []any{order.ReasonProviderUnanswered, d.ID, true},
			[]any{over.Reason, over.SettledDemandID, over.ParkedMayApply})
		require.Empty(t, look(t, s, o.ID).Demands)
	})
}
