package workflows_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/worker"
)

// staleCase is a partner activity, with an order that asks for its call and one that does not.
type staleCase struct {
	settings []labHarnessSetting
	modality lifecycle.Modality
	wanted   func(*order.State)
	stale    func(*order.State)
	call     func(a *activities.Activities, o *order.Order) (function, input any)
}

const staleDemand = "5b0f3c86-8b8f-4f0a-9a52-2f2f9e6d6a01"

func staleCases() map[string]staleCase {
	started := func(s *order.State) { s.Placement.State = order.PlacementStarted }
	neutralLab := []labHarnessSetting{withNeutralLab}
	return map[string]staleCase{
		"place": {modality: lifecycle.Testkit, wanted: started,
			stale: func(s *order.State) { s.Placement.State = order.PlacementDone },
			call: func(a *activities.Activities, o *order.Order) (any, any) {
				return a.Place, dispatch.CallInput{OrderID: o.ID, CallID: "place-1", MaxCalls: 5}
			}},
		"place an order that has ended": {modality: lifecycle.Testkit, wanted: started,
			stale: func(s *order.State) { started(s); s.Status = lifecycle.Cancelled },
			call: func(a *activities.Activities, o *order.Order) (any, any) {
				return a.Place, dispatch.CallInput{OrderID: o.ID, CallID: "place-1", MaxCalls: 5}
			}},
		"cancel": {settings: []labHarnessSetting{withCancelCall}, modality: lifecycle.Testkit,
			wanted: func(s *order.State) { s.PendingCancellation = &order.Demand{ID: staleDemand} },
			stale:  func(s *order.State) { s.PendingCancellation = &order.Demand{ID: "another"} },
			call: func(a *activities.Activities, o *order.Order) (any, any) {
				return a.Cancel, dispatch.CallInput{OrderID: o.ID, CallID: "cancel-1", DemandID: staleDemand}
			}},
		"correct": {settings: []labHarnessSetting{withNeutralLab, withCorrections}, modality: lifecycle.WalkIn,
			wanted: func(s *order.State) { s.PendingCorrection = &order.PendingCorrection{DemandID: staleDemand} },
			stale:  func(s *order.State) { s.PendingCorrection = nil },
			call: func(a *activities.Activities, o *order.Order) (any, any) {
				return a.Correct, dispatch.CallInput{OrderID: o.ID, CallID: "correct-1", DemandID: staleDemand, MaxCalls: 5}
			}},
		"fetch": {modality: lifecycle.Testkit,
			wanted: func(s *order.State) { s.Fetch = order.Fetch{Pending: true, Generation: 2} },
			stale:  func(s *order.State) { s.Fetch = order.Fetch{Pending: true, Generation: 3} },
			call: func(a *activities.Activities, o *order.Order) (any, any) {
				return a.Fetch, dispatch.FetchInput{OrderID: o.ID, Generation: 2}
			}},
		"book": {settings: neutralLab, modality: lifecycle.WalkIn,
			wanted: func(s *order.State) { s.PendingBooking = &order.PendingBooking{Demand: order.Demand{ID: staleDemand}} },
			stale:  func(s *order.State) { s.PendingBooking = nil },
			call: func(a *activities.Activities, o *order.Order) (any, any) {
				return a.Book, dispatch.BookInput{OrderID: o.ID, Appointment: order.Appointment{ID: uuid.NewString()},
					Demand: order.Demand{ID: staleDemand, Kind: order.DemandCancelAppointment}}
			}},
		"release": {settings: neutralLab, modality: lifecycle.WalkIn,
			wanted: func(s *order.State) {
				s.PendingReleases = []order.AppointmentRelease{{AppointmentID: "other"}, {AppointmentID: staleDemand}}
			},
			stale: func(s *order.State) { s.PendingReleases = []order.AppointmentRelease{{AppointmentID: "other"}} },
			call: func(a *activities.Activities, o *order.Order) (any, any) {
				return a.Release, dispatch.ReleaseInput{OrderID: o.ID,
					Release: order.AppointmentRelease{AppointmentID: staleDemand}}
			}},
	}
}

// withCorrections gives the neutral lab a call for corrections.
func withCorrections(_ *simlab.Config, a *store.LabAccount) {
	a.Settings = bytes.Replace(a.Settings, []byte("{"), []byte(`{"correct":true,`), 1)
}

// TestCallsThatTheStoreDoesNotAskFor shows that a partner activity compares the order as stored with its input. If the
// order asks for no such call, no request reaches the lab, and no attempt is recorded. The control is the same activity
// with an order that asks for the call.
func TestCallsThatTheStoreDoesNotAskFor(t *testing.T) {
	t.Parallel()
	for name, test := range staleCases() {
		for _, isStale := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", stale"}[isStale], func(t *testing.T) {
				t.Parallel()
				c := newLabHarness(t, test.settings...)
				o := c.createOrder(withModality(test.modality))
				edit := test.wanted
				if isStale {
					edit = test.stale
				}
				c.editState(o, edit)
				fn, in := test.call(c.activities(nil), o)
				_, err := runActivity(fn, in)
				story, storyErr := c.store.Story(t.Context(), o.ID)
				require.NoError(t, storyErr)
				if !isStale {
					require.Len(t, c.lab.Traffic().Calls, 1, "%v", err)
					require.Len(t, story.Calls, 1)
					return
				}
				_ = requireErrorType(t, dispatch.ErrorStale, err)
				require.Empty(t, c.lab.Traffic().Calls)
				require.Empty(t, story.Calls)
			})
		}
	}
}

// TestTrackersThatTheStoreDoesNotAskFor shows the same for trackers.
func TestTrackersThatTheStoreDoesNotAskFor(t *testing.T) {
	t.Parallel()
	w, a := newWorld(t), &fakeTracker{}
	w.factAt(hour, order.FactKitShipped) // without a tracking service, trackers stay pending
	w.runUntil(2 * hour)
	stale, aStale := newWorld(t), &fakeTracker{}
	stale.factAt(hour, order.FactKitShipped)
	stale.runUntil(2 * hour)
	stale.editState(stale.order(), func(s *order.State) { s.TrackersPending = false })

	_, err := runActivity(w.activities(a).Track, w.orderID)
	require.NoError(t, err)
	require.Len(t, a.asked, 2)
	_, err = runActivity(stale.activities(aStale).Track, stale.orderID)
	_ = requireErrorType(t, dispatch.ErrorStale, err)
	require.Empty(t, aStale.asked)
}

// editState replaces the stored state of an order.
func (c *labHarness) editState(o *order.Order, edit func(*order.State)) {
	c.t.Helper()
	next := o.State
	edit(&next)
	_, err := c.store.Record(c.t.Context(), order.Recording{OrderID: o.ID, Revision: o.State.Revision, Cause: "call:test",
		At: day0, Decision: order.Decision{Next: next, Outcome: order.OutcomeApplied}})
	require.NoError(c.t, err)
}

func (c *labHarness) activities(tracker couriers.Tracker) *activities.Activities {
	return &activities.Activities{
		Store: c.store, Partners: worker.Partners(5 * time.Second), Tracker: tracker,
		Metrics: activities.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}

// runActivity runs an activity once.
func runActivity(fn, in any) (any, error) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: "activity"})
	return env.ExecuteActivity("activity", in)
}

func requireErrorType(t *testing.T, want string, err error) *temporal.ApplicationError {
	t.Helper()
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, want, app.Type())
	require.True(t, app.NonRetryable())
	return app
}
