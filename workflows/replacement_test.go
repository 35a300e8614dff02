package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func replacing(r order.Replacement) setting {
	return withPolicy(func(p *order.Policy) { p.Replacement = r })
}

// failures are the ways in which a testkit fails, on the tenth day or later.
var failures = map[string]func(w *world){
	"rejected": func(w *world) { w.fact(10*day, order.KitRejected, recoverable(false)) },
	"not delivered to the customer": func(w *world) {
		w.fact(day, order.KitShipped)
		w.courier(10*day, "outbound", lifecycle.FailureToDeliverToCustomer)
	},
	"not delivered to the lab": func(w *world) { toLab(w); w.courier(11*day, "inbound", lifecycle.FailureToDeliverToLab) },
	"lost, says the courier":   func(w *world) { w.fact(day, order.KitShipped); w.courier(10*day, "outbound", lifecycle.Lost) },
	"lost, after silence":      func(w *world) { w.fact(day, order.KitShipped); w.courier(2*day, "outbound", lifecycle.OutForDelivery) },
	"not recovered":            func(w *world) { w.fact(10*day, order.KitRejected, recoverable(true)) },
}

// child follows the order's replacement.
func (w *world) child() *world {
	w.t.Helper()
	require.Len(w.t, w.started.orders, 1, "it is started once")
	id := w.started.orders[0]
	c, err := w.store.Order(context.Background(), "", id)
	require.NoError(w.t, err)
	return w.follow(w.t, id, c.Number, c.CreatedAt)
}

func TestReplacedAtOnce(t *testing.T) {
	t.Parallel()
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, replacing(order.ReplaceAuto))
			fail(w)
			w.run()
			require.Empty(t, w.attention())
			parent, c := w.order(), w.child()
			require.True(t, parent.State.Replaced)
			replacement := c.order()
			require.Equal(t, parent.ID, replacement.ParentID)
			require.Equal(t, order.OriginRecreation, replacement.Origin)
			require.Equal(t, parent.TransactionID, replacement.TransactionID)
			require.Equal(t, order.TransactionActive, parent.Transaction.Status)
			require.Equal(t, 1, replacement.Depth)
			require.NotEqual(t, parent.Number, replacement.Number)
			require.Equal(t, parent.Events[len(parent.Events)-1].RecordedAt, replacement.CreatedAt, "one transaction")

			c.at(replacement.CreatedAt.Sub(day0)+day, func() { c.report(order.KitShipped) })
			c.runUntil(replacement.CreatedAt.Sub(day0) + 2*day)
			require.Equal(t, []lifecycle.Low{ordered, created, shipped}, c.history())
			require.Len(t, w.gate.placed, 2)
			require.Contains(t, w.gate.placed[0], `"origin_order_number":null`)
			require.Contains(t, w.gate.placed[1], `"origin_order_number":"`+parent.Number+`"`)
			require.Contains(t, w.gate.placed[1], `"order_number":"`+replacement.Number+`"`)
		})
	}
}

func TestReplacedByOperations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		policy    order.Replacement
		attention []order.AttentionReason
	}{
		"manual": {order.ReplaceManual, []order.AttentionReason{order.ReplacementNeeded}},
		"never":  {order.ReplaceNever, []order.AttentionReason{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, replacing(test.policy))
			early := w.demand(day, byOperations(order.DemandReplace))
			w.fact(10*day, order.KitRejected, recoverable(false))
			w.runUntil(12 * day)
			require.Equal(t, order.ReasonNotReplaceable, early.Reason)
			require.Equal(t, test.attention, w.attention())
			require.Empty(t, w.started.orders, "nothing is replaced by itself")
			require.Equal(t, order.TransactionCompleted, w.order().Transaction.Status)

			asked := w.demand(13*day, byOperations(order.DemandReplace))
			again := w.demand(14*day, byOperations(order.DemandReplace))
			w.run()
			require.True(t, asked.Done)
			require.Equal(t, order.ReasonReplaced, again.Reason)
			c := w.child()
			require.Equal(t, asked.ChildID, c.orderID)
			require.Equal(t, order.TransactionActive, w.order().Transaction.Status, "the replacement opens it again")
			require.Empty(t, w.attention())
		})
	}
}

// A transaction has at most two replacements; the third failure is for operations to look at.
func TestReplacementLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, replacing(order.ReplaceAuto))
	w.fact(10*day, order.KitRejected, recoverable(false))
	w.run()
	for range 2 {
		w = w.child()
		w.fact(w.order().CreatedAt.Sub(day0)+10*day, order.KitRejected, recoverable(false))
		w.run()
	}
	require.Empty(t, w.started.orders)
	require.Equal(t, []order.AttentionReason{order.ReplacementLimitReached}, w.attention())
	asked := w.demand(40*day, byOperations(order.DemandReplace))
	w.run()
	require.Equal(t, order.ReasonLimit, asked.Reason)
	o := w.order()
	require.Len(t, o.Transaction.Orders, 3)
	require.Equal(t, 2, o.Depth)
	require.Equal(t, order.TransactionCompleted, o.Transaction.Status)
}

// A failure that is recorded twice, by a run that was cut off and by the next one, has one replacement.
func TestReplacementIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, replacing(order.ReplaceAuto))
	w.fact(10*day, order.KitRejected, recoverable(true))
	w.onRecord = forgetfulOnce(lifecycle.SampleError)
	w.run()
	require.Equal(t, []lifecycle.Low{ordered, created, received, blocked, lifecycle.SampleError}, w.history())
	require.Len(t, w.order().Transaction.Orders, 2)
	w.child()
}

// forgetfulOnce records the step to a status, and loses the answer the first time.
func forgetfulOnce(to lifecycle.Low) func(context.Context, order.Recording, recordFunc) (order.Recorded, error) {
	lost := false
	return func(ctx context.Context, rec order.Recording, record recordFunc) (order.Recorded, error) {
		out, err := record(ctx, rec)
		steps := rec.Decision.Steps
		if !lost && len(steps) > 0 && steps[len(steps)-1].To == to {
			lost = true
			return order.Recorded{}, errOutage
		}
		return out, err
	}
}
