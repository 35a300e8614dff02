package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func withReplacement(r order.ReplacementPolicy) orderSetting {
	return withPolicy(func(p *order.Policy) { p.Replacement = r })
}

// failures are the ways in which a testkit fails, on the tenth day or later.
var failures = map[string]func(w *orderHarness){
	"rejected": func(w *orderHarness) { w.factAt(10*day, order.FactKitRejected, withRecoverable(false)) },
	"not delivered to the customer": func(w *orderHarness) {
		w.factAt(day, order.FactKitShipped)
		w.courierFactAt(10*day, "outbound", lifecycle.FailureToDeliverToCustomer)
	},
	"not delivered to the lab": func(w *orderHarness) {
		toLab(w)
		w.courierFactAt(11*day, "inbound",
			lifecycle.FailureToDeliverToLab)
	},
	"lost, says the courier": func(w *orderHarness) {
		w.factAt(day, order.FactKitShipped)
		w.courierFactAt(10*day, "outbound", lifecycle.Lost)
	},
	"lost, after silence": func(w *orderHarness) {
		w.factAt(day, order.FactKitShipped)
		w.courierFactAt(2*day, "outbound", lifecycle.OutForDelivery)
	},
	"not recovered": func(w *orderHarness) { w.factAt(10*day, order.FactKitRejected, withRecoverable(true)) },
}

// replacement returns the harness of the order's replacement.
func (w *orderHarness) replacement() *orderHarness {
	w.t.Helper()
	require.Len(w.t, w.temporal.orders, 1, "it is started once")
	id := w.temporal.orders[0]
	c, err := w.store.Order(context.Background(), "", id)
	require.NoError(w.t, err)
	return w.harnessOf(w.t, id, c.Number, c.CreatedAt)
}

func TestReplacedAtOnce(t *testing.T) {
	t.Parallel()
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withReplacement(order.ReplaceAuto))
			fail(w)
			w.run()
			require.Empty(t, w.attention())
			parent, c := w.order(), w.replacement()
			require.True(t, parent.State.Replaced)
			replacement := c.order()
			require.Equal(t, parent.ID, replacement.ParentID)
			require.Equal(t, order.OriginRecreation, replacement.Origin)
			require.Equal(t, parent.TransactionID, replacement.TransactionID)
			require.Equal(t, order.TransactionActive, parent.Transaction.Status)
			require.Equal(t, 1, replacement.ReplacementDepth)
			require.NotEqual(t, parent.Number, replacement.Number)
			require.Equal(t, parent.Events[len(parent.Events)-1].RecordedAt, replacement.CreatedAt, "one transaction")

			c.at(replacement.CreatedAt.Sub(day0)+day, func() { c.reportFact(order.FactKitShipped) })
			c.runUntil(replacement.CreatedAt.Sub(day0) + 2*day)
			require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, c.statusHistory())
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
		policy    order.ReplacementPolicy
		attention []order.AttentionReason
	}{
		"manual": {order.ReplaceManual, []order.AttentionReason{order.AttentionReplacementNeeded}},
		"never":  {order.ReplaceNever, []order.AttentionReason{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withReplacement(test.policy))
			early := w.demandAt(day, operationsDemand(order.DemandReplace))
			w.factAt(10*day, order.FactKitRejected, withRecoverable(false))
			w.runUntil(12 * day)
			require.Equal(t, order.ReasonNotReplaceable, early.Reason)
			require.Equal(t, test.attention, w.attention())
			require.Empty(t, w.temporal.orders, "no replacement without a demand")
			require.Equal(t, order.TransactionCompleted, w.order().Transaction.Status)

			asked := w.demandAt(13*day, operationsDemand(order.DemandReplace))
			again := w.demandAt(14*day, operationsDemand(order.DemandReplace))
			w.run()
			require.True(t, asked.Done)
			require.Equal(t, order.ReasonAlreadyReplaced, again.Reason)
			c := w.replacement()
			require.Equal(t, asked.ReplacementID, c.orderID)
			require.Equal(t, order.TransactionActive, w.order().Transaction.Status, "the replacement opens it again")
			require.Empty(t, w.attention())
		})
	}
}

// TestReplacementLimit: a transaction has at most two replacements. The third failure raises a mark.
func TestReplacementLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withReplacement(order.ReplaceAuto))
	w.factAt(10*day, order.FactKitRejected, withRecoverable(false))
	w.run()
	for range 2 {
		w = w.replacement()
		w.factAt(w.order().CreatedAt.Sub(day0)+10*day, order.FactKitRejected, withRecoverable(false))
		w.run()
	}
	require.Empty(t, w.temporal.orders)
	require.Equal(t, []order.AttentionReason{order.AttentionReplacementLimit}, w.attention())
	asked := w.demandAt(40*day, operationsDemand(order.DemandReplace))
	w.run()
	require.Equal(t, order.ReasonReplacementLimit, asked.Reason)
	o := w.order()
	require.Len(t, o.Transaction.Orders, 3)
	require.Equal(t, 2, o.ReplacementDepth)
	require.Equal(t, order.TransactionCompleted, o.Transaction.Status)
}

// TestReplacementIsMadeOnce: a failure that is recorded by a lost run and by the next one has one replacement.
func TestReplacementIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withReplacement(order.ReplaceAuto))
	w.factAt(10*day, order.FactKitRejected, withRecoverable(true))
	w.onSettle = w.loseAnswerOnce(lifecycle.SampleError)
	w.run()
	require.Equal(t, []lifecycle.LowStatus{ordered, created, received, blocked, lifecycle.SampleError}, w.statusHistory())
	require.Len(t, w.order().Transaction.Orders, 2)
	w.replacement()
}

// loseAnswerOnce settles the step to a status, and loses the answer the first time.
func (w *orderHarness) loseAnswerOnce(
	to lifecycle.LowStatus,
) func(context.Context, dispatch.SettleInput, settleFunc) (dispatch.SettledOrder, error) {
	lost := false
	return func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
		out, err := settle(ctx, in)
		if !lost && out.Agenda.Status == to {
			lost = true
			return dispatch.SettledOrder{}, errOutage
		}
		return out, err
	}
}
