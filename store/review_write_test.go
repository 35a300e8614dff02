package store

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// recordHeldReport stores a lab report of an order that has ended, and records that it is held.
func recordHeldReport(t testing.TB, s *Store, orderID string, r order.LabReport, hash string) RecordResult {
	t.Helper()
	v, _, err := s.StoreLabReport(t.Context(), orderID, 1, r, hash, []byte("raw "+hash), []byte("%PDF "+hash))
	require.NoError(t, err)
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseCall(sqldb.NewID()),
		HeldResultID: v.ID},
		func(st order.State) order.Decision {
			return order.Decision{Outcome: order.OutcomeRefused, Reason: order.ReasonOrderEnded, From: st.Status, Next: st}
		})
	require.NoError(t, err)
	return out
}

// reportOn returns a lab report about a patient.
func reportOn(text string, who *order.TestedPatient) order.LabReport {
	r := newReport(text)
	r.Patient = who
	return r
}

var ada = &order.TestedPatient{FirstName: "ADA", LastName: "Lovelace", DOB: "1990-03-01"}

// addAccount adds a lab account at the lab of the test orders.
func addAccount(t testing.TB, s *Store, teamID, slug string) string {
	t.Helper()
	a := LabAccount{ID: sqldb.NewID(), TeamID: teamID, LabSlug: slug, Partner: "molecular", Environment: Sandbox,
		Status: "active"}
	require.NoError(t, s.PutLabAccount(t.Context(), a))
	return a.ID
}

// receiveReportReady stores an item report_ready for an unknown order.
func receiveReportReady(t testing.TB, s *Store, accountID, number string) ReceivedItem {
	t.Helper()
	r := labReport(number, order.Fact{Kind: order.FactReportReady})
	r.LabAccountID = accountID
	in, err := s.StoreInboxItem(t.Context(), r)
	require.NoError(t, err)
	return in
}

// openUnmatchedReview fetches the announced lab report and returns the newest review.
func openUnmatchedReview(t testing.TB, s *Store, in ReceivedItem, r order.LabReport,
	hash string) (order.MatchReview, []string) {
	t.Helper()
	endpoints, err := s.OpenUnmatchedReportReview(t.Context(),
		FetchedUnmatchedReport{InboxID: in.ID, Report: r, Hash: hash, Raw: []byte("raw " + hash),
			PDF: []byte("%PDF " + hash)})
	require.NoError(t, err)
	all := reviewsOf(t, s, MatchReviewQuery{})
	require.NotEmpty(t, all)
	return all[0], endpoints
}

func reviewsOf(t testing.TB, s *Store, by MatchReviewQuery) []order.MatchReview {
	t.Helper()
	all, _, _, err := s.MatchReviews(t.Context(), by)
	require.NoError(t, err)
	return all
}

// reviewMessages returns the bodies of a team's webhook messages about reviews, oldest first.
func reviewMessages(t testing.TB, s *Store, teamID string) [][]byte {
	t.Helper()
	type message struct {
		id   string
		body []byte
	}
	all, err := sqldb.QueryAll(t.Context(), s.db.Reader, func(row sqldb.Scanner) (m message, err error) {
		err = row.Scan(&m.id, &m.body)
		return m, err
	}, `SELECT id, body FROM messages WHERE team_id = $1 AND event_type LIKE 'labtest.match_review.%' ORDER BY id`, teamID)
	require.NoError(t, err)
	var out [][]byte
	for _, m := range all {
		body, err := s.keys.Open(sealContext("messages", m.id, "body"), m.body)
		require.NoError(t, err)
		out = append(out, body)
	}
	return out
}

