package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Place sends the order's requisition: one attempt. The order number was committed when the order was created.
func (a *Activities) Place(ctx context.Context, in dispatch.CallInput) (dispatch.PlaceResult, error) {
	defer a.startHeartbeat(ctx)()
	lab, o, err := a.openOrderLab(ctx, in.OrderID)
	if err != nil {
		return dispatch.PlaceResult{}, a.internalError(ctx, "placing", in.OrderID, err)
	}
	req, err := a.buildRequisition(ctx, o)
	if err != nil {
		return dispatch.PlaceResult{}, a.internalError(ctx, "placing", in.OrderID, err)
	}
	var placed labs.Acceptance
	err = a.callPartner(ctx, in.OrderID, "place", func() (raw []byte, err error) {
		placed, err = lab.Place(ctx, req)
		return placed.Raw, err
	})
	if err != nil {
		return dispatch.PlaceResult{}, a.partnerError(ctx, "placing", in.OrderID, err)
	}
	return dispatch.PlaceResult{Accession: placed.Accession}, nil
}

func (a *Activities) buildRequisition(ctx context.Context, o *order.Order) (labs.Requisition, error) {
	req := labs.Requisition{OrderNumber: o.Number, Order: o}
	if o.Passthrough != nil {
		// Honoured by sandbox accounts only: the adapter of a real lab never sends it.
		req.Script, _ = strings.CutPrefix(*o.Passthrough, "sandbox:")
		if req.Script == *o.Passthrough {
			req.Script = ""
		}
	}
	if o.ParentID != "" {
		parent, err := a.Store.Order(ctx, "", o.ParentID)
		if err != nil {
			return req, fmt.Errorf("reading the order that is replaced or redrawn: %w", err)
		}
		req.OriginNumber = parent.Number
	}
	return req, nil
}

// Fetch gets the order's newest report and stores it. An empty ResultID means that there is none yet.
func (a *Activities) Fetch(ctx context.Context, in dispatch.FetchInput) (order.FetchOutcome, error) {
	defer a.startHeartbeat(ctx)()
	out := order.FetchOutcome{Generation: in.Generation}
	lab, o, err := a.openOrderLab(ctx, in.OrderID)
	if err != nil {
		return out, a.internalError(ctx, "fetching results", in.OrderID, err)
	}
	var got labs.FetchedResults
	err = a.callPartner(ctx, in.OrderID, "results", func() (raw []byte, err error) {
		if got, err = lab.FetchResults(ctx, o.Number); err == nil && got.LabReport == nil {
			err = errNotReady
		}
		return got.Raw, err
	})
	if errors.Is(err, errNotReady) {
		return out, nil
	}
	if err != nil {
		return out, a.partnerError(ctx, "fetching results", in.OrderID, err)
	}
	version, changed, err := a.Store.StoreLabReport(ctx, in.OrderID, in.Generation, *got.LabReport, got.Hash, got.Raw,
		got.PDF)
	if err != nil {
		return out, a.internalError(ctx, "storing results", in.OrderID, err)
	}
	out.ResultID, out.Changed, out.Partial = version.ID, changed, got.LabReport.Status == "partial"
	out.Critical, out.MissingByLabFault = got.LabReport.Interpretation == order.InterpretationCritical,
		len(got.LabReport.MissingByLabFault()) > 0
	if got.LabReport.CollectedAt != nil {
		out.CollectedAt = got.LabReport.CollectedAt.UTC()
	}
	return out, nil
}

// Cancel asks the lab to cancel the order. No error: the lab has confirmed it.
func (a *Activities) Cancel(ctx context.Context, in dispatch.CallInput) error {
	lab, o, err := a.openOrderLab(ctx, in.OrderID)
	if err != nil {
		return a.internalError(ctx, "cancelling", in.OrderID, err)
	}
	err = a.callPartner(ctx, in.OrderID, "cancel", func() ([]byte, error) {
		return nil, lab.Cancel(ctx, o.Number, o.Accession)
	})
	if err != nil {
		return a.partnerError(ctx, "cancelling", in.OrderID, err)
	}
	return nil
}

