package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/e2e/drive"
	"github.com/aliquot-labs/aliquot/workflows"
)

// way is what happens to an order of the neutral partner, one step after the other; each step but the last waits for a status.
type way struct {
	name  string
	place func(ctx context.Context, s *drive.System) (*drive.Order, error)
	steps []func(*drive.Order, context.Context) error
	final string
}

func ordering(method, pace string) func(context.Context, *drive.System) (*drive.Order, error) {
	return func(ctx context.Context, s *drive.System) (*drive.Order, error) {
		return s.Place(ctx, method, pace, nil)
	}
}

func fact(kind string) func(*drive.Order, context.Context) error {
	return func(o *drive.Order, ctx context.Context) error { return o.Fact(ctx, kind, nil) }
}

func partnerReport(status, interpretation, failure string) func(*drive.Order, context.Context) error {
	return func(o *drive.Order, ctx context.Context) error { return o.Report(ctx, status, interpretation, failure) }
}

func provider(status string) func(*drive.Order, context.Context) error {
	return func(o *drive.Order, ctx context.Context) error { return o.Visit(ctx, status) }
}

// ways are the shapes of the Order workflow that a testkit of a known patient does not have.
var ways = []way{
	{name: "walk-in", place: ordering(drive.WalkIn, ""), final: "completed.walk_in_test.completed", steps: []func(*drive.Order, context.Context) error{
		(*drive.Order).Book, (*drive.Order).Reschedule, (*drive.Order).CancelAppointment, (*drive.Order).BookPending, provider("confirmed"),
		partnerReport("partial", "critical", ""), partnerReport("final", "", ""),
	}},
	{name: "walk-in-booked-early", final: "cancelled.walk_in_test.cancelled",
		place: func(ctx context.Context, s *drive.System) (*drive.Order, error) {
			tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
			o, err := s.Place(ctx, drive.WalkIn, drive.Early, map[string]any{"activate_by": tomorrow})
			if err != nil {
				return nil, err
			}
			return o, errors.Join(o.Book(ctx), o.Activate(ctx))
		},
		steps: []func(*drive.Order, context.Context) error{(*drive.Order).Cancel}},
	{name: "redraw", place: ordering(drive.WalkIn, ""), final: "collecting_sample.walk_in_test.redraw_available",
		steps: []func(*drive.Order, context.Context) error{partnerReport("final", "", "internal_lab_failure")}},
	{name: "phlebotomy", place: ordering(drive.Phlebotomy, ""), final: "completed.at_home_phlebotomy.completed",
		steps: []func(*drive.Order, context.Context) error{
			(*drive.Order).Request, provider("confirmed"), provider("pending"), provider("confirmed"), provider("completed"),
			partnerReport("final", "", ""),
		}},
	{name: "phlebotomy-cancelled", place: ordering(drive.Phlebotomy, ""), final: "cancelled.at_home_phlebotomy.cancelled",
		steps: []func(*drive.Order, context.Context) error{(*drive.Order).Book, (*drive.Order).Cancel}},
	{name: "on-site", place: ordering(drive.OnSite, ""), final: "failed.on_site_collection.sample_error",
		steps: []func(*drive.Order, context.Context) error{
			(*drive.Order).DrawCompleted,
			func(o *drive.Order, ctx context.Context) error { return o.Reject(ctx, false) },
		}},
	{name: "registrable", final: "completed.testkit.completed",
		place: func(ctx context.Context, s *drive.System) (*drive.Order, error) { return s.PlaceKit(ctx, "", "silent") },
		steps: []func(*drive.Order, context.Context) error{
			fact("kit_shipped"), (*drive.Order).Register, fact("sample_received"), partnerReport("final", "", ""),
		}},
	{name: "imported", final: "cancelled.walk_in_test.cancelled",
		place: func(ctx context.Context, s *drive.System) (*drive.Order, error) { return s.Import(ctx, drive.WalkIn) },
		steps: []func(*drive.Order, context.Context) error{(*drive.Order).Cancel}},
}

// TestHistoriesOfEveryCollectionMethodReplay drives a real order along every way, and replays what the server kept of it.
func TestHistoriesOfEveryCollectionMethodReplay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true})
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			o, err := w.place(t.Context(), s.driver())
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
				keep(t, fmt.Sprintf("%s-%d.json", w.name, i+1), h)
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
	require.Eventually(s.t, func() bool { return s.order(id).Sequence > sequence }, patience, 50*time.Millisecond, "order %s: nothing after event %d", id, sequence)
}