func TestResultsThatAreHeldBackOpenAReviewOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status lifecycle.LowStatus
		code   order.MatchCode
	}{
		"cancelled": {lifecycle.Cancelled, order.MatchCancelled},
		"stopped":   {lifecycle.DoNotProcess, order.MatchCancelled},
		"completed": {lifecycle.Completed, order.MatchCompleted},
		"failed":    {lifecycle.SampleError, order.MatchSampleID},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachEngine(t, func(t *testing.T, s *Store) {
				o := addOrder(t, s)
				endpoint := addEndpoint(t, s, o.TeamID)
				moveTo(t, s, o.ID, tt.status)
				require.Equal(t, []string{endpoint}, recordHeldReport(t, s, o.ID, newReport("4.5"), "h1").EndpointsToNudge)
				all := reviewsOf(t, s, MatchReviewQuery{TeamID: o.TeamID})
				require.Len(t, all, 1)
				r := all[0]
				require.Equal(t, order.MatchReviewPendingCustomer, r.Status)
				require.Equal(t, tt.code, r.Match.Code)
				require.Equal(t, o.Number, r.OrderNumber)
				require.Equal(t, o.ID, r.Match.BestOrderID(""))
				require.Equal(t, tt.status, r.Match.Candidates[0].Status)
				require.Contains(t, r.Match.Candidates[0].Reasons, order.MatchReasonSameSample)
				require.Equal(t, o.ID, r.OrderID)
				require.Equal(t, o.ID, r.Match.Candidates[0].OrderID)
				require.Equal(t, o.UserID, r.Match.Candidates[0].UserID)

				require.Empty(t, recordHeldReport(t, s, o.ID, newReport("4.5"), "h1").EndpointsToNudge,
					"the same version changes nothing")
				recordHeldReport(t, s, o.ID, newReport("4.6"), "h2")
				again := reviewsOf(t, s, MatchReviewQuery{})
				require.Len(t, again, 1)
				require.Equal(t, r.ID, again[0].ID)
				require.Equal(t, "4.6", again[0].Report.Results[0].Text)

				bodies := reviewMessages(t, s, o.TeamID)
				require.Len(t, bodies, 2)
				require.Equal(t, "labtest.match_review.created", jsonPath(t, bodies[0], "event_type"))
				require.Equal(t, o.UserID, jsonPath(t, bodies[0], "user_id"))
				require.Equal(t, r.ID, jsonPath(t, bodies[0], "data", "id"))
				require.Equal(t, "labtest.match_review.updated", jsonPath(t, bodies[1], "event_type"))
			})
		})
	}
}

// A report that the client sees already is not reviewed again when no other version is open.
func TestAReviewDoesNotOpenForWhatWasAccepted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		moveTo(t, s, o.ID, lifecycle.Cancelled)
		recordHeldReport(t, s, o.ID, newReport("4.5"), "h1")
		r := reviewsOf(t, s, MatchReviewQuery{})[0]
		asked, err := s.PrepareReviewAcceptance(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err)
		require.Equal(t, r.ResultID, asked.Fetched.HeldID)
		recordAcceptance(t, s, r, o.ID, asked.Fetched)
		webhooks := len(reviewMessages(t, s, o.TeamID))
		recordHeldReport(t, s, o.ID, newReport("4.5"), "h1")
		require.Empty(t, reviewsOf(t, s, MatchReviewQuery{}), "it is accepted")

		recordHeldReport(t, s, o.ID, newReport("4.6"), "h2")
		require.Len(t, reviewsOf(t, s, MatchReviewQuery{}), 1, "it is new")
		recordHeldReport(t, s, o.ID, newReport("4.5"), "h1")
		require.Equal(t, "4.5", reviewsOf(t, s, MatchReviewQuery{})[0].Report.Results[0].Text, "the lab has withdrawn it")
		recordHeldReport(t, s, o.ID, newReport("4.6"), "h2")
		_, _, err = s.ResolveMatchReview(t.Context(), o.TeamID, r.ID, order.MatchReviewReject, "")
		require.NoError(t, err)
		require.Len(t, reviewMessages(t, s, o.TeamID), webhooks+4)
		recordHeldReport(t, s, o.ID, newReport("4.6"), "h2")
		recordHeldReport(t, s, o.ID, newReport("4.5"), "h1")
		require.Empty(t, reviewsOf(t, s, MatchReviewQuery{}), "the one is rejected, and the other accepted")
		require.Len(t, reviewMessages(t, s, o.TeamID), webhooks+4)
		recordHeldReport(t, s, o.ID, newReport("4.7"), "h3")
		require.Len(t, reviewsOf(t, s, MatchReviewQuery{}), 1)
	})
}

