package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/worker"
	"github.com/aliquot-labs/aliquot/workflows"
)

// orderHarness is one order in a lab harness, with a timeline of what happens to it. If a run of its workflow ends
// before the timeline, the next signal or update starts another run.
type orderHarness struct {
	*labHarness
	t            tester
	env          *testsuite.TestWorkflowEnvironment
	orderID      string
	number       string
	parcelNumber int // the number in its tracking numbers
	temporal     fakeDispatcher
	timeline     []*scheduledAction
	replies      []*demandReply
	open         bool      // the newest run has not ended
	clockAt      time.Time // where the next run begins while one is open
	runs         int       // runs so far
	renewals     int       // runs that continued as new

	// tracker creates the trackers of couriers' numbers; nil: none is configured.
	tracker couriers.Tracker
	// onSettle replaces the settling activity; it may call settle.
	onSettle func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error)
	// onRun prepares each run, from 1.
	onRun func(n int)
}

// tester is what a harness needs of a test: *testing.T, or *rapid.T.
type tester interface {
	require.TestingT
	Helper()
}

type settleFunc func(context.Context, dispatch.SettleInput) (dispatch.SettledOrder, error)

// scheduledAction is something that happens at a time.
type scheduledAction struct {
	at   time.Time
	do   func()
	done bool
}

func newWorld(t testing.TB, settings ...orderSetting) *orderHarness {
	t.Helper()
	return newLabHarness(t).newWorld(t, settings...)
}

func (c *labHarness) newWorld(t tester, settings ...orderSetting) *orderHarness {
	c.clock.Store(nil)
	o := c.createOrder(settings...)
	return c.harnessOf(t, o.ID, o.Number, o.CreatedAt)
}

// harnessOf returns the harness of an existing order.
func (c *labHarness) harnessOf(t tester, id, number string, from time.Time) *orderHarness {
	c.parcelsSent++
	w := &orderHarness{labHarness: c, t: t, orderID: id, number: number, parcelNumber: c.parcelsSent, open: true,
		clockAt: from}
	w.temporal.harness = w
	return w
}

// at schedules something at a time after day0.
func (w *orderHarness) at(after time.Duration, do func()) {
	w.timeline = append(w.timeline, &scheduledAction{at: day0.Add(after), do: do})
}

// run plays the whole timeline until the order ends.
func (w *orderHarness) run() {
	w.t.Helper()
	w.advance(time.Time{})
	require.False(w.t, w.open)
	w.check()
}

// runUntil plays the timeline until a time after day0 at which nothing is in progress. A run that is open then is cut
// off, as if its worker and its history were lost. The next run begins there.
func (w *orderHarness) runUntil(after time.Duration) {
	w.t.Helper()
	w.cutOff(after)
	w.check()
}

// cutOff is runUntil at any time, also during a recording, which may then end during the next run or never.
func (w *orderHarness) cutOff(after time.Duration) {
	w.t.Helper()
	w.advance(day0.Add(after))
}

func (w *orderHarness) advance(limit time.Time) {
	w.t.Helper()
	for {
		next := w.nextMoment()
		if !w.open {
			if next == nil || !limit.IsZero() && !next.at.Before(limit) {
				return
			}
			w.open, w.clockAt = true, next.at
		}
		if !limit.IsZero() && !w.clockAt.Before(limit) {
			return
		}
		w.newRun(w.clockAt)
		if !limit.IsZero() {
			w.env.SetWorkflowRunTimeout(limit.Sub(w.clockAt))
		}
		w.env.ExecuteWorkflow(workflows.Order, dispatch.OrderInput{OrderID: w.orderID})
		w.noteRunEnd(limit)
	}
}

// noteRunEnd records how a run ended.
func (w *orderHarness) noteRunEnd(limit time.Time) {
	w.t.Helper()
	require.True(w.t, w.env.IsWorkflowCompleted(), "the run did not end")
	err := w.env.GetWorkflowError()
	if _, ok := errors.AsType[*workflow.ContinueAsNewError](err); ok {
		w.renewals++
		w.clockAt = w.now()
		return
	}
	_, failed := errors.AsType[*temporal.ActivityError](err)
	if _, ok := errors.AsType[*temporal.TimeoutError](err); ok && !failed && !limit.IsZero() {
		w.clockAt = limit
		return
	}
	require.NoError(w.t, err)
	w.open = false
}

func (w *orderHarness) nextMoment() *scheduledAction {
	var next *scheduledAction
	for _, m := range w.timeline {
		if !m.done && (next == nil || m.at.Before(next.at)) {
			next = m
		}
	}
	return next
}

// newRun prepares a run of the order's workflow whose clock begins at the given time.
func (w *orderHarness) newRun(at time.Time) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w.env = suite.NewTestWorkflowEnvironment()
	w.env.SetDataConverter(dispatch.NewConverter())
	w.env.SetStartTime(at)
	w.env.SetTestTimeout(time.Minute)
	w.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: dispatch.OrderWorkflowID(w.orderID),
		TaskQueue: dispatch.QueueOrders})
	w.clock.Store(w.env)
	a := &activities.Activities{
		Store: w.store, Dispatch: &w.temporal, Partners: worker.Partners(5 * time.Second), Tracker: w.tracker,
		Metrics: activities.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler), Now: w.now,
		NotifyInline: true, ConfirmationWait: time.Millisecond,
	}
	worker.RegisterOrders(w.env, a)
	worker.RegisterLabs(w.env, a)
	if w.onSettle != nil {
		w.env.OnActivity(dispatch.ActivitySettle, mock.Anything, mock.Anything).Return(
			func(ctx context.Context, in dispatch.SettleInput) (dispatch.SettledOrder, error) {
				return w.onSettle(ctx, in, a.Settle)
			})
	}
	for _, m := range w.timeline {
		if !m.done {
			w.env.RegisterDelayedCallback(func() { m.done = true; m.do() }, max(m.at.Sub(at), 0))
		}
	}
	w.runs++
	if w.onRun != nil {
		w.onRun(w.runs)
	}
}

// fakeDispatcher is the activities' access to Temporal: it records replacements and signals matched facts to the run.
type fakeDispatcher struct {
	harness *orderHarness
	mu      sync.Mutex
	orders  []string
}

func (r *fakeDispatcher) StartOrder(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders = append(r.orders, id)
	return nil
}

func (r *fakeDispatcher) RunningOrders(context.Context, []string) (map[string]bool, error) {
	return nil, errors.New("not in these tests")
}

func (r *fakeDispatcher) EnsureOrder(context.Context, string) (bool, error) {
	return false, errors.New("not in these tests")
}

func (r *fakeDispatcher) WakeOrder(_ context.Context, _ string, w dispatch.Wake) error {
	r.harness.env.SignalWorkflow(dispatch.SignalWake, w)
	return nil
}

func (r *fakeDispatcher) NudgeDeliveries(context.Context, string) error {
	return errors.New("not in these tests")
}
