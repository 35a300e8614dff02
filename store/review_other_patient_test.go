package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

var boris = &order.TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN", DOB: "1922-12-12"}

// recordShownReport stores a lab report of an order and records that the client sees it.
func recordShownReport(t *testing.T, s *Store, orderID string, r order.LabReport, hash string) {
	t.Helper()
	v, _, err := s.StoreLabReport(t.Context(), orderID, 1, r, hash, nil, nil)
	require.NoError(t, err)
	_, err = recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseCall(sqldb.NewID()), ResultID: v.ID},
		func(st order.State) order.Decision {
			return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
		})
	require.NoError(t, err)
}

// A report about somebody else, held by an order that waits for results, has a review. It ends when the lab reports on
// the patient.
func TestAReportAboutSomebodyElseHasAReview(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		moveTo(t, s, o.ID, lifecycle.DeliveredToLab)
		recordHeldReport(t, s, o.ID, reportOn("4.5", boris), "h1")
		all := reviewsOf(t, s, MatchReviewQuery{TeamID: o.TeamID, Code: order.MatchOtherPatient})
		require.Len(t, all, 1)
		require.Equal(t, order.MatchReviewPendingCustomer, all[0].Status)
		require.Equal(t, boris, all[0].Report.Patient)
		require.Empty(t, all[0].Match.BestOrderID(""), "somebody has to choose it knowingly")
		require.Equal(t, o.ID, all[0].Match.BestOrderID(o.UserID))
		require.Equal(t, lifecycle.DeliveredToLab, all[0].Match.Candidates[0].Status)
		_, err := s.NewestResult(t.Context(), o.TeamID, o.ID)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.ResultPDF(t.Context(), o.TeamID, o.ID)
		require.ErrorIs(t, err, ErrNotFound)
		require.Len(t, reviewsOf(t, s, MatchReviewQuery{Search: "otherman boris"}), 1)

		recordShownReport(t, s, o.ID, reportOn("5.1", ada), "h2")
		require.Empty(t, reviewsOf(t, s, MatchReviewQuery{}))
		require.Len(t, reviewsOf(t, s, MatchReviewQuery{Status: order.MatchReviewMatched}), 1)
		require.Len(t, reviewMessages(t, s, o.TeamID), 2)

		recordHeldReport(t, s, o.ID, reportOn("4.5", boris), "h3")
		require.Len(t, reviewsOf(t, s, MatchReviewQuery{}), 1, "a correction about somebody else")
	})
}

func TestReviewsOfCriticalReportsAreFirst(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		var want []string
		for _, interpretation := range []order.Interpretation{order.InterpretationCritical, order.InterpretationNormal,
			order.InterpretationCritical, order.InterpretationAbnormal} {
			o := addOrderOf(t, s, team)
			r := reportOn("4.5", boris)
			r.Interpretation = interpretation
			recordHeldReport(t, s, o.ID, r, sha256Hex(o.ID))
			want = append(want, o.ID)
		}
		var got []string
		for after := ""; ; {
			page, total, next, err := s.MatchReviews(t.Context(), MatchReviewQuery{TeamID: team, Limit: 1, After: after})
			require.NoError(t, err)
			require.Equal(t, 4, total)
			require.Len(t, page, 1)
			got = append(got, page[0].OrderID)
			if after = next; next == "" {
				break
			}
		}
		require.Equal(t, []string{want[2], want[0], want[3], want[1]}, got)
	})
}
