package store

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// accept does what an order's workflow does with an accepted report.
func accept(t testing.TB, s *Store, r order.Review, orderID string, fetched order.Fetched) Recorded {
	t.Helper()
	body, err := json.Marshal(order.Acceptance{ReviewID: r.ID, Note: "hers"})
	require.NoError(t, err)
	id := newID()
	require.NoError(t, s.AddDemand(t.Context(), DemandRow{ID: id, OrderID: orderID, Kind: order.DemandAccept, By: lifecycle.Client, Body: body}))
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseDemand(id), DemandID: id, ResultID: fetched.ResultID},
		func(st order.State) order.Decision {
			return order.Decision{Outcome: order.Applied, From: st.Status, Next: st}
		})
	require.NoError(t, err)
	kept, err := s.DemandBody(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, kept, "the note has moved to the review")
	return out
}

func TestAnAcceptedReportIsTheOrdersResult(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		endpoint := addEndpoint(t, s, o.TeamID)
		moveTo(t, s, o.ID, lifecycle.Cancelled)
		hold(t, s, o.ID, report("4.5"), "h1")
		r := reviewsOf(t, s, ReviewQuery{})[0]

		_, err := s.AcceptReview(t.Context(), newID(), r.ID, o.ID)
		require.ErrorIs(t, err, ErrNotFound, "another team's")
		asked, err := s.AcceptReview(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err)
		require.Equal(t, r.ResultID, asked.Fetched.ResultID, "it is a version already")
		require.True(t, asked.Fetched.Changed)
		require.False(t, asked.Again)
		again, err := s.AcceptReview(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err, "asked again after no answer")
		asked.Again = true
		require.Equal(t, asked, again, "by the same demand")

		other := addOrderOf(t, s, o.TeamID)
		_, err = s.AcceptReview(t.Context(), o.TeamID, r.ID, other.ID)
		require.ErrorIs(t, err, ErrAccepting)
		_, _, err = s.ResolveReview(t.Context(), o.TeamID, r.ID, order.ReviewReject, "")
		require.ErrorIs(t, err, ErrAccepting)
		require.NoError(t, s.ReleaseReview(t.Context(), r.ID, o.ID))
		moved, err := s.AcceptReview(t.Context(), o.TeamID, r.ID, other.ID)
		require.NoError(t, err)
		require.NotEqual(t, r.ResultID, moved.Fetched.ResultID)
		require.NotEqual(t, asked.DemandID, moved.DemandID)

		require.Equal(t, []string{endpoint}, accept(t, s, r, other.ID, moved.Fetched).Endpoints)
		got, err := s.Review(t.Context(), o.TeamID, r.ID)
		require.NoError(t, err)
		require.Equal(t, order.ReviewResolved, got.Status)
		require.Equal(t, order.ReviewAccept, got.Resolution)
		require.Equal(t, other.ID, got.ResolvedOrderID)
		require.Equal(t, other.UserID, got.ResolvedUserID)
		require.Equal(t, "hers", got.Note)
		v, err := s.NewestResult(t.Context(), o.TeamID, other.ID)
		require.NoError(t, err)
		require.Equal(t, "4.5", v.Report.Results[0].Text)
		pdf, err := s.ResultPDF(t.Context(), o.TeamID, other.ID)
		require.NoError(t, err)
		require.Equal(t, "%PDF h1", string(pdf))
		bodies := toldOfReviews(t, s, o.TeamID)
		require.Equal(t, other.ID, jsonPath(t, bodies[len(bodies)-1], "data", "resolved_order_id"))
		_, err = s.AcceptReview(t.Context(), "", r.ID, other.ID)
		require.ErrorIs(t, err, ErrNotFound, "it is resolved")
	})
}

// Operations decide what came through an account of all teams; the team learns of it with its order.
func TestAReviewOfNobodysTeamIsForOperations(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		account := addAccount(t, s, "", "mtl")
		o := addOrder(t, s)
		moveTo(t, s, o.ID, lifecycle.RequisitionCreated)
		r, endpoints := review(t, s, announce(t, s, account, "UNKNOWN"), tested("4.5", ada), "h1")
		require.Empty(t, endpoints)
		require.Equal(t, order.ReviewOps, r.Status)
		require.Equal(t, o.ID, r.Match.Target(""), "the orders of all teams are looked at")
		require.True(t, r.Match.OtherAccount)
		_, err := s.AcceptReview(t.Context(), o.TeamID, r.ID, o.ID)
		require.ErrorIs(t, err, ErrNotFound)
		asked, err := s.AcceptReview(t.Context(), "", r.ID, o.ID)
		require.NoError(t, err)
		accept(t, s, r, o.ID, asked.Fetched)
		got, err := s.Review(t.Context(), o.TeamID, r.ID)
		require.NoError(t, err)
		require.Equal(t, o.ID, got.ResolvedOrderID)
		require.Len(t, toldOfReviews(t, s, o.TeamID), 1)
	})
}

func TestUnsureHandsAReviewToOperations(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		r, _ := review(t, s, announce(t, s, addAccount(t, s, team, "mtl"), "UNKNOWN"), tested("4.5", nil), "h1")
		r, _, err := s.ResolveReview(t.Context(), team, r.ID, order.ReviewUnsure, "who is it?")
		require.NoError(t, err)
		require.Equal(t, order.ReviewOps, r.Status)
		_, _, err = s.ResolveReview(t.Context(), team, r.ID, order.ReviewReject, "")
		require.ErrorIs(t, err, ErrNotFound, "it is not the client's any more")
		r, _, err = s.ResolveReview(t.Context(), "", r.ID, order.ReviewReject, "")
		require.NoError(t, err)
		require.Equal(t, order.ReviewResolved, r.Status)
		require.Equal(t, "who is it?", r.Note)
	})
}

// The lab corrects itself between the acceptance and its recording: nobody has decided about the correction.
func TestAnAcceptanceDoesNotSettleALaterVersion(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		moveTo(t, s, o.ID, lifecycle.Cancelled)
		hold(t, s, o.ID, report("4.5"), "h1")
		r := reviewsOf(t, s, ReviewQuery{})[0]
		asked, err := s.AcceptReview(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err)
		hold(t, s, o.ID, report("4.6"), "h2")
		accept(t, s, r, o.ID, asked.Fetched)
		v, err := s.NewestResult(t.Context(), o.TeamID, o.ID)
		require.NoError(t, err)
		require.Equal(t, "4.5", v.Report.Results[0].Text)
		later, err := s.Review(t.Context(), o.TeamID, r.ID)
		require.NoError(t, err)
		require.Equal(t, order.ReviewCustomer, later.Status)
		require.Equal(t, "4.6", later.Report.Results[0].Text)
		asked, err = s.AcceptReview(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err)
		accept(t, s, r, o.ID, asked.Fetched)
		require.Empty(t, reviewsOf(t, s, ReviewQuery{}))
	})
}
