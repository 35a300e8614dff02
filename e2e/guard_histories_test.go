package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/e2e/drive"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/workflows"
)

// guards are what has to happen to an order for it to come past each change that is behind workflow.GetVersion, by the change's name.
var guards = []struct {
	change string
	method string // of collection; empty: a walk-in test
	order  map[string]any
	drive  func(t *testing.T, s *system, d *drive.System, o *drive.Order)
	ends   bool // the order has ended then; otherwise it is cancelled
}{
	{change: "wake", drive: wake},
	{change: "ask-when-behind", drive: bookBehindTheStore},
	{change: "look-again", order: map[string]any{"activate_by": time.Now().UTC().AddDate(0, 0, 20).Format(time.DateOnly)}, drive: activateAgain},
	{change: "answer-after-report", drive: confirmBeforeAnswering},
	{change: "visit-over", drive: beginWhatIsOver},
	{change: "undropped", method: drive.Phlebotomy, drive: dropTheSecond},
	{change: "drop-when-booked", drive: bookSlowly},
	{change: "parked-while-booking", drive: reportWhatIsGivenUp},
	{change: "cancel-when-placed", order: map[string]any{"passthrough": "sandbox:slow-place-3"}, drive: awaitPlacing},
	{change: "cancel-overtaken", drive: cancelBehindTheStore, ends: true},
	{change: "cancel-no-more", drive: rejectBeforeAnswering, ends: true},
}

// TestHistoriesPastEveryGuardReplay drives a real order past each guard, and replays what the server kept of it.
func TestHistoriesPastEveryGuardReplay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true, cancelCall: true})
	d := s.driver()
	for _, g := range guards {
		t.Run(g.change, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			o, err := d.Place(t.Context(), cmp.Or(g.method, drive.WalkIn), "", g.order)
			require.NoError(t, err)
			if g.order == nil {
				s.awaitPlaced(o.ID)
			}
			g.drive(t, s, d, o)
			if !g.ends {
				require.NoError(t, o.Cancel(t.Context()))
			}
			s.awaitEnd(o.ID)
			past := map[string]bool{}
			for i, h := range s.histories(dispatch.OrderWorkflowID(o.ID)) {
				require.NoError(t, replay(h, workflows.Order))
				maps.Copy(past, passed(t, h))
				keep(t, fmt.Sprintf("%s-%d.json", g.change, i+1), h)
			}
			require.True(t, past[g.change], "it came past %v", past)
		})
	}
}

// wake has the order look at what is recorded.
func wake(t *testing.T, s *system, _ *drive.System, o *drive.Order) {
	t.Helper()
	require.NoError(t, s.client.SignalWorkflow(t.Context(), dispatch.OrderWorkflowID(o.ID), "", dispatch.SignalWake, nil))
	s.awaitPassed(o.ID, "wake")
}

// bookBehindTheStore asks again for an appointment, of a run that does not know that the one before has been cancelled.
func bookBehindTheStore(t *testing.T, s *system, _ *drive.System, o *drive.Order) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, o.Book(ctx))
	s.atLab(http.MethodPost, "/sandbox/orders/"+o.Number+"/appointments/active", map[string]any{"status": "cancelled", "lost": true})
	seen, err := s.store.LoadState(ctx, o.ID)
	require.NoError(t, err)
	drop := order.Demand{ID: uuid.NewString(), Kind: order.DemandCancelAppointment, By: lifecycle.Client}
	s.recordBehind(o.ID, order.CauseCall("book-ask-"+drop.ID), func(now order.State) order.Decision {
		return now.ApplyBookingAsked(drop, time.Now())
	})
	s.recordBehind(o.ID, order.CauseDemand(drop.ID), func(now order.State) order.Decision {
		return now.ApplyBooked(drop, order.Booked{Status: lifecycle.AppointmentIsCancelled}, time.Now())
	})
	a := seen.Appointment
	s.update(o.ID, order.Demand{ID: uuid.NewString(), Kind: order.DemandBook, By: lifecycle.Client, Again: true, Slot: &order.Slot{
		AccountID: a.AccountID, Provider: a.Provider, Type: a.Type, Key: a.Slot, Site: a.Site, StartAt: a.StartAt, EndAt: a.EndAt, Zone: a.Zone,
	}})
}

