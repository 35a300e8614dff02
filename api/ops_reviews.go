package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// OpsReview is an unmatched result as operations see it.
type OpsReview struct {
	junction.UnmatchedResult
	TeamID       string `json:"team_id" doc:"Empty: it came through an account that all teams share."`
	LabAccountID string `json:"lab_account_id"`
	OrderNumber  string `json:"order_number" doc:"As the lab reported it."`
}

// OpsReviewsPage is a page of unmatched results.
type OpsReviewsPage struct {
	Data       []OpsReview `json:"data" nullable:"false"`
	NextCursor *string     `json:"next_cursor"`
	Total      int         `json:"total"`
}

type listReviewsInput struct {
	ReviewQuery
	TeamID string `query:"team_id" format:"uuid"`
}

type opsRejectInput struct {
	ReviewPath
	Body struct {
		Action string  `json:"action" enum:"reject"`
		Note   *string `json:"note,omitempty" maxLength:"4000" doc:"Stored encrypted."`
	}
}

func (s *server) opsReviewRoutes() {
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-list-reviews", Method: http.MethodGet, Path: "/ops/reviews", Tags: []string{tagOperations},
		Summary: "List the unmatched results of all teams and those without a team, newest first",
	}, s.opsListReviews)
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-get-review", Method: http.MethodGet, Path: "/ops/reviews/{raw_result_id}",
		Tags:    []string{tagOperations},
		Summary: "Read an unmatched result", Errors: []int{http.StatusNotFound},
	}, s.opsGetReview)
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-accept-review", Method: http.MethodPost, Path: "/ops/reviews/{raw_result_id}/accept",
		Tags:    []string{tagOperations},
		Summary: "Accept an unmatched result as the result of an order",
		Errors:  []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, s.opsAcceptReview)
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-resolve-review", Method: http.MethodPost, Path: "/ops/reviews/{raw_result_id}/resolve",
		Tags:    []string{tagOperations},
		Summary: "Reject an unmatched result", Errors: []int{http.StatusNotFound},
	}, s.opsResolveReview)
}

func (s *server) opsListReviews(ctx context.Context, in *listReviewsInput) (*body[OpsReviewsPage], error) {
	reviews, total, next, err := s.Store.MatchReviews(ctx, in.toMatchReviewQuery(canonicalUUID(in.TeamID)))
	if err != nil {
		return nil, err
	}
	out := OpsReviewsPage{Data: make([]OpsReview, len(reviews)), NextCursor: nilIfEmpty(next), Total: total}
	for i, r := range reviews {
		out.Data[i] = opsReview(r)
	}
	if err := s.appendReadAudit(ctx, "ops.reviews.list", "", "", reviewIDsDetail(reviews)); err != nil {
		return nil, err
	}
	return newAnswer(out), nil
}

func (s *server) opsGetReview(ctx context.Context, in *ReviewPath) (*body[OpsReview], error) {
	r, err := s.readReviewAudited(ctx, "", in.ID, "ops.review.read")
	if err != nil {
		return nil, err
	}
	return newAnswer(opsReview(r)), nil
}

func (s *server) opsAcceptReview(ctx context.Context, in *acceptReviewInput) (*body[OpsOrder], error) {
	o, err := s.acceptReviewOnto(ctx, "", in, lifecycle.Operations)
	if err != nil {
		return nil, err
	}
	out, err := opsOrder(o)
	if err != nil {
		return nil, err
	}
	return newAnswer(out), nil
}

func (s *server) opsResolveReview(ctx context.Context, in *opsRejectInput) (*body[OpsReview], error) {
	r, err := s.resolveReviewAs(ctx, "", in.ID, order.MatchReviewAction(in.Body.Action), in.Body.Note)
	if err != nil {
		return nil, err
	}
	return newAnswer(opsReview(r)), nil
}

// opsReview converts a match review, with the actions of operations: they may decide every open review, also one that
// waits for the client.
func opsReview(r order.MatchReview) OpsReview {
	out := OpsReview{UnmatchedResult: junction.FromMatchReview(r), TeamID: r.TeamID, LabAccountID: r.LabAccountID,
		OrderNumber: r.OrderNumber}
	out.AllowedActions = []order.MatchReviewAction{}
	if r.Status.Open() {
		out.AllowedActions = []order.MatchReviewAction{order.MatchReviewAccept, order.MatchReviewReject}
	}
	return out
}