func TestAnUnmatchedReportIsComparedWithTheTeamsOrders(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		account := addAccount(t, s, team, "mtl")
		at := func(o *order.Order) { o.LabAccountID = account }
		elsewhere := addOrder(t, s, at) // of another team, with the same patient
		moveTo(t, s, elsewhere.ID, lifecycle.RequisitionCreated)

		r, _ := openUnmatchedReview(t, s, receiveReportReady(t, s, account, "UNKNOWN-1"), reportOn("4.5", ada), "h1")
		require.Equal(t, order.MatchNone, r.Match.Code)
		require.Empty(t, r.Match.Candidates)
		require.Empty(t, r.ResolvedUserID)
		require.Equal(t, team, r.TeamID)
		require.Equal(t, ada, r.Report.Patient)

		o := addOrderOf(t, s, team, at)
		r, _ = openUnmatchedReview(t, s, receiveReportReady(t, s, account, "UNKNOWN-2"), reportOn("4.5", ada), "h2")
		require.Equal(t, order.MatchWrongCollection, r.Match.Code)
		moveTo(t, s, o.ID, lifecycle.RequisitionCreated)
		r, _ = openUnmatchedReview(t, s, receiveReportReady(t, s, account, "UNKNOWN-3"), reportOn("4.5", ada), "h3")
		require.Equal(t, order.MatchPatientOnly, r.Match.Code)
		require.Equal(t, o.ID, r.Match.BestOrderID(""))
		require.Equal(t, &order.Overlap{Reported: 1, Ordered: 1, Shared: 1}, r.Match.Candidates[0].Overlap)

		r, _ = openUnmatchedReview(t, s, receiveReportReady(t, s, account, " "+o.Number[:4]+"-"+o.Number[4:]),
			reportOn("4.5", ada), "h4")
		require.Equal(t, order.MatchSampleID, r.Match.Code)
		r, _ = openUnmatchedReview(t, s, receiveReportReady(t, s, account, o.Number+" "),
			reportOn("4.5", &order.TestedPatient{FirstName: "Grace", LastName: "Hopper", DOB: "1906-12-09"}), "h5")
		require.Equal(t, order.MatchOtherPatient, r.Match.Code)
		require.Empty(t, r.Match.BestOrderID(""), "somebody has to choose it knowingly")

		addOrderOf(t, s, team, at)
		second := addOrderOf(t, s, team, at)
		moveTo(t, s, second.ID, lifecycle.RequisitionCreated)
		r, _ = openUnmatchedReview(t, s, receiveReportReady(t, s, account, "UNKNOWN-4"), reportOn("4.5", ada), "h6")
		require.Equal(t, order.MatchMultipleOrders, r.Match.Code)
		require.Len(t, r.Match.Candidates, 3)
		require.Equal(t, second.ID, r.Match.BestOrderID(second.UserID))
		require.Len(t, reviewMessages(t, s, team), 6)
	})
}