// activateAgain records a demand as a run does whose task is then lost with its server, and asks it again.
func activateAgain(t *testing.T, s *system, _ *drive.System, o *drive.Order) {
	t.Helper()
	s.awaitLoaded(o.ID)
	d := order.Demand{ID: uuid.NewString(), Kind: order.DemandActivate, By: lifecycle.Client}
	s.recordBehind(o.ID, order.CauseDemand(d.ID), func(seen order.State) order.Decision { return seen.ApplyDemand(d, time.Now()) })
	s.update(o.ID, d)
	s.awaitStatus(o.ID, "received.walk_in_test.requisition_created")
}

// confirmBeforeAnswering has a provider confirm an appointment, and only then answer the booking that made it.
func confirmBeforeAnswering(t *testing.T, s *system, d *drive.System, o *drive.Order) {
	t.Helper()
	ctx := t.Context()
	bookSlowly(t, s, d, o)
	require.NoError(t, o.Visit(ctx, "confirmed"))
	s.awaitStatus(o.ID, "collecting_sample.walk_in_test.appointment_scheduled")
	s.awaitPassed(o.ID, "answer-after-report")
}

// bookSlowly books at a provider who takes longer to answer than the client waits.
func bookSlowly(t *testing.T, s *system, d *drive.System, o *drive.Order) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, o.Script(ctx, map[string]any{"book": map[string]any{"pending": true, "unconfirmed": true, "hold": "5s"}}))
	key, err := d.Slot(ctx, drive.WalkIn)
	require.NoError(t, err)
	booked := s.do(http.MethodPost, "/v3/order/"+o.ID+"/psc/appointment/book", map[string]any{
		"booking_key": key, "async_confirmation": true, "sync_confirmation_timeout_millisecond": 1000,
		"async_confirmation_timeout_millisecond": 60000,
	})
	require.Equal(t, http.StatusOK, booked.Status, "%s", booked.Body)
	s.awaitStatus(o.ID, "collecting_sample.walk_in_test.appointment_pending")
}

// reportWhatIsGivenUp has a provider report on an appointment while it does not answer the booking, until nobody waits for that.
func reportWhatIsGivenUp(t *testing.T, s *system, _ *drive.System, o *drive.Order) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, o.Script(ctx, map[string]any{"book": map[string]any{"unavailable": 1000}}))
	booked := make(chan error, 1)
	go func() { booked <- o.Book(ctx) }()
	var booking *order.Booking
	s.await(func() bool {
		seen, err := s.store.LoadState(ctx, o.ID)
		booking = seen.Booking
		return err == nil && booking != nil
	}, "order %s does not ask its provider", o.ID)
	got, err := s.store.Receive(ctx, store.Report{
		Partner: "neutral", Key: uuid.NewString(), Hash: "1", Kind: "appointment", OrderNumber: o.Number, Body: []byte("{}"),
		Fact: &order.Fact{
			Kind: order.AppointmentReport, SentAt: time.Now(), ReceivedAt: time.Now(), AppointmentID: booking.Demand.AppointmentID(),
			Appointment: &order.Booked{Status: lifecycle.AppointmentIsConfirmed},
		},
	})
	require.NoError(t, err)
	require.NoError(t, s.client.SignalWorkflow(ctx, dispatch.OrderWorkflowID(o.ID), "", dispatch.SignalFact, *got.Fact))
	var refused *drive.RefusedError
	require.ErrorAs(t, <-booked, &refused)
	s.awaitPassed(o.ID, "parked-while-booking")
}

