package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
)

// resetLife is the life of an order that is reset in the middle and at the end.
type resetLife struct {
	name  string
	begin func(*system) string // creates the order and brings it to the middle of its life
	// timed says that a deadline is so near in the middle that the order does not stay there
	timed bool
	waits bool // a caller waits for a partner, at most twelve seconds
	end   func(*system, string)
	final string
}

// resetLives are the shapes of the kept histories, and lives with calls that a stale run could repeat.
func resetLives() []resetLife {
	var all []resetLife
	for _, shape := range workflowCases {
		all = append(all, resetLife{name: shape.name, timed: shape.policy != "", final: shape.final, end: shape.run,
			begin: func(s *system) string {
				id := s.placeOrder(shape.order)
				if len(shape.order) == 0 {
					s.awaitStatus(id, "received.testkit.requisition_created")
				}
				return id
			}})
	}
	for _, shape := range partnerCases {
		all = append(all, partnerResetLife(shape))
	}
	return all
}

// partnerResetLife takes half of the steps before the middle.
func partnerResetLife(shape partnerCase) resetLife {
	half := len(shape.steps) / 2
	orders := make(chan *scenario.Order, 1)
	take := func(s *system, o *scenario.Order, steps []func(*scenario.Order, context.Context) error) {
		for i, step := range steps {
			before := s.order(o.ID).Sequence
			require.NoError(s.t, step(o, s.t.Context()), "step %d", i+1)
			s.awaitPast(o.ID, before)
		}
	}
	return resetLife{name: shape.name, final: shape.final, waits: strings.HasPrefix(shape.name, "walk-in") ||
		strings.HasPrefix(shape.name, "phlebotomy"),
		begin: func(s *system) string {
			o, err := shape.place(s.t.Context(), s.scenarioSystem())
			require.NoError(s.t, err)
			s.awaitPlaced(o.ID)
			take(s, o, shape.steps[:half])
			orders <- o
			return o.ID
		},
		end: func(s *system, _ string) { take(s, <-orders, shape.steps[half:]) },
	}
}

// cancelCallLives are lives of orders whose lab has a call to cancel them.
var cancelCallLives = []resetLife{
	{name: "cancellation-confirmed", waits: true, begin: (*system).placeAndAwait, final: "cancelled.testkit.cancelled",
		end: func(s *system, id string) { require.Equal(s.t, http.StatusOK, s.cancel(id).Status) }},
	// The lab has refused the cancellation, and the store keeps the order. Then the lab would confirm it.
	{name: "cancellation-refused", waits: true, final: "completed.testkit.completed",
		begin: func(s *system) string {
			id := s.placeAndAwait()
			s.putScript(id, map[string]any{"steps": []map[string]any{{"kind": "happens", "fact": "kit_shipped"}}})
			require.Equal(s.t, http.StatusBadRequest, s.cancel(id).Status)
			return id
		},
		end: func(s *system, id string) { s.playLabFacts(id) }},
	// The same, with a lab report that arrives while the lab is asked.
	{name: "cancellation-refused-late", waits: true, final: "completed.walk_in_test.completed",
		begin: func(s *system) string {
			o := s.placeWalkIn()
			s.refuseCancelDuringReport(o)
			require.NoError(s.t, o.SetCallBehaviour(s.t.Context(), map[string]any{"calls": map[string]any{}}))
			return o.ID
		},
		end: publishFinalReport},
}

// newCancelGate returns a gate that delays cancellations of orders by the neutral protocol.
func newCancelGate() *gate {
	return newGateFor(func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/cancel") && !strings.Contains(r.URL.Path, "/appointments/")
	})
}

// refuseCancelDuringReport has the client cancel the order, and the lab send a partial report before it refuses.
func (s *system) refuseCancelDuringReport(o *scenario.Order) {
	s.t.Helper()
	require.NoError(s.t, o.SetCallBehaviour(s.t.Context(), map[string]any{"calls": map[string]any{
		"cancel": map[string]any{"refuse": "not_cancellable"}}}))
	s.options.gate.close()
	refused := make(chan int, 1)
	go func() { refused <- s.cancel(o.ID).Status }()
	<-s.options.gate.waiting
	require.NoError(s.t, o.PublishReport(s.t.Context(), scenario.Partial, "", ""))
	s.awaitStatus(o.ID, "sample_with_lab.walk_in_test.partial_results")
	s.options.gate.open()
	require.Equal(s.t, http.StatusBadRequest, <-refused)
}

