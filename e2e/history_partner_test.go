package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/workflows"
)

// partnerCase lists what happens to an order of the neutral partner, step by step. Each step but the last waits for a
// status.
type partnerCase struct {
	name  string
	place func(ctx context.Context, s *scenario.System) (*scenario.Order, error)
	steps []func(*scenario.Order, context.Context) error
	final string
}

func orderByMethod(method, policy string) func(context.Context, *scenario.System) (*scenario.Order, error) {
	return func(ctx context.Context, s *scenario.System) (*scenario.Order, error) {
		return s.PlaceOrder(ctx, method, policy, nil)
	}
}

func sendFact(kind string) func(*scenario.Order, context.Context) error {
	return func(o *scenario.Order, ctx context.Context) error { return o.SendFact(ctx, kind, nil) }
}

func publishReport(status, interpretation, failure string) func(*scenario.Order, context.Context) error {
	return func(o *scenario.Order, ctx context.Context) error {
		return o.PublishReport(ctx, status, interpretation, failure)
	}
}

func changeAppointment(status string) func(*scenario.Order, context.Context) error {
	return func(o *scenario.Order, ctx context.Context) error { return o.ChangeAppointment(ctx, status) }
}

// partnerCases are the shapes of the Order workflow that a testkit with a known patient does not have.
var partnerCases = []partnerCase{
	{name: "walk-in", place: orderByMethod(scenario.WalkIn, ""), final: "completed.walk_in_test.completed",
		steps: []func(*scenario.Order, context.Context) error{
			(*scenario.Order).Book, (*scenario.Order).Reschedule, (*scenario.Order).CancelAppointment,
			(*scenario.Order).BookPending, changeAppointment("confirmed"),
			publishReport("partial", "critical", ""), publishReport("final", "", ""),
		}},
	{name: "walk-in-booked-early", final: "cancelled.walk_in_test.cancelled",
		place: func(ctx context.Context, s *scenario.System) (*scenario.Order, error) {
			tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
			o, err := s.PlaceOrder(ctx, scenario.WalkIn, scenario.EarlyBookingPolicy, map[string]any{"activate_by": tomorrow})
			if err != nil {
				return nil, err
			}
			return o, errors.Join(o.Book(ctx), o.Activate(ctx))
		},
		steps: []func(*scenario.Order, context.Context) error{(*scenario.Order).Cancel}},
	{name: "redraw", place: orderByMethod(scenario.WalkIn, ""), final: "collecting_sample.walk_in_test.redraw_available",
		steps: []func(*scenario.Order, context.Context) error{publishReport("final", "", "internal_lab_failure")}},
	{name: "phlebotomy", place: orderByMethod(scenario.Phlebotomy, ""), final: "completed.at_home_phlebotomy.completed",
		steps: []func(*scenario.Order, context.Context) error{
			(*scenario.Order).Request, changeAppointment("confirmed"), changeAppointment("pending"),
			changeAppointment("confirmed"), changeAppointment("completed"),
			publishReport("final", "", ""),
		}},
	{name: "phlebotomy-cancelled", place: orderByMethod(scenario.Phlebotomy, ""),
		final: "cancelled.at_home_phlebotomy.cancelled",
		steps: []func(*scenario.Order, context.Context) error{(*scenario.Order).Book, (*scenario.Order).Cancel}},
	{name: "on-site", place: orderByMethod(scenario.OnSite, ""), final: "failed.on_site_collection.sample_error",
		steps: []func(*scenario.Order, context.Context) error{
			(*scenario.Order).DrawCompleted,
			func(o *scenario.Order, ctx context.Context) error { return o.SendRejection(ctx, false) },
		}},
	{name: "registrable", final: "completed.testkit.completed",
		place: func(ctx context.Context, s *scenario.System) (*scenario.Order, error) {
			return s.PlaceKit(ctx, "", "silent")
		},
		steps: []func(*scenario.Order, context.Context) error{
			sendFact("kit_shipped"), (*scenario.Order).Register, sendFact("sample_received"), publishReport("final", "", ""),
		}},
	{name: "imported", final: "cancelled.walk_in_test.cancelled",
		place: func(ctx context.Context, s *scenario.System) (*scenario.Order, error) {
			return s.ImportOrder(ctx, scenario.WalkIn)
		},
		steps: []func(*scenario.Order, context.Context) error{(*scenario.Order).Cancel}},
}

// TestHistoriesOfEveryCollectionMethodReplay takes a real order through each case and replays its history.
func TestHistoriesOfEveryCollectionMethodReplay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true})
	for _, w := range partnerCases {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := s.forSubtest(t)
			o, err := w.place(t.Context(), s.scenarioSystem())
			require.NoError(t, err)
			s.awaitPlaced(o.ID)
			for i, step := range w.steps {
				before := s.order(o.ID).Sequence
				require.NoError(t, step(o, t.Context()), "step %d", i+1)
				s.awaitPast(o.ID, before)
			}
			s.awaitStatus(o.ID, w.final)
			s.awaitEnd(o.ID)
			for i, h := range s.histories(dispatch.OrderWorkflowID(o.ID)) {
				require.NoError(t, replay(h, workflows.Order))
				writeHistory(t, fmt.Sprintf("%s-%d.json", w.name, i+1), h)
			}
		})
	}
}

// awaitPlaced waits until the lab has the order.
func (s *system) awaitPlaced(id string) {
	s.t.Helper()
	s.awaitPast(id, 1)
}

// awaitPast waits until the order has an event after the one with the number.
func (s *system) awaitPast(id string, sequence int64) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.order(id).Sequence > sequence }, timeout, 50*time.Millisecond,
		"order %s: nothing after event %d", id, sequence)
}