// beginWhatIsOver has a provider begin a visit that it had cancelled.
func beginWhatIsOver(t *testing.T, s *system, _ *drive.System, o *drive.Order) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, o.Book(ctx))
	var visit struct {
		ID string `json:"id"`
	}
	s.do(http.MethodGet, "/v3/order/"+o.ID+"/psc/appointment", nil).into(s, &visit)
	require.NoError(t, o.Visit(ctx, "cancelled"))
	s.awaitStatus(o.ID, "collecting_sample.walk_in_test.appointment_cancelled")
	s.atLab(http.MethodPost, "/sandbox/orders/"+o.Number+"/appointments/"+visit.ID, map[string]any{"status": "in_progress"})
	s.awaitPassed(o.ID, "visit-over")
}

// dropTheSecond has a provider refuse to drop what it may have booked without an answer. The appointment after that is dropped with
// the order.
func dropTheSecond(t *testing.T, s *system, _ *drive.System, o *drive.Order) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, o.Script(ctx, map[string]any{
		"book": map[string]any{"unavailable": 1000}, "calls": map[string]any{"cancel_appointment": map[string]any{"refuse": "not_cancellable"}},
	}))
	var refused *drive.RefusedError
	require.ErrorAs(t, o.Book(ctx), &refused)
	s.awaitAttention(o.ID, string(order.AppointmentAtProvider))
	require.NoError(t, o.Script(ctx, map[string]any{"book": map[string]any{"unconfirmed": true}}))
	require.NoError(t, o.Book(ctx))
}

// recordBehind records a decision as a run does whose task is then lost with its server.
func (s *system) recordBehind(id, cause string, decide func(order.State) order.Decision) {
	s.t.Helper()
	ctx := s.t.Context()
	now, err := s.store.LoadState(ctx, id)
	require.NoError(s.t, err)
	_, err = s.store.Record(ctx, order.Recording{OrderID: id, Revision: now.Revision, Cause: cause, Decision: decide(now), At: time.Now()})
	require.NoError(s.t, err)
}

// update has the order's run do what is asked.
func (s *system) update(id string, d order.Demand) {
	s.t.Helper()
	answer := s.ask(id, d)
	require.True(s.t, answer.Done, "%s", answer.Reason)
}

// ask asks something of the order's run.
func (s *system) ask(id string, d order.Demand) (answer order.Answer) {
	s.t.Helper()
	handle, err := s.client.UpdateWorkflow(s.t.Context(), client.UpdateWorkflowOptions{
		UpdateID: d.ID, WorkflowID: dispatch.OrderWorkflowID(id), UpdateName: dispatch.UpdateDemand, Args: []any{d},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(s.t, err)
	require.NoError(s.t, handle.Get(s.t.Context(), &answer))
	return answer
}

// awaitLoaded waits until a run knows the order, which is the first that it keeps.
func (s *system) awaitLoaded(id string) {
	s.t.Helper()
	s.await(func() bool {
		return slices.ContainsFunc(s.histories(dispatch.OrderWorkflowID(id)), func(h *historypb.History) bool {
			return slices.ContainsFunc(h.GetEvents(), func(e *historypb.HistoryEvent) bool {
				return e.GetMarkerRecordedEventAttributes() != nil
			})
		})
	}, "no run loads order %s", id)
}

// awaitPassed waits until an order's history says that it came past a change.
func (s *system) awaitPassed(id, change string) {
	s.t.Helper()
	s.await(func() bool {
		return slices.ContainsFunc(s.histories(dispatch.OrderWorkflowID(id)), func(h *historypb.History) bool { return passed(s.t, h)[change] })
	}, "order %s did not come past %s", id, change)
}

// passed are the changes that a history came past.
func passed(t testing.TB, h *historypb.History) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, e := range h.GetEvents() {
		details := e.GetMarkerRecordedEventAttributes().GetDetails()
		if details["change-id"] == nil {
			continue
		}
		var change string
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(details["change-id"], &change))
		out[change] = true
	}
	return out
}
