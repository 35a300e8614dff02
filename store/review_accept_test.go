package store

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// recordAcceptance does what an order's workflow does with an accepted lab report.
func recordAcceptance(t testing.TB, s *Store, r order.MatchReview, orderID string,
	fetched order.FetchOutcome) RecordResult {
	t.Helper()
	body, err := json.Marshal(order.MatchReviewAcceptance{ReviewID: r.ID, Note: "hers"})
	require.NoError(t, err)
	id := sqldb.NewID()
	require.NoError(t, s.AddDemand(t.Context(), DemandRow{ID: id, OrderID: orderID, Kind: order.DemandAcceptResults,
		By: lifecycle.Client, Body: body}))
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseDemand(id), DemandID: id,
		ResultID: fetched.ResultID},
		func(st order.State) order.Decision {
			return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
		})
	require.NoError(t, err)
	kept, err := s.DemandBody(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, kept, "the note has moved to the review")
	return out
}

func TestAnAcceptedReportIsTheOrdersResult(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		endpoint := addEndpoint(t, s, o.TeamID)
		moveTo(t, s, o.ID, lifecycle.Cancelled)
		recordHeldReport(t, s, o.ID, newReport("4.5"), "h1")
		r := reviewsOf(t, s, MatchReviewQuery{})[0]

		_, err := s.PrepareReviewAcceptance(t.Context(), sqldb.NewID(), r.ID, o.ID)
		require.ErrorIs(t, err, ErrNotFound, "another team's")
		asked, err := s.PrepareReviewAcceptance(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err)
		require.Equal(t, r.ResultID, asked.Fetched.ResultID, "it is a version already")
		require.True(t, asked.Fetched.Changed)
		require.False(t, asked.IsRetry)
		again, err := s.PrepareReviewAcceptance(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err, "accepted again without an answer")
		asked.IsRetry = true
		require.Equal(t, asked, again, "by the same demand")

		other := addOrderOf(t, s, o.TeamID)
		_, err = s.PrepareReviewAcceptance(t.Context(), o.TeamID, r.ID, other.ID)
		require.ErrorIs(t, err, ErrAcceptanceInProgress)
		_, _, err = s.ResolveMatchReview(t.Context(), o.TeamID, r.ID, order.MatchReviewReject, "")
		require.ErrorIs(t, err, ErrAcceptanceInProgress)
		require.NoError(t, s.CancelReviewAcceptance(t.Context(), r.ID, o.ID))
		moved, err := s.PrepareReviewAcceptance(t.Context(), o.TeamID, r.ID, other.ID)
		require.NoError(t, err)
		require.NotEqual(t, r.ResultID, moved.Fetched.ResultID)
		require.NotEqual(t, asked.DemandID, moved.DemandID)

		require.Equal(t, []string{endpoint}, recordAcceptance(t, s, r, other.ID, moved.Fetched).EndpointsToNudge)
		got, err := s.MatchReview(t.Context(), o.TeamID, r.ID)
		require.NoError(t, err)
		require.Equal(t, order.MatchReviewResolved, got.Status)
		require.Equal(t, order.MatchReviewAccept, got.Resolution)
		require.Equal(t, other.ID, got.ResolvedOrderID)
		require.Equal(t, other.UserID, got.ResolvedUserID)
		require.Equal(t, "hers", got.Note)
		v, err := s.NewestResult(t.Context(), o.TeamID, other.ID)
		require.NoError(t, err)
		require.Equal(t, "4.5", v.Report.Results[0].Text)
		pdf, err := s.ResultPDF(t.Context(), o.TeamID, other.ID)
		require.NoError(t, err)
		require.Equal(t, "%PDF h1", string(pdf))
		bodies := reviewMessages(t, s, o.TeamID)
		require.Equal(t, other.ID, jsonPath(t, bodies[len(bodies)-1], "data", "resolved_order_id"))
		_, err = s.PrepareReviewAcceptance(t.Context(), "", r.ID, other.ID)
		require.ErrorIs(t, err, ErrNotFound, "it is resolved")
	})
}

// Operations decide lab reports of an account for all teams. The team sees the review after its order has accepted the
// report.
func TestAReviewWithoutATeamIsForOperations(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		account := addAccount(t, s, "", "mtl")
		o := addOrder(t, s)
		moveTo(t, s, o.ID, lifecycle.RequisitionCreated)
		r, endpoints := openUnmatchedReview(t, s, receiveReportReady(t, s, account, "UNKNOWN"), reportOn("4.5", ada), "h1")
		require.Empty(t, endpoints)
		require.Equal(t, order.MatchReviewPendingOps, r.Status)
		require.Equal(t, o.ID, r.Match.BestOrderID(""), "the report is compared with the orders of all teams")
		require.True(t, r.Match.OtherAccount)
		_, err := s.PrepareReviewAcceptance(t.Context(), o.TeamID, r.ID, o.ID)
		require.ErrorIs(t, err, ErrNotFound)
		asked, err := s.PrepareReviewAcceptance(t.Context(), "", r.ID, o.ID)
		require.NoError(t, err)
		recordAcceptance(t, s, r, o.ID, asked.Fetched)
		got, err := s.MatchReview(t.Context(), o.TeamID, r.ID)
		require.NoError(t, err)
		require.Equal(t, o.ID, got.ResolvedOrderID)
		require.Len(t, reviewMessages(t, s, o.TeamID), 1)
	})
}

func TestUnsureHandsAReviewToOperations(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		r, _ := openUnmatchedReview(t, s, receiveReportReady(t, s, addAccount(t, s, team, "mtl"), "UNKNOWN"),
			reportOn("4.5", nil), "h1")
		r, _, err := s.ResolveMatchReview(t.Context(), team, r.ID, order.MatchReviewUnsure, "who is it?")
		require.NoError(t, err)
		require.Equal(t, order.MatchReviewPendingOps, r.Status)
		_, _, err = s.ResolveMatchReview(t.Context(), team, r.ID, order.MatchReviewReject, "")
		require.ErrorIs(t, err, ErrNotFound, "it is left to operations")
		r, _, err = s.ResolveMatchReview(t.Context(), "", r.ID, order.MatchReviewReject, "")
		require.NoError(t, err)
		require.Equal(t, order.MatchReviewResolved, r.Status)
		require.Equal(t, "who is it?", r.Note)
	})
}

// The lab sends a correction between the acceptance and its recording. The correction is not decided.
func TestAnAcceptanceDoesNotResolveALaterVersion(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		moveTo(t, s, o.ID, lifecycle.Cancelled)
		recordHeldReport(t, s, o.ID, newReport("4.5"), "h1")
		r := reviewsOf(t, s, MatchReviewQuery{})[0]
		asked, err := s.PrepareReviewAcceptance(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err)
		recordHeldReport(t, s, o.ID, newReport("4.6"), "h2")
		recordAcceptance(t, s, r, o.ID, asked.Fetched)
		v, err := s.NewestResult(t.Context(), o.TeamID, o.ID)
		require.NoError(t, err)
		require.Equal(t, "4.5", v.Report.Results[0].Text)
		later, err := s.MatchReview(t.Context(), o.TeamID, r.ID)
		require.NoError(t, err)
		require.Equal(t, order.MatchReviewPendingCustomer, later.Status)
		require.Equal(t, "4.6", later.Report.Results[0].Text)
		asked, err = s.PrepareReviewAcceptance(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err)
		recordAcceptance(t, s, r, o.ID, asked.Fetched)
		require.Empty(t, reviewsOf(t, s, MatchReviewQuery{}))
	})
}