// Correct tells the lab of the order's patient and address as they are now: one attempt. No error: the lab has accepted them.
func (a *Activities) Correct(ctx context.Context, in dispatch.CallInput) error {
	defer a.startHeartbeat(ctx)()
	lab, o, err := a.openOrderLab(ctx, in.OrderID)
	if err != nil {
		return a.internalError(ctx, "correcting", in.OrderID, err)
	}
	req, err := a.buildRequisition(ctx, o)
	if err != nil {
		return a.internalError(ctx, "correcting", in.OrderID, err)
	}
	err = a.callPartner(ctx, in.OrderID, "correct", func() ([]byte, error) {
		corrector, ok := lab.(labs.Corrector)
		if !ok {
			return nil, labs.ErrNotSupported
		}
		return nil, corrector.Correct(ctx, req)
	})
	if err != nil {
		return a.partnerError(ctx, "correcting", in.OrderID, err)
	}
	return nil
}

// openOrderLab makes the client of the order's lab account.
func (a *Activities) openOrderLab(ctx context.Context, orderID string) (labs.Lab, *order.Order, error) {
	o, err := a.Store.Order(ctx, "", orderID)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the order: %w", err)
	}
	lab, err := a.openLabAccount(ctx, o.LabAccountID)
	return lab, o, err
}

// openLabAccount makes the client of an account at a lab or a provider.
func (a *Activities) openLabAccount(ctx context.Context, id string) (labs.Lab, error) {
	account, err := a.Store.LabAccount(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("lab account %s is gone", id)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the lab account: %w", err)
	}
	partner, ok := a.Partners[account.Partner]
	if !ok {
		return nil, fmt.Errorf("lab account %s: no adapter for partner %q", account.ID, account.Partner)
	}
	return partner(labs.Account{
		ID: account.ID, Partner: account.Partner, BaseURL: account.BaseURL, User: account.User, Token: account.Token,
		Spacing: account.Spacing, Settings: account.Settings, Environment: account.Environment,
	}, a.pace(account))
}

// paceMargin is added to an account's spacing, for what happens to a request on its way to the lab: a first one has a connection to
// make. paceLate is how late a process may be for its turn.
const (
	paceMargin    = 50 * time.Millisecond
	paceTolerance = 30 * time.Millisecond
)

// maxMissedTurns is how many turns a call may miss before it is made all the same: a slow database must not stop the calls of an account.
const maxMissedTurns = 5

// pace waits for the call's turn with the account: starts are reserved in the store, so the spacing holds over all processes. A
// process that is late, because reserving took long or it was woken late, gives the turn up and takes another.
func (a *Activities) pace(account store.LabAccount) labs.WaitForTurn {
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

// errHandedBack is the outcome of a call that was not made, because its worker stops.
var errHandedBack = errors.New("the worker stops before the call's turn has come")

// maxTurnWaitWhileStopping is the longest wait for a turn that a worker which stops still sits out.
const maxTurnWaitWhileStopping = 5 * time.Second

// awaitTurn waits. A worker that is to stop hands a call that would have to wait for long back, for another worker to take it.
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

// callPartner makes one partner call with its row in the order's story.
func (a *Activities) callPartner(ctx context.Context, orderID, kind string, do func() (raw []byte, err error)) error {
	id := uuid.Must(uuid.NewV7()).String()
	attempt := int(activity.GetInfo(ctx).Attempt)
	if err := a.Store.RecordPartnerCallStart(ctx, store.PartnerCall{ID: id, OrderID: orderID, Kind: kind,
		Attempt: attempt}); err != nil {
		return fmt.Errorf("noting a call: %w", err)
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
	// The worker may be stopping: what happened is noted all the same.
	if err := a.Store.RecordPartnerCallEnd(context.WithoutCancel(ctx), id, callOutcome(callErr), raw); err != nil {
		a.Log.WarnContext(ctx, "outcome of a call not noted", "order_id", orderID, "kind", kind, "error", err)
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
