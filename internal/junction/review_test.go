package junction_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// undecidedReview returns a match review of a lab report that names no order and whose patient has two orders.
func undecidedReview() order.MatchReview {
	return order.MatchReview{
		ID: "0c3a6a3e-9b5c-4f3a-8f44-0d8f0a9f2f11", TeamID: "7e504b87-ff19-400c-933b-e43c5fdfdefa",
		Lab:    order.Lab{ID: 27, Slug: "mtl", Name: "Molecular Testing Labs"},
		Status: order.MatchReviewPendingCustomer,
		Match: order.Match{Code: order.MatchMultipleOrders, OtherAccount: true, Candidates: []order.Candidate{
			{
				OrderID: "84d96c03-6b1c-4226-ad8f-ef44a6bc08af", TransactionID: "6424dd45-ee1a-49c6-ad0c-5769b8e03fc1",
				UserID: "3fa85f64-5717-4562-b3fc-2c963f66afa6", Confidence: order.ConfidenceMedium,
				Status: lifecycle.DeliveredToLab,
				Reasons: []order.MatchReason{order.MatchReasonSamePatient, order.MatchReasonSameLab, order.MatchReasonOtherAccount,
					order.MatchReasonMarkersPartial},
				Overlap: &order.Overlap{Reported: 2, Ordered: 3, Shared: 1},
			},
			{
				OrderID: "1ed9c8d7-e1b4-4d61-8123-0f99de5ae99a", TransactionID: "9424dd45-ee1a-49c6-ad0c-5769b8e03fc1",
				UserID: "3fa85f64-5717-4562-b3fc-2c963f66afa6", Confidence: order.ConfidenceMedium, Status: lifecycle.TransitLab,
				Reasons: []order.MatchReason{order.MatchReasonSamePatient, order.MatchReasonSameLab},
			},
		}},
		Report: order.LabReport{
			Status: "final", Interpretation: order.InterpretationAbnormal,
			Patient: &order.TestedPatient{FirstName: "Ann", LastName: "Lee", DOB: "1990-01-01"},
			Results: []order.Result{{Name: "HDL Cholesterol", ProviderID: ptr("011817")}},
			Missing: []order.MissingMarker{{Name: "Triglycerides"}},
		},
		CreatedAt: orderCreatedAt, UpdatedAt: orderCreatedAt.Add(time.Hour),
	}
}

func mustEncode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func TestFromReview(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, string(readFixture(t, "unmatched_result.json")),
		mustEncode(t, junction.FromMatchReview(undecidedReview())))
}

func TestFromDecidedReview(t *testing.T) {
	t.Parallel()
	r := undecidedReview()
	r.Status, r.Resolution, r.Note, r.ReviewedAt = order.MatchReviewResolved, order.MatchReviewAccept, "hers",
		orderCreatedAt.Add(2*time.Hour)
	r.ResolvedUserID, r.ResolvedOrderID = r.Match.Candidates[0].UserID, r.Match.Candidates[0].OrderID
	r.Report.Patient, r.Match.Candidates = nil, nil
	out := junction.FromMatchReview(r)
	require.Nil(t, out.Patient)
	require.Equal(t, []order.MatchReviewAction{}, out.AllowedActions)
	require.Equal(t, []junction.MatchReviewCandidateGroup{}, out.CandidateGroups)
	require.Equal(t, order.MatchReviewAccept, *out.ResolutionAction)
	require.Equal(t, r.ReviewedAt, *out.ReviewedAt)
	body, err := junction.RenderMatchReview(r)
	require.NoError(t, err)
	require.JSONEq(t, string(readFixture(t, "match_review.json")), string(body))
}

// A date of birth is stored as the lab sent it. If it is not a date, clients do not get it.
func TestFromReviewWithAnUnreadableDayOfBirth(t *testing.T) {
	t.Parallel()
	r := undecidedReview()
	r.Report.Patient.DOB = "01/01/90"
	require.Nil(t, junction.FromMatchReview(r).Patient.DOB)
}

func TestEveryDecisionCodeHasAReason(t *testing.T) {
	t.Parallel()
	for _, code := range []order.MatchCode{
		order.MatchSampleID, order.MatchCompleted, order.MatchCancelled, order.MatchWrongCollection, order.MatchWrongLab,
		order.MatchMultipleOrders,
		order.MatchOtherPatient, order.MatchPatientOnly, order.MatchNone,
	} {
		require.NotEmpty(t, junction.FromMatchReview(order.MatchReview{Match: order.Match{Code: code}}).Reason, code)
	}
}
