package activities

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// fakeNotified records notifications. It blocks until answer is closed, if that is set.
type fakeNotified struct {
	Dispatcher
	mu      sync.Mutex
	sent    []string
	faults  []error // of the contexts, when it was let go
	limited bool    // the contexts have a deadline
	begun   chan struct{}
	answer  chan struct{}
}

func (d *fakeNotified) send(ctx context.Context, what string) error {
	if d.answer != nil {
		d.begun <- struct{}{}
		<-d.answer
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, d.limited = ctx.Deadline()
	d.sent, d.faults = append(d.sent, what), append(d.faults, ctx.Err())
	return nil
}

func (d *fakeNotified) NudgeDeliveries(ctx context.Context, _ string) error {
	return d.send(ctx, "nudge")
}

func (d *fakeNotified) StartOrder(ctx context.Context, _ string) error { return d.send(ctx, "start") }

func (d *fakeNotified) WakeOrder(ctx context.Context, id string, w dispatch.Wake) error {
	return d.send(ctx, "wake "+id+" "+w.Kind+" "+w.InboxID)
}

// TestNotificationsDoNotDelayASettle checks that a Settle returns while Temporal does not answer, that its end does not
// cancel the notifications, and that a stopping worker waits for them.
func TestNotificationsDoNotDelayASettle(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	d := &fakeNotified{begun: make(chan struct{}, 1), answer: make(chan struct{})}
	f.Dispatch, f.NotifyInline = d, false
	ctx, cancel := context.WithCancel(t.Context())
	out, err := f.Settle(ctx, dispatch.SettleInput{OrderID: f.order.ID, Cause: placed(), At: f.Now()})
	require.NoError(t, err)
	require.Equal(t, lifecycle.RequisitionCreated, out.Agenda.Status)
	cancel()
	<-d.begun
	waited := make(chan struct{})
	go func() { defer close(waited); f.WaitForNotifications() }()
	select {
	case <-waited:
		require.Fail(t, "nobody waits for the notification")
	default:
	}
	close(d.answer)
	<-waited
	require.Equal(t, []string{"nudge"}, d.sent)
	require.Equal(t, []error{nil}, d.faults)
	require.True(t, d.limited, "they end when Temporal never answers")
	f.WaitForNotifications()

	// The control: a notification within the Settle delays it.
	d.answer, f.NotifyInline = make(chan struct{}), true
	settled := make(chan error)
	shipped := receiveTestFact(t, f.Activities, f.order.ID, "1", order.FactKitShipped)
	go func() {
		_, err := f.Settle(t.Context(), dispatch.SettleInput{OrderID: f.order.ID, Cause: &order.Cause{Fact: &shipped},
			At: f.Now()})
		settled <- err
	}()
	<-d.begun
	select {
	case <-settled:
		require.Fail(t, "it has not waited")
	default:
	}
	close(d.answer)
	require.NoError(t, <-settled)
}

// TestNotificationsAreOfOtherWorkflows checks what a recording notifies of: each endpoint once, a replacement when it
// is created, and facts that match other orders now.
func TestNotificationsAreOfOtherWorkflows(t *testing.T) {
	t.Parallel()
	var n notifications
	item := func(id, orderID string) store.ReceivedItem {
		return store.ReceivedItem{ID: id, OrderID: orderID, Fact: &order.Fact{InboxID: id}}
	}
	out := store.Settled{RecordResult: store.RecordResult{
		RecordingResult:  order.RecordingResult{ReplacementID: "r"},
		EndpointsToNudge: []string{"e1", "e2"}, MatchedItems: []store.ReceivedItem{item("i1", "mine"), item("i2", "other")},
	}}
	n.add("mine", out)
	out.Duplicate, out.MatchedItems, out.EndpointsToNudge = true, nil, []string{"e2", "e3"}
	n.add("mine", out)
	require.Equal(t, notifications{endpoints: []string{"e1", "e2", "e3"}, created: []string{"r"},
		matched: []store.ReceivedItem{item("i2", "other")}}, n)

	a, _, _ := newSweepActivities(t, 1)
	d := &fakeNotified{}
	a.Dispatch = d
	a.sendNotifications(t.Context(), n)
	require.ElementsMatch(t, []string{"nudge", "nudge", "nudge", "start", "wake other fact i2"}, d.sent)
}

// TestNotifyingTasksAreLimited checks that a Temporal that is away does not make tasks without limit.
func TestNotifyingTasksAreLimited(t *testing.T) {
	t.Parallel()
	var b background
	hold := make(chan struct{})
	for range maxBackgroundTasks {
		require.True(t, b.start(func() { <-hold }))
	}
	require.False(t, b.start(func() { require.Fail(t, "it must not run") }))
	close(hold)
	b.running.Wait()
	require.True(t, b.start(func() {}))
	b.running.Wait()
	require.Equal(t, 10*time.Second, notifyTimeout)
}
