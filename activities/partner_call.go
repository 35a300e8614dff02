package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// noteTimeout bounds what is recorded about a call after its activity's own time.
const noteTimeout = 10 * time.Second

// partnerCall is one call that an activity is to make about an order. It begins when its turn has come: then it has an
// id, and a row in the order's story.
type partnerCall struct {
	orderID  string // empty: a lab report without an order
	kind     string // as the story and the metrics show it
	lane     store.CallLane
	turn     dispatch.Turn
	inBatch  bool                   // the call is skipped if its turn is not near
	round    string                 // the round of attempts; empty: the call is the only one of its round
	maxCalls int                    // how many calls the round may make; 0: no limit
	isWanted func(order.State) bool // whether the order as stored asks for the call; nil: always

	id      string // of the call, in the store; empty: it has not begun
	attempt int    // its number in the round, from 1
}

// beginCall records that the call is made now, unless the order as stored does not ask for it.
func (a *Activities) beginCall(ctx context.Context, c *partnerCall) error {
	if c.isWanted != nil {
		state, err := a.Store.State(ctx, c.orderID)
		if err != nil {
			return err
		}
		if !c.isWanted(state) {
			return errStaleCall
		}
	}
	if c.maxCalls > 0 {
		made, err := a.Store.PartnerCallsMade(ctx, c.orderID, c.kind, c.round)
		if err != nil {
			return err
		}
		if made >= c.maxCalls {
			return errNoCallLeft
		}
	}
	id := uuid.Must(uuid.NewV7()).String()
	if c.orderID == "" { // a lab report without an order: it has no story
		c.id = id
		return nil
	}
	attempt, err := a.Store.RecordPartnerCallStart(ctx, store.PartnerCall{ID: id, OrderID: c.orderID, Kind: c.kind,
		Round: c.round})
	if err != nil {
		return err
	}
	c.id, c.attempt = id, attempt
	return nil
}

// callPartner makes one partner call, records its outcome in the order's story, and counts it.
func (a *Activities) callPartner(ctx context.Context, c *partnerCall, do func() (raw []byte, err error)) error {
	raw, callErr := do()
	if _, ok := errors.AsType[*notMadeError](callErr); ok && c.id == "" {
		a.Metrics.countNotMade(c.kind, callErr)
		return callErr
	}
	if c.id == "" { // the adapter has decided without a request
		if err := a.beginCall(ctx, c); err != nil {
			a.Metrics.countNotMade(c.kind, err)
			return &notMadeError{err}
		}
	}
	tracing.AddAttributes(ctx, attribute.String("call_id", c.id), attribute.String("outcome", callOutcome(callErr)))
	if refused, ok := errors.AsType[*labs.RefusedError](callErr); ok {
		raw = refused.Raw
	}
	if unanswered, ok := errors.AsType[*labs.UnansweredError](callErr); ok {
		raw = unanswered.Raw
	}
	a.Metrics.countCall(c.kind, callErr)
	// The outcome has to be recorded even when the worker is stopping.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if err := a.Store.RecordPartnerCallEnd(ending, c.id, callOutcome(callErr), raw); err != nil {
		a.Log.WarnContext(ctx, "outcome of a call not recorded", "order_id", c.orderID, "kind", c.kind, "error", err)
	}
	return callErr
}

// callError returns an error for the history in place of a call's. It is final if the call was the last of its round.
func (a *Activities) callError(ctx context.Context, doing string, c *partnerCall, err error) error {
	if notMade, ok := errors.AsType[*notMadeError](err); ok {
		return a.notMadeError(ctx, doing, c.orderID, notMade.err)
	}
	if busy, ok := errors.AsType[*labs.BusyError](err); ok && c.orderID != "" {
		a.postponeActing(ctx, c.orderID, busy.RetryAfter)
	}
	err = a.partnerError(ctx, doing, c.orderID, err)
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if ok && c.maxCalls > 0 && c.attempt >= c.maxCalls {
		return temporal.NewNonRetryableApplicationError(app.Message(), app.Type(), nil)
	}
	return err
}

// notMadeError returns an error for the history in place of the reason why a call was not made.
func (a *Activities) notMadeError(ctx context.Context, doing, orderID string, why error) error {
	if back, ok := errors.AsType[*comeBackError](why); ok {
		a.postponeActing(ctx, orderID, back.After)
		return temporal.NewNonRetryableApplicationError(doing+": asked for again later", dispatch.ErrorComeBack, nil,
			back.ComeBack)
	}
	switch {
	case errors.Is(why, errStaleCall):
		return temporal.NewNonRetryableApplicationError(doing+": not asked for by the order as stored", dispatch.ErrorStale,
			nil)
	case errors.Is(why, errNoCallLeft):
		return temporal.NewNonRetryableApplicationError(doing+": no call left", dispatch.ErrorUnanswered, nil)
	}
	return a.internalError(ctx, doing, orderID, fmt.Errorf("before a partner call: %w", why))
}