// The lab repeats its report, and the sweep is interrupted and starts again: there is one review. A later version
// updates it, whatever was decided.
func TestAReportIsReviewedOnce(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		account := addAccount(t, s, team, "mtl")
		in := receiveReportReady(t, s, account, "UNKNOWN")
		first, _ := openUnmatchedReview(t, s, in, reportOn("4.5", nil), "h1")
		openUnmatchedReview(t, s, in, reportOn("4.5", nil), "h1")
		openUnmatchedReview(t, s, receiveReportReady(t, s, account, "UNKNOWN"), reportOn("4.5", nil), "h1")
		require.Len(t, reviewMessages(t, s, team), 1)

		rejected, _, err := s.ResolveMatchReview(t.Context(), team, first.ID, order.MatchReviewReject, "not ours")
		require.NoError(t, err)
		require.Equal(t, order.MatchReviewResolved, rejected.Status)
		require.Equal(t, "not ours", rejected.Note)
		require.False(t, rejected.ReviewedAt.IsZero())
		require.Empty(t, reviewsOf(t, s, MatchReviewQuery{TeamID: team}), "what is resolved is left out")
		require.Len(t, reviewsOf(t, s, MatchReviewQuery{TeamID: team, Status: order.MatchReviewResolved}), 1)

		again, _ := openUnmatchedReview(t, s, receiveReportReady(t, s, account, "UNKNOWN"), reportOn("4.7", nil), "h2")
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, order.MatchReviewPendingCustomer, again.Status)
		require.Empty(t, again.Resolution)
		require.Empty(t, again.Note)
		require.Len(t, reviewMessages(t, s, team), 3)
	})
}

func TestUnmatchedReportsAreAskedForUntilTheyAreGivenUp(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		account := addAccount(t, s, "", "mtl")
		now := s.now().Add(time.Second)
		waiting := func(receivedBefore, at time.Time) []UnmatchedResultFetch {
			rows, err := s.DueUnmatchedResultFetches(t.Context(), receivedBefore, at, 10)
			require.NoError(t, err)
			return rows
		}
		in := receiveReportReady(t, s, account, "UNKNOWN")
		receiveReportReady(t, s, "", "SHARED")                                            // cannot be fetched
		receiveFact(t, s, "OTHER", order.Fact{Kind: order.FactKitReceived})               // announces no lab report
		receiveFact(t, s, addOrder(t, s).Number, order.Fact{Kind: order.FactReportReady}) // its order is known
		require.Empty(t, waiting(now.Add(-time.Minute), now), "its order may be created later")
		require.Equal(t, []UnmatchedResultFetch{{InboxID: in.ID, AccountID: account, OrderNumber: "UNKNOWN"}},
			waiting(now, now))

		next := now.Add(time.Hour)
		require.NoError(t, s.RescheduleUnmatchedResultFetch(t.Context(), in.ID, next))
		require.Empty(t, waiting(now, now))
		require.Equal(t, 1, waiting(now, next)[0].Tries)
		require.NoError(t, s.RescheduleUnmatchedResultFetch(t.Context(), in.ID, time.Time{}))
		require.Empty(t, waiting(next, next))
		row, err := s.InboxItem(t.Context(), in.ID)
		require.NoError(t, err)
		require.Equal(t, InboxUnmatched, row.State)
		require.Equal(t, codeReportNotFound, row.ReasonCode)
		require.Equal(t, account, row.LabAccountID)
	})
}

