package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// AcceptUnmatchedBody says whose result it is. Without an order, it is the candidate's that stands out, if need be of
// the user.
type AcceptUnmatchedBody struct {
	UserID  *string `json:"user_id,omitempty" format:"uuid"`
	OrderID *string `json:"order_id,omitempty" format:"uuid"`
	Note    *string `json:"note,omitempty" maxLength:"4000" doc:"Kept encrypted."`
}

type acceptReviewInput struct {
	ReviewPath
	Body AcceptUnmatchedBody
}

type resolveReviewInput struct {
	ReviewPath
	Body struct {
		Action string  `json:"action" enum:"reject,unsure" doc:"unsure leaves it to operations."`
		Note   *string `json:"note,omitempty" maxLength:"4000" doc:"Kept encrypted."`
	}
}

// acceptRefusalTexts say why an order cannot take the report.
var acceptRefusalTexts = map[order.Reason]string{
	order.ReasonNotYetPlaced:     "The order has not been sent to the lab",
	order.ReasonKitNotRegistered: "The order's kit is not registered yet",
}

// acceptReviewOnto makes a reviewed report an order's result. The order's workflow decides, and the answer comes after
// that is recorded.
func (s *server) acceptReviewOnto(ctx context.Context, teamID string, in *acceptReviewInput,
	by lifecycle.Actor) (*order.Order, error) {
	r, err := s.readDecidableReview(ctx, teamID, in.ID)
	if err != nil {
		return nil, err
	}
	o, err := s.acceptanceOrder(ctx, teamID, r, in.Body)
	if err != nil {
		return nil, err
	}
	asked, err := s.Store.PrepareReviewAcceptance(ctx, teamID, r.ID, o.ID)
	if err != nil {
		return nil, mapDecisionError(err)
	}
	d := order.Demand{ID: asked.DemandID, Kind: order.DemandAcceptResults, By: by, Results: &asked.Fetched,
		IsRetry: asked.IsRetry}
	err = s.demandAcceptance(ctx, o, d, order.MatchReviewAcceptance{ReviewID: r.ID, Note: emptyIfNil(in.Body.Note)})
	var refused *Error
	if errors.As(err, &refused) && refused.status != http.StatusServiceUnavailable {
		if err := s.Store.CancelReviewAcceptance(ctx, r.ID, o.ID); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "review.accept", o.TeamID, o.ID, "review="+r.ID)
	return s.Store.Order(ctx, o.TeamID, o.ID)
}

// demandAcceptance asks the order's workflow, unless its row says no already. An order that cannot take the report was
// no consistent choice.
func (s *server) demandAcceptance(ctx context.Context, o *order.Order, d order.Demand,
	a order.MatchReviewAcceptance) error {
	reason := o.State.CheckDemand(d, s.now())
	if reason != "" && !d.IsRetry {
		s.appendChangeAudit(ctx, "order.accept.refused", o.TeamID, o.ID, "reason="+string(reason))
		return unsuitableOrderError(acceptRefusalTexts[reason])
	}
	sealed, err := json.Marshal(a)
	if err != nil {
		return err
	}
	err = s.Store.AddDemand(ctx, store.DemandRow{ID: d.ID, OrderID: o.ID, Kind: d.Kind, By: d.By, Body: sealed})
	if err != nil && !errors.Is(err, store.ErrConflict) { // it was kept when it was asked before
		return err
	}
	answered, err := s.askWorkflow(ctx, o, d)
	if answered.Reason != "" {
		return unsuitableOrderError(acceptRefusalTexts[answered.Reason])
	}
	return err
}

// readDecidableReview reads a review that the caller may decide about: a team those that wait for it, operations every
// open one.
func (s *server) readDecidableReview(ctx context.Context, teamID, id string) (order.MatchReview, error) {
	r, err := s.Store.MatchReview(ctx, teamID, canonicalUUID(id))
	if err != nil {
		return r, mapNotFound(err, "Unmatched result")
	}
	if !r.Status.Open() || teamID != "" && r.Status != order.MatchReviewPendingCustomer {
		return r, notReviewableError()
	}
	return r, nil
}

func notReviewableError() *Error {
	return newError(http.StatusNotFound, "The unmatched result is not reviewable any more")
}

// mapDecisionError turns the store's reasons against a decision into answers.
func mapDecisionError(err error) error {
	if errors.Is(err, store.ErrAcceptanceInProgress) {
		return validationError(newProblem("value_error", "The result is being accepted onto another order", "body"))
	}
	if errors.Is(err, store.ErrNotFound) {
		return notReviewableError()
	}
	return err
}

// unsuitableOrderError is the answer to a choice of an order that does not fit.
func unsuitableOrderError(text string) *Error {
	if text == "" {
		text = "The order cannot take the result"
	}
	return validationError(newProblem("value_error", text, "body.order_id"))
}

// acceptanceOrder is the order that is meant. One that does not exist for the team, or is another user's, is no
// consistent choice.
func (s *server) acceptanceOrder(ctx context.Context, teamID string, r order.MatchReview,
	in AcceptUnmatchedBody) (*order.Order, error) {
	user, id := canonicalUUID(emptyIfNil(in.UserID)), canonicalUUID(emptyIfNil(in.OrderID))
	if id == "" {
		id = r.Match.BestOrderID(user)
	}
	if id == "" {
		return nil, validationError(newProblem("value_error", "No order stands out: say which one", "body.order_id"))
	}
	if teamID == "" {
		teamID = r.TeamID // operations do not move a team's report to another team
	}
	o, err := s.Store.Order(ctx, teamID, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, unsuitableOrderError("There is no such order")
	case err != nil:
		return nil, err
	case user != "" && user != o.UserID:
		return nil, unsuitableOrderError("The order is another user's")
	case r.Report.Status == "partial" && o.Results != nil && lifecycle.Terminal(o.Status):
		return nil, unsuitableOrderError("The order has its final results, and these are partial")
	}
	return o, nil
}

// resolveReviewAs ends a review without a result for anybody, or leaves it to operations.
func (s *server) resolveReviewAs(ctx context.Context, teamID, id string, action order.MatchReviewAction,
	note *string) (order.MatchReview, error) {
	if _, err := s.readDecidableReview(ctx, teamID, id); err != nil {
		return order.MatchReview{}, err
	}
	r, endpoints, err := s.Store.ResolveMatchReview(ctx, teamID, canonicalUUID(id), action, emptyIfNil(note))
	if err != nil {
		return r, mapDecisionError(err)
	}
	s.appendChangeAudit(ctx, "review."+string(action), r.TeamID, r.OrderID, "review="+r.ID)
	s.nudgeEndpoints(ctx, endpoints)
	return r, nil
}

func emptyIfNil(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
