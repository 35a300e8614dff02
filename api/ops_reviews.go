package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// OpsReview is an unmatched result as operations see it.
type OpsReview struct {
	junction.UnmatchedResult
	TeamID       string `json:"team_id" doc:"Empty: it came through an account of all teams."`
	LabAccountID string `json:"lab_account_id"`
	OrderNumber  string `json:"order_number" doc:"As the lab reported it."`
}

// OpsReviewsPage is a page of unmatched results.
type OpsReviewsPage struct {
	Data       []OpsReview `json:"data" nullable:"false"`
	NextCursor *string     `json:"next_cursor"`
	Total      int         `json:"total"`
}

type opsReviewsInput struct {
	ReviewQuery
	TeamID string `query:"team_id" format:"uuid"`
}

type opsRejectInput struct {
	ReviewPath
	Body struct {
		Action string  `json:"action" enum:"reject"`
		Note   *string `json:"note,omitempty" maxLength:"4000" doc:"Kept encrypted."`
	}
}

func (s *server) opsReviewRoutes() {
	register(s, readAll, huma.Operation{
		OperationID: "ops-list-reviews", Method: http.MethodGet, Path: "/ops/reviews", Tags: []string{tagOperations},
		Summary: "List the unmatched results of all teams and of none, newest first",
	}, s.opsListReviews)
	register(s, readAll, huma.Operation{
		OperationID: "ops-get-review", Method: http.MethodGet, Path: "/ops/reviews/{raw_result_id}", Tags: []string{tagOperations},
		Summary: "Read an unmatched result", Errors: []int{http.StatusNotFound},
	}, s.opsGetReview)
	register(s, changeAll, huma.Operation{
		OperationID: "ops-accept-review", Method: http.MethodPost, Path: "/ops/reviews/{raw_result_id}/accept", Tags: []string{tagOperations},
		Summary: "Accept an unmatched result as that of an order", Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, s.opsAcceptReview)
	register(s, changeAll, huma.Operation{
		OperationID: "ops-resolve-review", Method: http.MethodPost, Path: "/ops/reviews/{raw_result_id}/resolve", Tags: []string{tagOperations},
		Summary: "Reject an unmatched result", Errors: []int{http.StatusNotFound},
	}, s.opsResolveReview)
}

func (s *server) opsListReviews(ctx context.Context, in *opsReviewsInput) (*body[OpsReviewsPage], error) {
	reviews, total, next, err := s.Store.Reviews(ctx, in.query(canonical(in.TeamID)))
	if err != nil {
		return nil, err
	}
	out := OpsReviewsPage{Data: make([]OpsReview, len(reviews)), NextCursor: cursor(next), Total: total}
	for i, r := range reviews {
		out.Data[i] = opsReview(r)
	}
	if err := s.auditRead(ctx, "ops.reviews.list", "", "", seenReviews(reviews)); err != nil {
		return nil, err
	}
	return answer(out), nil
}

func (s *server) opsGetReview(ctx context.Context, in *ReviewPath) (*body[OpsReview], error) {
	r, err := s.readReview(ctx, "", in.ID, "ops.review.read")
	if err != nil {
		return nil, err
	}
	return answer(opsReview(r)), nil
}

func (s *server) opsAcceptReview(ctx context.Context, in *acceptReviewInput) (*body[OpsOrder], error) {
	o, err := s.accept(ctx, "", in, lifecycle.Operations)
	if err != nil {
		return nil, err
	}
	out, err := opsOrder(o)
	if err != nil {
		return nil, err
	}
	return answer(out), nil
}

func (s *server) opsResolveReview(ctx context.Context, in *opsRejectInput) (*body[OpsReview], error) {
	r, err := s.resolve(ctx, "", in.ID, order.ReviewAction(in.Body.Action), in.Body.Note)
	if err != nil {
		return nil, err
	}
	return answer(opsReview(r)), nil
}

// opsReview allows operations what they may do, also while the client may decide.
func opsReview(r order.Review) OpsReview {
	out := OpsReview{UnmatchedResult: junction.FromReview(r), TeamID: r.TeamID, LabAccountID: r.LabAccountID, OrderNumber: r.OrderNumber}
	out.AllowedActions = []order.ReviewAction{}
	if r.Status.Open() {
		out.AllowedActions = []order.ReviewAction{order.ReviewAccept, order.ReviewReject}
	}
	return out
}