// The order was created later than its item. Its workflow fetches the results itself.
func TestAReviewEndsWhenItsOrderIsMatched(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		account := addAccount(t, s, team, "mtl")
		r, _ := openUnmatchedReview(t, s, receiveReportReady(t, s, account, "LATECOMER"), reportOn("4.5", nil), "h1")
		o := addOrderOf(t, s, team, func(o *order.Order) { o.Number, o.LabAccountID = "LATECOMER", account })
		got, err := s.MatchReview(t.Context(), team, r.ID)
		require.NoError(t, err)
		require.Equal(t, order.MatchReviewMatched, got.Status)
		require.Len(t, reviewMessages(t, s, team), 2)
		_, err = s.PrepareReviewAcceptance(t.Context(), team, r.ID, o.ID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestReviewsAreFoundAndPaged(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx, team := t.Context(), addTeam(t, s).ID
		require.NoError(t, s.PutLab(ctx, order.Lab{ID: 27, Slug: "mtl", Name: "Molecular"}))
		mtl, crl := addAccount(t, s, team, "mtl"), addAccount(t, s, team, "crl")
		hers, _ := openUnmatchedReview(t, s, receiveReportReady(t, s, mtl, "A"), reportOn("1", ada), "h1")
		his, _ := openUnmatchedReview(t, s, receiveReportReady(t, s, crl, "B"),
			reportOn("2", &order.TestedPatient{FirstName: "Alan", LastName: "Turing", DOB: "1912-06-23"}), "h2")
		nobodys, _ := openUnmatchedReview(t, s, receiveReportReady(t, s, mtl, "C"), reportOn("3", nil), "h3")
		require.Equal(t, order.Lab{ID: 27, Slug: "mtl", Name: "Molecular"}, hers.Lab)
		require.Equal(t, order.Lab{Slug: "crl", Name: "crl"}, his.Lab)

		found := func(by MatchReviewQuery) (ids []string) {
			by.TeamID = team
			for _, r := range reviewsOf(t, s, by) {
				ids = append(ids, r.ID)
			}
			return ids
		}
		all := []string{nobodys.ID, his.ID, hers.ID}
		require.Equal(t, all, found(MatchReviewQuery{}))
		require.Equal(t, []string{hers.ID}, found(MatchReviewQuery{Search: "lovelace"}))
		require.Equal(t, []string{hers.ID}, found(MatchReviewQuery{Search: "Ada  LOVELACE."}))
		require.Equal(t, []string{his.ID}, found(MatchReviewQuery{Search: "1912-06-23"}))
		require.Empty(t, found(MatchReviewQuery{Search: "love"}), "whole words only")
		require.Empty(t, found(MatchReviewQuery{Search: "!"}))
		require.Equal(t, []string{his.ID}, found(MatchReviewQuery{LabSlug: "crl"}))
		require.Equal(t, all, found(MatchReviewQuery{Code: order.MatchNone, Status: order.MatchReviewPendingCustomer}))
		require.Empty(t, found(MatchReviewQuery{Code: order.MatchPatientOnly}))
		require.Empty(t, found(MatchReviewQuery{Before: hers.CreatedAt}))
		require.Equal(t, all, found(MatchReviewQuery{Since: hers.CreatedAt}))

		var paged []string
		for after := ""; ; {
			page, total, next, err := s.MatchReviews(ctx, MatchReviewQuery{TeamID: team, Limit: 2, After: after})
			require.NoError(t, err)
			require.Equal(t, 3, total)
			for _, r := range page {
				paged = append(paged, r.ID)
			}
			if after = next; next == "" {
				break
			}
		}
		require.Equal(t, all, paged)
	})
}

func TestNothingOfAReviewIsStoredInClear(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx, team := t.Context(), addTeam(t, s).ID
		account := addAccount(t, s, team, "mtl")
		addEndpoint(t, s, team)
		who := &order.TestedPatient{FirstName: "Canary1x", LastName: "Canary2x", DOB: "1990-03-01"}
		r := reportOn("Canary3x", who)
		r.Results[0].Name, r.Interpretation = "Canary4x", "Canary5x"
		in := receiveReportReady(t, s, account, "clear-number")
		_, err := s.OpenUnmatchedReportReview(ctx, FetchedUnmatchedReport{InboxID: in.ID, Report: r, Hash: "h",
			Raw: []byte("Canary6x"), PDF: []byte("Canary7x")})
		require.NoError(t, err)
		opened := reviewsOf(t, s, MatchReviewQuery{Search: "canary1x"})
		require.Len(t, opened, 1)
		_, _, err = s.ResolveMatchReview(ctx, team, opened[0].ID, order.MatchReviewReject, "Canary8x")
		require.NoError(t, err)
		stored := dumpTables(t, s, "reviews", "review_search", "messages", "inbox")
		for _, word := range []string{"canary", "1990-03-01", "19900301"} {
			require.Empty(t, string(findIgnoringCase(stored, word)), "%s is stored in clear", word)
		}
		require.True(t, bytes.Contains(stored, []byte("clear-number")), "the control")
	})
}
