package activities

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Load reads what an order's workflow works with, and what its partners can do.
func (a *Activities) Load(ctx context.Context, orderID string) (dispatch.LoadedOrder, error) {
	s, err := a.Store.LoadState(ctx, orderID)
	if err != nil {
		return dispatch.LoadedOrder{}, a.internalError(ctx, "loading the order", orderID, err)
	}
	l := dispatch.LoadedOrder{State: s, CanTrack: a.Tracker != nil}
	if s.Terminal() {
		return l, nil
	}
	lab, _, err := a.openOrderLab(ctx, orderID, &partnerCall{orderID: orderID}) // it makes no call
	if err != nil {
		// An account that cannot be used now must not delay recordings. Its calls will report the problem.
		a.Log.WarnContext(ctx, "lab account not usable", "order_id", orderID, "error", err)
		return l, nil
	}
	l.CanCancel, l.CanCorrect = lab.Capabilities().Cancel, lab.Capabilities().CorrectPatient
	return l, nil
}

// Record records one decision and counts it. Then it notifies the workflows that the recording concerns: it nudges
// endpoints, starts the workflow of the replacement, and signals facts that match an order now. The reconciler
// completes notifications that a crash prevents.
func (a *Activities) Record(ctx context.Context, rec order.Recording) (order.RecordingResult, error) {
	out, err := a.Store.Record(ctx, rec)
	if errors.Is(err, store.ErrStale) {
		return order.RecordingResult{}, temporal.NewNonRetryableApplicationError("another recording came first",
			dispatch.ErrorStale, nil)
	}
	if err != nil {
		return order.RecordingResult{}, a.internalError(ctx, "recording", rec.OrderID, err)
	}
	if !out.Duplicate {
		a.Metrics.countRecording(rec)
	}
	tracing.AddAttributes(ctx, attribute.String("cause", rec.Cause),
		attribute.String("outcome", string(rec.Decision.Outcome)),
		attribute.Int64("sequence", out.Sequence), attribute.Bool("duplicate", out.Duplicate))
	a.notifyAfterRecording(ctx, rec.OrderID, out)
	return out.RecordingResult, nil
}

func (a *Activities) notifyAfterRecording(ctx context.Context, orderID string, out store.RecordResult) {
	for _, endpoint := range out.EndpointsToNudge {
		a.batchWakers.wake(endpoint)
		if err := a.Dispatch.NudgeDeliveries(ctx, endpoint); err != nil {
			a.Log.WarnContext(ctx, "nudge lost", "endpoint_id", endpoint, "order_id", orderID, "error", err)
		}
	}
	if out.ReplacementID != "" && !out.Duplicate {
		if err := a.Dispatch.StartOrder(ctx, out.ReplacementID); err != nil {
			a.Log.WarnContext(ctx, "replacement not started yet", "order_id", out.ReplacementID, "error", err)
		}
	}
	for _, waiting := range out.MatchedItems {
		a.signalInboxItem(ctx, waiting)
	}
}

// signalInboxItem signals an inbox item to its order and records that. It reports whether it succeeded.
func (a *Activities) signalInboxItem(ctx context.Context, row store.ReceivedItem) bool {
	if row.Fact == nil {
		return false
	}
	if err := a.Dispatch.SignalFact(ctx, row.OrderID, *row.Fact); err != nil {
		a.Log.WarnContext(ctx, "fact not signalled yet", "inbox_id", row.ID, "order_id", row.OrderID, "error", err)
		return false
	}
	if err := a.Store.RecordInboxSignalled(ctx, row.ID); err != nil {
		a.Log.WarnContext(ctx, "signal of a fact not recorded", "inbox_id", row.ID, "error", err)
	}
	return true
}
