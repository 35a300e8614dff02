package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Place makes one attempt to send the order's requisition. The order number was recorded with the order.
func (a *Activities) Place(ctx context.Context, in dispatch.CallInput) (dispatch.PlaceResult, error) {
	call := &partnerCall{orderID: in.OrderID, kind: "place", lane: store.LaneRoutine, turn: in.Turn, round: in.CallID,
		maxCalls: in.MaxCalls, isWanted: order.State.WantsPlacement}
	lab, o, err := a.openOrderLab(ctx, in.OrderID, call)
	if err != nil {
		return dispatch.PlaceResult{}, a.internalError(ctx, "placing", in.OrderID, err)
	}
	req, err := a.buildRequisition(ctx, o)
	if err != nil {
		return dispatch.PlaceResult{}, a.internalError(ctx, "placing", in.OrderID, err)
	}
	var placed labs.Acceptance
	err = a.callPartner(ctx, call, func() (raw []byte, err error) {
		placed, err = lab.Place(ctx, req)
		return placed.Raw, err
	})
	if err != nil {
		return dispatch.PlaceResult{}, a.callError(ctx, "placing", call, err)
	}
	return dispatch.PlaceResult{Accession: placed.Accession}, nil
}

func (a *Activities) buildRequisition(ctx context.Context, o *order.Order) (labs.Requisition, error) {
	// Only the adapter of the simulated lab sends the script.
	req := labs.Requisition{OrderNumber: o.Number, Order: o, Script: o.ScriptName()}
	if o.State.Policy.Silent {
		req.Script = labs.ScriptSilent
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

// Fetch fetches the order's newest lab report and stores it. An empty ResultID means that there is none yet.
func (a *Activities) Fetch(ctx context.Context, in dispatch.FetchInput) (order.FetchOutcome, error) {
	out := order.FetchOutcome{Generation: in.Generation}
	call := &partnerCall{orderID: in.OrderID, kind: "results", lane: store.LaneRoutine, turn: in.Turn,
		isWanted: func(s order.State) bool { return s.WantsFetch(in.Generation) }}
	lab, o, err := a.openOrderLab(ctx, in.OrderID, call)
	if err != nil {
		return out, a.internalError(ctx, "fetching results", in.OrderID, err)
	}
	var got labs.FetchedResults
	err = a.callPartner(ctx, call, func() (raw []byte, err error) {
		if got, err = lab.FetchResults(ctx, o.Number); err == nil && got.LabReport == nil {
			err = errNotReady
		}
		return got.Raw, err
	})
	if errors.Is(err, errNotReady) {
		return out, nil
	}
	if err != nil {
		return out, a.callError(ctx, "fetching results", call, err)
	}
	version, changed, err := a.Store.StoreLabReport(ctx, in.OrderID, in.Generation, *got.LabReport, got.Hash, got.Raw,
		got.PDF)
	if err != nil {
		return out, a.internalError(ctx, "storing results", in.OrderID, err)
	}
	out.ResultID, out.Changed, out.Partial = version.ID, changed, got.LabReport.Status == "partial"
	out.Critical, out.MissingByLabFault = got.LabReport.Interpretation == order.InterpretationCritical,
		len(got.LabReport.MissingByLabFault()) > 0
	out.Differs = got.LabReport.Patient.DifferenceFrom(o.Patient)
	if got.LabReport.CollectedAt != nil {
		out.CollectedAt = got.LabReport.CollectedAt.UTC()
	}
	return out, nil
}

// Cancel asks the lab to cancel the order. Without an error the lab has confirmed the cancellation.
func (a *Activities) Cancel(ctx context.Context, in dispatch.CallInput) error {
	call := &partnerCall{orderID: in.OrderID, kind: "cancel", lane: store.LaneUrgent, turn: in.Turn, round: in.CallID,
		isWanted: func(s order.State) bool { return s.WantsCancellation(in.DemandID) }}
	lab, o, err := a.openOrderLab(ctx, in.OrderID, call)
	if err != nil {
		return a.internalError(ctx, "cancelling", in.OrderID, err)
	}
	err = a.callPartner(ctx, call, func() ([]byte, error) {
		return nil, lab.Cancel(ctx, o.Number, o.Accession)
	})
	if err != nil {
		return a.callError(ctx, "cancelling", call, err)
	}
	return nil
}

// Correct makes one attempt to send the order's present patient and address to the lab. Without an error the lab has
// accepted them.
func (a *Activities) Correct(ctx context.Context, in dispatch.CallInput) error {
	call := &partnerCall{orderID: in.OrderID, kind: "correct", lane: store.LaneRoutine, turn: in.Turn, round: in.CallID,
		maxCalls: in.MaxCalls, isWanted: func(s order.State) bool { return s.WantsCorrection(in.DemandID) }}
	lab, o, err := a.openOrderLab(ctx, in.OrderID, call)
	if err != nil {
		return a.internalError(ctx, "correcting", in.OrderID, err)
	}
	req, err := a.buildRequisition(ctx, o)
	if err != nil {
		return a.internalError(ctx, "correcting", in.OrderID, err)
	}
	err = a.callPartner(ctx, call, func() ([]byte, error) {
		corrector, ok := lab.(labs.Corrector)
		if !ok {
			return nil, labs.ErrNotSupported
		}
		return nil, corrector.Correct(ctx, req)
	})
	if err != nil {
		return a.callError(ctx, "correcting", call, err)
	}
	return nil
}

// openOrderLab opens a client of the order's lab account for one call, and returns the order.
func (a *Activities) openOrderLab(ctx context.Context, orderID string, c *partnerCall) (labs.Lab, *order.Order, error) {
	if !order.IsID(orderID) {
		return nil, nil, store.ErrNotFound
	}
	o, err := a.Store.Order(ctx, "", orderID)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the order: %w", err)
	}
	lab, err := a.openLabAccount(ctx, o.LabAccountID, c)
	return lab, o, err
}

// openLabAccount opens a client of an account at a lab or a provider for one call.
func (a *Activities) openLabAccount(ctx context.Context, id string, c *partnerCall) (labs.Lab, error) {
	account, err := a.Store.LabAccount(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s is gone", errUnusableAccount, id)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the lab account: %w", err)
	}
	partner, ok := a.Partners[account.Partner]
	if !ok {
		return nil, fmt.Errorf("%w: %s: no adapter for partner %q", errUnusableAccount, account.ID, account.Partner)
	}
	lab, err := partner(labs.Account{
		ID: account.ID, Partner: account.Partner, BaseURL: account.BaseURL, User: account.User, Token: account.Token,
		Spacing: account.Spacing, Settings: account.Settings, Environment: account.Environment,
	}, a.turnWaiter(account, c))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnusableAccount, err)
	}
	return lab, nil
}

// errUnusableAccount means that calls cannot be made with a lab account, whatever the store answers.
var errUnusableAccount = errors.New("the lab account cannot be used")
