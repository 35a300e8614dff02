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

// AcceptUnmatchedBody says to which order a result belongs. Without an order id the best candidate is taken, of the
// user if one is given.
type AcceptUnmatchedBody struct {
	UserID  *string `json:"user_id,omitempty" format:"uuid" doc:"The order must be this user's."`
	OrderID *string `json:"order_id,omitempty" format:"uuid" doc:"Defaults to the best candidate."`
	Note    *string `json:"note,omitempty" maxLength:"4000" doc:"Stored encrypted."`
}

type acceptReviewInput struct {
	ReviewPath
	Body AcceptUnmatchedBody
}

type resolveReviewInput struct {
	ReviewPath
	Body struct {
		Action string  `json:"action" enum:"reject,unsure" doc:"unsure leaves the decision to operations."`
		Note   *string `json:"note,omitempty" maxLength:"4000" doc:"Stored encrypted."`
	}
}

// acceptRefusalTexts say why an order cannot accept a lab report, by reason.
var acceptRefusalTexts = map[order.Reason]string{
	order.ReasonNotYetPlaced:     "The order has not been sent to the lab",
	order.ReasonKitNotRegistered: "The order's kit is not registered yet",
}

// acceptReviewOnto accepts a lab report under review as the result of an order. The order's workflow decides; the
// function returns the order after its decision is recorded.
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
	acceptance, err := s.Store.PrepareReviewAcceptance(ctx, teamID, r.ID, o.ID)
	if err != nil {
		return nil, mapDecisionError(err)
	}
	err = s.demandAcceptance(ctx, o, by, acceptance,
		order.MatchReviewAcceptance{ReviewID: r.ID, Note: emptyIfNil(in.Body.Note)})
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

// demandAcceptance submits the acceptance to the order's workflow, unless the stored state forbids it. A demand that
// was made before may have been applied already, so the workflow decides on it. demandAcceptance answers 422 for an
// order that cannot accept the report.
func (s *server) demandAcceptance(ctx context.Context, o *order.Order, by lifecycle.Actor,
	acceptance store.AcceptanceDemand, a order.MatchReviewAcceptance) error {
	d := order.Demand{ID: acceptance.DemandID, Kind: order.DemandAcceptResults, By: by, Results: &acceptance.Fetched}
	reason := o.State.CheckDemand(d, s.now())
	if reason != "" && !acceptance.IsRetry {
		s.appendChangeAudit(ctx, "order.accept.refused", o.TeamID, o.ID, "reason="+string(reason))
		return unsuitableOrderError(acceptRefusalTexts[reason])
	}
	sealed, err := json.Marshal(a)
	if err != nil {
		return err
	}
	err = s.Store.AddDemand(ctx, store.DemandRow{ID: d.ID, OrderID: o.ID, Kind: d.Kind, By: d.By, Request: d,
		Body: sealed})
	if err != nil && !errors.Is(err, store.ErrConflict) { // a conflict: an earlier request has stored the demand
		return err
	}
	answered, err := s.askWorkflow(ctx, o, d)
	if answered.Reason != "" {
		return unsuitableOrderError(acceptRefusalTexts[answered.Reason])
	}
	return err
}

// readDecidableReview reads a match review that the caller may decide: a team those that wait for its decision,
// operations (an empty teamID) every open one.
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

// mapDecisionError turns the store's errors of a decision into answers.
func mapDecisionError(err error) error {
	if errors.Is(err, store.ErrAcceptanceInProgress) {
		return validationError(newProblem("value_error", "The result is being accepted onto another order", "body"))
	}
	if errors.Is(err, store.ErrNotFound) {
		return notReviewableError()
	}
	return err
}

// unsuitableOrderError returns the 422 answer for an order that cannot accept the result.
func unsuitableOrderError(text string) *Error {
	if text == "" {
		text = "The order cannot take the result"
	}
	return validationError(newProblem("value_error", text, "body.order_id"))
}

// acceptanceOrder returns the order that is to get the result: the named one, or the best candidate. It answers 422 for
// an order of another team or another user, and for partial results of an order that has its final ones.
func (s *server) acceptanceOrder(ctx context.Context, teamID string, r order.MatchReview,
	in AcceptUnmatchedBody) (*order.Order, error) {
	user, id := canonicalUUID(emptyIfNil(in.UserID)), canonicalUUID(emptyIfNil(in.OrderID))
	if id == "" {
		id = r.Match.BestOrderID(user)
	}
	if id == "" {
		return nil, validationError(newProblem("value_error", "No candidate is the best: name the order", "body.order_id"))
	}
	if teamID == "" {
		teamID = r.TeamID // operations cannot move a team's report to another team
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

// resolveReviewAs rejects the lab report of a review, or leaves the decision to operations.
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

// emptyIfNil returns the text, or "" for nil.
func emptyIfNil(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