func publishFinalReport(s *system, id string) {
	o := s.scenarioSystem().ExistingOrder(id, scenario.WalkIn)
	o.Number = s.labOrderNumber(id)
	require.NoError(s.t, o.PublishReport(s.t.Context(), scenario.Final, "", ""))
}

// bookingLives are lives of orders with a booking that was given up. The provider would take it now.
var bookingLives = []resetLife{
	{name: "booking-given-up", waits: true, final: "completed.walk_in_test.completed",
		begin: func(s *system) string {
			o := s.placeWalkIn()
			require.NoError(s.t, o.SetCallBehaviour(s.t.Context(), map[string]any{"book": map[string]any{"unavailable": 1000}}))
			require.GreaterOrEqual(s.t, s.bookOnce(o).Status, http.StatusBadRequest)
			s.awaitQuiet(o.ID)
			require.NoError(s.t, o.SetCallBehaviour(s.t.Context(), map[string]any{"book": map[string]any{}}))
			return o.ID
		},
		end: publishFinalReport},
	{name: "booked-and-cancelled", waits: true, final: "cancelled.walk_in_test.cancelled",
		begin: func(s *system) string {
			o := s.placeWalkIn()
			require.Equal(s.t, http.StatusOK, s.bookOnce(o).Status)
			require.NoError(s.t, o.CancelAppointment(s.t.Context()))
			return o.ID
		},
		end: func(s *system, id string) { require.Equal(s.t, http.StatusOK, s.cancel(id).Status) }},
}

func (s *system) placeWalkIn() *scenario.Order {
	s.t.Helper()
	o, err := s.scenarioSystem().PlaceOrder(s.t.Context(), scenario.WalkIn, "", nil)
	require.NoError(s.t, err)
	s.awaitPlaced(o.ID)
	return o
}

// bookOnce books a free slot and waits for the answer as long as the API does.
func (s *system) bookOnce(o *scenario.Order) apiAnswer {
	s.t.Helper()
	key, err := s.scenarioSystem().NextSlot(s.t.Context(), scenario.WalkIn)
	require.NoError(s.t, err)
	return s.callAsClient(http.MethodPost, "/v3/order/"+o.ID+"/psc/appointment/book", map[string]any{"booking_key": key})
}

// TestResetsChangeNothing takes orders through the shapes of the kept histories. In the middle and at the end of its
// life it resets each order's runs to all of their workflow tasks, with and without the signals and updates after them.
// The order's state, events and messages stay the same, no partner is called, and the order goes on.
func TestResetsChangeNothing(t *testing.T) {
	t.Parallel()
	untimed, timed := newSystem(t, options{neutral: true}), newSystem(t, options{policy: shortDeadlinesPolicy})
	for _, life := range resetLives() {
		if life.waits {
			continue
		}
		t.Run(life.name, func(t *testing.T) {
			t.Parallel()
			s := untimed
			if life.timed {
				s = timed
			}
			s.forSubtest(t).requireUnchangedByResets(life, allResets)
		})
	}
}

// TestResetsAroundCallsChangeNothing does the same with orders whose lab was asked to cancel them, or whose provider
// was asked for an appointment. A stale run would ask again. After some of the resets the run waits for its caller's
// twelve seconds, so only a sample of the workflow tasks is reset to.
func TestResetsAroundCallsChangeNothing(t *testing.T) {
	t.Parallel()
	plain := newSystem(t, options{neutral: true})
	cancelling := newSystem(t, options{neutral: true, cancelCall: true, gate: newCancelGate()})
	plain.scenarios, cancelling.scenarios = plain.scenarioSystem(), cancelling.scenarioSystem()
	for _, group := range []struct {
		system *system
		lives  []resetLife
	}{{cancelling, cancelCallLives}, {plain, bookingLives}, {plain, resetLives()}} {
		for _, life := range group.lives {
			if !life.waits {
				continue
			}
			t.Run(life.name, func(t *testing.T) {
				t.Parallel()
				group.system.forSubtest(t).requireUnchangedByResets(life, sampleResets)
			})
		}
	}
}

func (s *system) requireUnchangedByResets(life resetLife, choose func([]resetPoint) []resetPoint) {
	s.t.Helper()
	id := life.begin(s)
	var middle []string
	if !life.timed {
		middle = s.changesByResets(id, choose)
	}
	life.end(s, id)
	s.awaitStatus(id, life.final)
	ended := s.changesByResets(id, choose)
	require.Empty(s.t, strings.Join(middle, "\n"), "in the middle of its life")
	require.Empty(s.t, strings.Join(ended, "\n"), "at its end")
}
