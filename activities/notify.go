package activities

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
)

// notifications say which workflows recordings concern: those of endpoints with new deliveries, of orders that were
// created, and of orders with a fact that matches them now.
type notifications struct {
	endpoints []string
	created   []string
	matched   []store.ReceivedItem
}

func (n *notifications) add(orderID string, out store.Settled) {
	for _, id := range out.EndpointsToNudge {
		if !slices.Contains(n.endpoints, id) {
			n.endpoints = append(n.endpoints, id)
		}
	}
	if out.ReplacementID != "" && !out.Duplicate {
		n.created = append(n.created, out.ReplacementID)
	}
	for _, item := range out.MatchedItems {
		if item.OrderID != orderID { // the order itself has it already
			n.matched = append(n.matched, item)
		}
	}
}

// The limits of notifications. What they miss, the reconciler finds.
const (
	notifyTimeout      = 10 * time.Second
	maxBackgroundTasks = 256
)

// background runs tasks after an activity has returned.
type background struct {
	running sync.WaitGroup
	mu      sync.Mutex
	tasks   int
}

// start runs a task in a goroutine; false: too many are running.
func (b *background) start(task func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tasks >= maxBackgroundTasks {
		return false
	}
	b.tasks++
	b.running.Go(func() {
		task()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.tasks--
	})
	return true
}

// WaitForNotifications waits until the notifications of ended activities are sent or given up, for at most
// notifyTimeout.
func (a *Activities) WaitForNotifications() { a.background.running.Wait() }

// notify signals or starts the workflows that the recordings concern. It does not delay the activity: a Temporal that
// is slow at this moment must neither hold up the order nor make its commit look like a failure.
func (s *settling) notify(ctx context.Context) {
	n := s.effects
	for _, id := range n.endpoints {
		s.batchWakers.wake(id)
	}
	if len(n.endpoints)+len(n.created)+len(n.matched) == 0 {
		return
	}
	task := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyTimeout)
		defer cancel()
		s.sendNotifications(ctx, n)
	}
	if s.NotifyInline {
		task()
	} else if !s.background.start(task) {
		s.Log.WarnContext(ctx, "notifications left to the reconciler", "order_id", s.orderID)
	}
}

func (a *Activities) sendNotifications(ctx context.Context, n notifications) {
	a.nudgeAll(ctx, n.endpoints)
	for _, id := range n.created {
		if err := a.Dispatch.StartOrder(ctx, id); err != nil {
			a.Log.WarnContext(ctx, "replacement not started yet", "order_id", id, "error", err)
		}
	}
	for _, item := range n.matched {
		a.wakeForItem(ctx, item)
	}
}

// wakeForItem wakes the order of an inbox item, and reports whether it succeeded.
func (a *Activities) wakeForItem(ctx context.Context, item store.ReceivedItem) bool {
	if item.Fact == nil {
		return false
	}
	wake := dispatch.Wake{Kind: dispatch.WakeFact, InboxID: item.ID}
	if err := a.Dispatch.WakeOrder(ctx, item.OrderID, wake); err != nil {
		a.Log.WarnContext(ctx, "order not woken yet", "inbox_id", item.ID, "order_id", item.OrderID, "error", err)
		return false
	}
	return true
}
