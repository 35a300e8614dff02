package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// UnmatchedResultsResponse is a page of unmatched results.
type UnmatchedResultsResponse struct {
	Data       []junction.UnmatchedResult `json:"data" nullable:"false"`
	NextCursor *string                    `json:"next_cursor" doc:"Null on the last page."`
	Total      int                        `json:"total"`
}

// ReviewQuery selects unmatched results. It is exported because huma ignores unexported fields.
type ReviewQuery struct {
	Limit      int    `query:"limit" minimum:"1" default:"50" doc:"At most 100 are returned."`
	NextCursor string `query:"next_cursor" format:"uuid"`

	DecisionCode string `query:"decision_code" enum:"match_sample_id,match_completed,match_cancelled,wrong_collection,wrong_lab,multiple_demo_match,match_sample_id_mismatch_demo,match_demo,no_match"`

	LabSlug        string `query:"lab_slug" maxLength:"100"`
	Status         string `query:"status" enum:"pending_customer_review,pending_ops_review,resolved"`
	CreatedAtStart string `query:"created_at_start" format:"date" doc:"UTC, inclusive."`
	CreatedAtEnd   string `query:"created_at_end" format:"date" doc:"UTC, inclusive."`
	SearchInput    string `query:"search_input" maxLength:"200" doc:"Words of the patient's name, or a date of birth."`
}

// toMatchReviewQuery returns the store's query. An empty team means all teams.
func (q ReviewQuery) toMatchReviewQuery(teamID string) store.MatchReviewQuery {
	by := store.MatchReviewQuery{
		TeamID: teamID, Status: order.MatchReviewStatus(q.Status), Code: order.MatchCode(q.DecisionCode),
		LabSlug: q.LabSlug, Search: q.SearchInput, After: canonicalUUID(q.NextCursor), Limit: q.Limit,
	}
	if day := parseValidDate(&q.CreatedAtStart); day != nil {
		by.Since = day.Start(time.UTC)
	}
	if day := parseValidDate(&q.CreatedAtEnd); day != nil {
		by.Before = day.Start(time.UTC).AddDate(0, 0, 1)
	}
	return by
}

type reviewsInput struct {
	ReviewQuery
}

// ReviewPath names an unmatched result.
type ReviewPath struct {
	ID string `path:"raw_result_id" format:"uuid"`
}

func (s *server) reviewRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "list-unmatched-results", Method: http.MethodGet, Path: "/v3/unmatched_result",
		Tags:    []string{tagResults},
		Summary: "List results that could not be matched to an order with certainty, newest first",
	}, s.listReviews)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-unmatched-result", Method: http.MethodGet, Path: "/v3/unmatched_result/{raw_result_id}",
		Tags:    []string{tagResults},
		Summary: "Read an unmatched result", Errors: []int{http.StatusNotFound},
	}, s.getReview)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "accept-unmatched-result", Method: http.MethodPost,
		Path: "/v3/unmatched_result/{raw_result_id}/accept",
		Tags: []string{tagResults}, Summary: "Accept an unmatched result as the result of an order",
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, s.acceptReview)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "resolve-unmatched-result", Method: http.MethodPost,
		Path: "/v3/unmatched_result/{raw_result_id}/resolve",
		Tags: []string{tagResults}, Summary: "Reject an unmatched result, or leave the decision to operations",
		Errors: []int{http.StatusNotFound},
	}, s.resolveReview)
}

func (s *server) listReviews(ctx context.Context, in *reviewsInput) (*body[UnmatchedResultsResponse], error) {
	team := callerOf(ctx).team.ID
	reviews, total, next, err := s.Store.MatchReviews(ctx, in.toMatchReviewQuery(team))
	if err != nil {
		return nil, err
	}
	out := UnmatchedResultsResponse{Data: make([]junction.UnmatchedResult, len(reviews)), NextCursor: nilIfEmpty(next),
		Total: total}
	for i, r := range reviews {
		out.Data[i] = junction.FromMatchReview(r)
	}
	if err := s.appendReadAudit(ctx, "reviews.list", team, "", reviewIDsDetail(reviews)); err != nil {
		return nil, err
	}
	return newAnswer(out), nil
}

// nilIfEmpty returns nil for an empty text.
func nilIfEmpty(next string) *string {
	if next == "" {
		return nil
	}
	return &next
}

func reviewIDsDetail(reviews []order.MatchReview) string {
	seen := make([]string, len(reviews))
	for i, r := range reviews {
		seen[i] = r.ID
	}
	return "reviews=" + strings.Join(seen, ",")
}

func (s *server) getReview(ctx context.Context, in *ReviewPath) (*body[junction.UnmatchedResult], error) {
	r, err := s.readReviewAudited(ctx, callerOf(ctx).team.ID, in.ID, "review.read")
	if err != nil {
		return nil, err
	}
	return newAnswer(junction.FromMatchReview(r)), nil
}

// readReviewAudited reads a match review and adds the reading to the audit.
func (s *server) readReviewAudited(ctx context.Context, teamID, id, action string) (order.MatchReview, error) {
	r, err := s.Store.MatchReview(ctx, teamID, canonicalUUID(id))
	if err != nil {
		return r, mapNotFound(err, "Unmatched result")
	}
	return r, s.appendReadAudit(ctx, action, r.TeamID, r.OrderID, "review="+r.ID)
}

func (s *server) acceptReview(ctx context.Context, in *acceptReviewInput) (*body[junction.ClientFacingOrder], error) {
	o, err := s.acceptReviewOnto(ctx, callerOf(ctx).team.ID, in, lifecycle.Client)
	if err != nil {
		return nil, err
	}
	return newAnswer(junction.FromOrder(*o)), nil
}

func (s *server) resolveReview(ctx context.Context, in *resolveReviewInput) (*body[junction.UnmatchedResult], error) {
	r, err := s.resolveReviewAs(ctx, callerOf(ctx).team.ID, in.ID, order.MatchReviewAction(in.Body.Action), in.Body.Note)
	if err != nil {
		return nil, err
	}
	return newAnswer(junction.FromMatchReview(r)), nil
}
