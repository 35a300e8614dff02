package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// How long a call waits in its activity for a granted start. A call with a longer wait is asked for again.
const (
	maxUrgentWait  = 4 * time.Second // leaves the partner time to answer while the caller waits
	maxRoutineWait = 10 * time.Second
)

// turnLead is how much earlier than its start a call is asked for again, because timers and tasks are late.
const turnLead = time.Second

// maxMissedTurns is how many turns a call may miss. Then it is made without a turn: a slow database must not stop the
// calls of an account.
const maxMissedTurns = 5

// notMadeError is the error of a call that was not made, so that it does not count as an attempt.
type notMadeError struct{ err error }

func (e *notMadeError) Error() string { return "the call was not made: " + e.err.Error() }

func (e *notMadeError) Unwrap() error { return e.err }

// comeBackError says that a call has to be asked for again.
type comeBackError struct {
	dispatch.ComeBack

	reason string // of the metric
}

func (e *comeBackError) Error() string {
	return fmt.Sprintf("the call has to be asked for again in %s: %s", e.After, e.reason)
}

var (
	// errTurnNotNear is the error of a call of a batch whose turn is not near.
	errTurnNotNear = errors.New("the next turn of the account is not near")
	// errStaleCall is the error of a call that the order as stored does not ask for.
	errStaleCall = errors.New("the order as stored asks for no such call")
	// errNoCallLeft is the error of a round whose last call had no outcome, because its worker was lost.
	errNoCallLeft = errors.New("the round has made all its calls")
)

// turnWaiter returns a function that waits for the turns of a call's requests. When the turn of the first request has
// come, the call begins. Turns are reserved in the store, so the spacing holds across all processes.
func (a *Activities) turnWaiter(account store.LabAccount, c *partnerCall) labs.WaitForTurn {
	return func(ctx context.Context) error {
		if c.id != "" { // a later request of the call, for example for a document
			return a.takeTurn(ctx, store.CallStartRequest{
				Account: account.ID, Spacing: account.Spacing + labs.SpacingMargin, Lane: store.LaneUrgent,
			}, account.Spacing, 0)
		}
		request, limit := c.startRequest(ctx, account)
		err := a.takeTurn(ctx, request, account.Spacing, limit)
		if err == nil {
			err = a.beginCall(ctx, c)
		}
		if err != nil {
			return &notMadeError{err}
		}
		return nil
	}
}

// startRequest returns the request for the start of the call's first request, and how long the call may wait for it.
func (c *partnerCall) startRequest(ctx context.Context, account store.LabAccount) (r store.CallStartRequest,
	limit time.Duration) {
	r = store.CallStartRequest{Account: account.ID, Spacing: account.Spacing + labs.SpacingMargin, Lane: c.lane}
	if activity.GetInfo(ctx).Attempt == 1 { // a retry has used its turn
		r.Turn = store.Turn(c.turn)
	}
	if c.inBatch {
		r.MaxWait = maxRoutineWait
	}
	if c.lane == store.LaneUrgent {
		return r, maxUrgentWait
	}
	return r, maxRoutineWait
}

// takeTurn waits until a start that it has reserved. A start after the limit is not waited for: the error says when to
// ask again; 0: no limit. A process that is late for a start takes another one.
func (a *Activities) takeTurn(ctx context.Context, r store.CallStartRequest, spacing, limit time.Duration) error {
	if spacing <= 0 {
		return nil
	}
	for range maxMissedTurns {
		asked := a.Now()
		turn, wait, err := a.Store.ReserveCallStart(ctx, r)
		switch {
		case err != nil:
			return fmt.Errorf("reserving a call: %w", err)
		case turn == store.Turn{}:
			return errTurnNotNear
		case !turn.Granted, limit > 0 && wait > limit:
			return &comeBackError{dispatch.ComeBack{After: max(0, wait-turnLead), Turn: dispatch.Turn(turn)}, "turn"}
		}
		if err := awaitTurn(ctx, turn, wait); err != nil {
			return err
		}
		if a.Now().Sub(asked)-max(0, wait) <= store.MaxStartDelay {
			return nil
		}
		r.Turn = turn
	}
	a.Log.WarnContext(ctx, "a call was late for its turns", "lab_account_id", r.Account)
	return nil
}

// postponeActing keeps an order whose call waits long, for its turn or because the lab is busy, from counting as
// behind.
func (a *Activities) postponeActing(ctx context.Context, orderID string, wait time.Duration) {
	if wait >= order.CallGrace/2 {
		a.postponeActingUntil(ctx, orderID, a.Now().Add(wait+order.CallGrace))
	}
}

// postponeActingAfterNoAnswer keeps an order from counting as behind whose provider does not answer a demand about an
// appointment. The run asks again and records nothing.
func (a *Activities) postponeActingAfterNoAnswer(ctx context.Context, orderID string, callErr error) {
	app, ok := errors.AsType[*temporal.ApplicationError](callErr)
	if ok && (app.Type() == dispatch.ErrorUnanswered || app.Type() == dispatch.ErrorBusy) {
		a.postponeActingUntil(ctx, orderID, a.Now().Add(order.CallGrace))
	}
}

func (a *Activities) postponeActingUntil(ctx context.Context, orderID string, until time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if err := a.Store.PostponeActing(ctx, orderID, until); err != nil {
		a.Log.WarnContext(ctx, "a waiting order counts as behind", "order_id", orderID, "error", err)
	}
}

// awaitTurn waits until the start of a turn. A worker that stops gives the call up, so that another worker makes it.
func awaitTurn(ctx context.Context, turn store.Turn, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-activity.GetWorkerStopChannel(ctx):
		return &comeBackError{dispatch.ComeBack{Turn: dispatch.Turn(turn)}, "stopping"}
	case <-t.C:
		return nil
	}
}
