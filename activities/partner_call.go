package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/store"
)

// paceMargin is added to an account's spacing, because a request takes time to reach the lab: a first one needs a new
// connection. paceTolerance is how late a process may be for its turn.
const (
	paceMargin    = 50 * time.Millisecond
	paceTolerance = 30 * time.Millisecond
)

// maxMissedTurns is how many turns a call may miss. Then it is made without a turn: a slow database must not stop the
// calls of an account.
const maxMissedTurns = 5

// turnWaiter returns a function that waits for the call's turn with the account. Turns are reserved in the store, so
// the spacing holds across all processes. A process that is late for a turn takes another one.
func (a *Activities) turnWaiter(account store.LabAccount) labs.WaitForTurn {
	return func(ctx context.Context) error {
		if account.Spacing <= 0 {
			return nil
		}
		for range maxMissedTurns {
			asked := a.Now()
			_, wait, err := a.Store.ReserveCallStart(ctx, account.ID, account.Spacing+paceMargin)
			if err != nil {
				return fmt.Errorf("reserving a call: %w", err)
			}
			if err := awaitTurn(ctx, wait); err != nil {
				return err
			}
			if a.Now().Sub(asked)-wait <= paceTolerance {
				return nil
			}
		}
		a.Log.WarnContext(ctx, "a call was late for its turns", "lab_account_id", account.ID)
		return nil
	}
}

// errHandedBack is the outcome of a call that was not made because its worker stops.
var errHandedBack = errors.New("the worker stops before the call's turn has come")

// maxTurnWaitWhileStopping is the longest wait for a turn that a stopping worker finishes.
const maxTurnWaitWhileStopping = 5 * time.Second

// awaitTurn waits. A stopping worker gives up a call with a longer wait, so that another worker makes it.
func awaitTurn(ctx context.Context, wait time.Duration) error {
	if wait <= maxTurnWaitWhileStopping || !activity.IsActivity(ctx) {
		return sleep(ctx, wait)
	}
	t := time.NewTimer(wait - maxTurnWaitWhileStopping)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-activity.GetWorkerStopChannel(ctx):
		return errHandedBack
	case <-t.C:
		return sleep(ctx, maxTurnWaitWhileStopping)
	}
}

// callPartner makes one partner call, records its start and its outcome in the order's story, and counts it.
func (a *Activities) callPartner(ctx context.Context, orderID, kind string, do func() (raw []byte, err error)) error {
	id := uuid.Must(uuid.NewV7()).String()
	attempt := int(activity.GetInfo(ctx).Attempt)
	if err := a.Store.RecordPartnerCallStart(ctx, store.PartnerCall{ID: id, OrderID: orderID, Kind: kind,
		Attempt: attempt}); err != nil {
		return fmt.Errorf("recording a call: %w", err)
	}
	raw, callErr := do()
	tracing.AddAttributes(ctx, attribute.String("call_id", id), attribute.String("outcome", callOutcome(callErr)))
	if refused, ok := errors.AsType[*labs.RefusedError](callErr); ok {
		raw = refused.Raw
	}
	if unanswered, ok := errors.AsType[*labs.UnansweredError](callErr); ok {
		raw = unanswered.Raw
	}
	a.Metrics.countCall(kind, callErr)
	// The outcome has to be recorded even when the worker is stopping.
	if err := a.Store.RecordPartnerCallEnd(context.WithoutCancel(ctx), id, callOutcome(callErr), raw); err != nil {
		a.Log.WarnContext(ctx, "outcome of a call not recorded", "order_id", orderID, "kind", kind, "error", err)
	}
	return callErr
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
