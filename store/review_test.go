package store

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// hold stores a report of an order that has ended, and records that it is held back.
func hold(t testing.TB, s *Store, orderID string, r order.Report, hash string) Recorded {
	t.Helper()
	v, _, err := s.StoreReport(t.Context(), orderID, 1, r, hash, []byte("raw "+hash), []byte("%PDF "+hash))
	require.NoError(t, err)
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseCall(newID()), HeldID: v.ID},
		func(st order.State) order.Decision {
			return order.Decision{Outcome: order.Refused, Reason: order.ReasonEnded, From: st.Status, Next: st}
		})
	require.NoError(t, err)
	return out
}

// tested is a report on somebody.
func tested(text string, who *order.Tested) order.Report {
	r := report(text)
	r.Patient = who
	return r
}

var ada = &order.Tested{FirstName: "ADA", LastName: "Lovelace", DOB: "1990-03-01"}

// addAccount adds a lab account with the lab of the orders under test.
func addAccount(t testing.TB, s *Store, teamID, slug string) string {
	t.Helper()
	a := LabAccount{ID: newID(), TeamID: teamID, LabSlug: slug, Partner: "molecular", Environment: Sandbox, Status: "active"}
	require.NoError(t, s.PutLabAccount(t.Context(), a))
	return a.ID
}

// announce receives a report_ready for an order that nobody knows.
func announce(t testing.TB, s *Store, accountID, number string) Received {
	t.Helper()
	r := labReport(number, order.Fact{Kind: order.ReportReady})
	r.AccountID = accountID
	in, err := s.Receive(t.Context(), r)
	require.NoError(t, err)
	return in
}

// review fetches what was announced, and reads the newest review.
func review(t testing.TB, s *Store, in Received, r order.Report, hash string) (order.Review, []string) {
	t.Helper()
	endpoints, err := s.ReviewReport(t.Context(), FetchedReport{InboxID: in.ID, Report: r, Hash: hash, Raw: []byte("raw " + hash), PDF: []byte("%PDF " + hash)})
	require.NoError(t, err)
	all := reviewsOf(t, s, ReviewQuery{})
	require.NotEmpty(t, all)
	return all[0], endpoints
}

func reviewsOf(t testing.TB, s *Store, by ReviewQuery) []order.Review {
	t.Helper()
	all, _, _, err := s.Reviews(t.Context(), by)
	require.NoError(t, err)
	return all
}

// toldOfReviews lists the bodies of a team's messages about reviews, oldest first.
func toldOfReviews(t testing.TB, s *Store, teamID string) [][]byte {
	t.Helper()
	type message struct {
		id   string
		body []byte
	}
	all, err := collect(t.Context(), s.read, func(row scanner) (m message, err error) {
		err = row.Scan(&m.id, &m.body)
		return m, err
	}, `SELECT id, body FROM messages WHERE team_id = $1 AND event_type LIKE 'labtest.match_review.%' ORDER BY id`, teamID)
	require.NoError(t, err)
	var out [][]byte
	for _, m := range all {
		body, err := s.keys.Open(place("messages", m.id, "body"), m.body)
		require.NoError(t, err)
		out = append(out, body)
	}
	return out
}

func TestResultsThatAreHeldBackOpenAReviewOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status lifecycle.Low
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
			forEach(t, func(t *testing.T, s *Store) {
				o := addOrder(t, s)
				endpoint := addEndpoint(t, s, o.TeamID)
				moveTo(t, s, o.ID, tt.status)
				require.Equal(t, []string{endpoint}, hold(t, s, o.ID, report("4.5"), "h1").Endpoints)
				all := reviewsOf(t, s, ReviewQuery{TeamID: o.TeamID})
				require.Len(t, all, 1)
				r := all[0]
				require.Equal(t, order.ReviewCustomer, r.Status)
				require.Equal(t, tt.code, r.Match.Code)
				require.Equal(t, o.Number, r.OrderNumber)
				require.Equal(t, o.ID, r.Match.Target(""))
				require.Equal(t, tt.status, r.Match.Candidates[0].Status)
				require.Contains(t, r.Match.Candidates[0].Reasons, order.SameSample)
				require.Equal(t, o.ID, r.OrderID)
				require.Equal(t, o.ID, r.Match.Candidates[0].OrderID)
				require.Equal(t, o.UserID, r.Match.Candidates[0].UserID)

				require.Empty(t, hold(t, s, o.ID, report("4.5"), "h1").Endpoints, "the same again is no news")
				hold(t, s, o.ID, report("4.6"), "h2")
				again := reviewsOf(t, s, ReviewQuery{})
				require.Len(t, again, 1)
				require.Equal(t, r.ID, again[0].ID)
				require.Equal(t, "4.6", again[0].Report.Results[0].Text)

				bodies := toldOfReviews(t, s, o.TeamID)
				require.Len(t, bodies, 2)
				require.Equal(t, "labtest.match_review.created", jsonPath(t, bodies[0], "event_type"))
				require.Equal(t, o.UserID, jsonPath(t, bodies[0], "user_id"))
				require.Equal(t, r.ID, jsonPath(t, bodies[0], "data", "id"))
				require.Equal(t, "labtest.match_review.updated", jsonPath(t, bodies[1], "event_type"))
			})
		})
	}
}

// What the client sees already is not asked again once nobody is asked for anything else.
func TestAReviewDoesNotOpenForWhatWasAccepted(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		moveTo(t, s, o.ID, lifecycle.Cancelled)
		hold(t, s, o.ID, report("4.5"), "h1")
		r := reviewsOf(t, s, ReviewQuery{})[0]
		asked, err := s.AcceptReview(t.Context(), o.TeamID, r.ID, o.ID)
		require.NoError(t, err)
		require.Equal(t, r.ResultID, asked.Fetched.HeldID)
		accept(t, s, r, o.ID, asked.Fetched)
		told := len(toldOfReviews(t, s, o.TeamID))
		hold(t, s, o.ID, report("4.5"), "h1")
		require.Empty(t, reviewsOf(t, s, ReviewQuery{}), "it is accepted")

		hold(t, s, o.ID, report("4.6"), "h2")
		require.Len(t, reviewsOf(t, s, ReviewQuery{}), 1, "it is new")
		hold(t, s, o.ID, report("4.5"), "h1")
		require.Equal(t, "4.5", reviewsOf(t, s, ReviewQuery{})[0].Report.Results[0].Text, "the lab has taken it back")
		hold(t, s, o.ID, report("4.6"), "h2")
		_, _, err = s.ResolveReview(t.Context(), o.TeamID, r.ID, order.ReviewReject, "")
		require.NoError(t, err)
		require.Len(t, toldOfReviews(t, s, o.TeamID), told+4)
		hold(t, s, o.ID, report("4.6"), "h2")
		hold(t, s, o.ID, report("4.5"), "h1")
		require.Empty(t, reviewsOf(t, s, ReviewQuery{}), "the one is rejected, and the other accepted")
		require.Len(t, toldOfReviews(t, s, o.TeamID), told+4)
		hold(t, s, o.ID, report("4.7"), "h3")
		require.Len(t, reviewsOf(t, s, ReviewQuery{}), 1)
	})
}

func TestAReportForNobodysOrderIsComparedWithTheTeamsOrders(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		account := addAccount(t, s, team, "mtl")
		at := func(o *order.Order) { o.LabAccountID = account }
		elsewhere := addOrder(t, s, at) // another team's, of the same patient
		moveTo(t, s, elsewhere.ID, lifecycle.RequisitionCreated)

		r, _ := review(t, s, announce(t, s, account, "UNKNOWN-1"), tested("4.5", ada), "h1")
		require.Equal(t, order.MatchNone, r.Match.Code)
		require.Empty(t, r.Match.Candidates)
		require.Empty(t, r.ResolvedUserID)
		require.Equal(t, team, r.TeamID)
		require.Equal(t, ada, r.Report.Patient)

		o := addOrderOf(t, s, team, at)
		r, _ = review(t, s, announce(t, s, account, "UNKNOWN-2"), tested("4.5", ada), "h2")
		require.Equal(t, order.MatchUncollected, r.Match.Code)
		moveTo(t, s, o.ID, lifecycle.RequisitionCreated)
		r, _ = review(t, s, announce(t, s, account, "UNKNOWN-3"), tested("4.5", ada), "h3")
		require.Equal(t, order.MatchPatient, r.Match.Code)
		require.Equal(t, o.ID, r.Match.Target(""))
		require.Equal(t, &order.Overlap{Reported: 1, Ordered: 1, Shared: 1}, r.Match.Candidates[0].Overlap)

		r, _ = review(t, s, announce(t, s, account, " "+o.Number[:4]+"-"+o.Number[4:]), tested("4.5", ada), "h4")
		require.Equal(t, order.MatchSampleID, r.Match.Code)
		r, _ = review(t, s, announce(t, s, account, o.Number+" "), tested("4.5", &order.Tested{FirstName: "Grace", LastName: "Hopper", DOB: "1906-12-09"}), "h5")
		require.Equal(t, order.MatchOtherPatient, r.Match.Code)
		require.Empty(t, r.Match.Target(""), "somebody has to choose it knowingly")

		addOrderOf(t, s, team, at)
		second := addOrderOf(t, s, team, at)
		moveTo(t, s, second.ID, lifecycle.RequisitionCreated)
		r, _ = review(t, s, announce(t, s, account, "UNKNOWN-4"), tested("4.5", ada), "h6")
		require.Equal(t, order.MatchSeveral, r.Match.Code)
		require.Len(t, r.Match.Candidates, 3)
		require.Equal(t, second.ID, r.Match.Target(second.UserID))
		require.Len(t, toldOfReviews(t, s, team), 6)
	})
}

// The lab repeats itself, the sweep is cut short and begins anew: one review. A later version updates it, whatever was decided.
func TestAReportIsReviewedOnce(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		account := addAccount(t, s, team, "mtl")
		in := announce(t, s, account, "UNKNOWN")
		first, _ := review(t, s, in, tested("4.5", nil), "h1")
		review(t, s, in, tested("4.5", nil), "h1")
		review(t, s, announce(t, s, account, "UNKNOWN"), tested("4.5", nil), "h1")
		require.Len(t, toldOfReviews(t, s, team), 1)

		rejected, _, err := s.ResolveReview(t.Context(), team, first.ID, order.ReviewReject, "not ours")
		require.NoError(t, err)
		require.Equal(t, order.ReviewResolved, rejected.Status)
		require.Equal(t, "not ours", rejected.Note)
		require.False(t, rejected.ReviewedAt.IsZero())
		require.Empty(t, reviewsOf(t, s, ReviewQuery{TeamID: team}), "what is resolved is left out")
		require.Len(t, reviewsOf(t, s, ReviewQuery{TeamID: team, Status: order.ReviewResolved}), 1)

		again, _ := review(t, s, announce(t, s, account, "UNKNOWN"), tested("4.7", nil), "h2")
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, order.ReviewCustomer, again.Status)
		require.Empty(t, again.Resolution)
		require.Empty(t, again.Note)
		require.Len(t, toldOfReviews(t, s, team), 3)
	})
}

func TestUnmatchedReportsAreAskedForUntilTheyAreGivenUp(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		account := addAccount(t, s, "", "mtl")
		now := s.now().Add(time.Second)
		waiting := func(receivedBefore, at time.Time) []UnmatchedReport {
			rows, err := s.UnmatchedReports(t.Context(), receivedBefore, at, 10)
			require.NoError(t, err)
			return rows
		}
		in := announce(t, s, account, "UNKNOWN")
		announce(t, s, "", "SHARED")                                                  // nobody can tell whose it is
		receiveFact(t, s, "OTHER", order.Fact{Kind: order.KitReceived})               // announces nothing
		receiveFact(t, s, addOrder(t, s).Number, order.Fact{Kind: order.ReportReady}) // has its order
		require.Empty(t, waiting(now.Add(-time.Minute), now), "it may only be early")
		require.Equal(t, []UnmatchedReport{{InboxID: in.ID, AccountID: account, Number: "UNKNOWN"}}, waiting(now, now))

		next := now.Add(time.Hour)
		require.NoError(t, s.PostponeReport(t.Context(), in.ID, next))
		require.Empty(t, waiting(now, now))
		require.Equal(t, 1, waiting(now, next)[0].Tries)
		require.NoError(t, s.PostponeReport(t.Context(), in.ID, time.Time{}))
		require.Empty(t, waiting(next, next))
		row, err := s.InboxItem(t.Context(), in.ID)
		require.NoError(t, err)
		require.Equal(t, InboxUnmatched, row.State)
		require.Equal(t, codeNoReport, row.Code)
		require.Equal(t, account, row.AccountID)
	})
}

// The order was only late: its workflow fetches the results itself.
func TestAReviewEndsWhenItsOrderTurnsUp(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		account := addAccount(t, s, team, "mtl")
		r, _ := review(t, s, announce(t, s, account, "LATECOMER"), tested("4.5", nil), "h1")
		o := addOrderOf(t, s, team, func(o *order.Order) { o.Number, o.LabAccountID = "LATECOMER", account })
		got, err := s.Review(t.Context(), team, r.ID)
		require.NoError(t, err)
		require.Equal(t, order.ReviewMatched, got.Status)
		require.Len(t, toldOfReviews(t, s, team), 2)
		_, err = s.AcceptReview(t.Context(), team, r.ID, o.ID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestReviewsAreFoundAndPaged(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		ctx, team := t.Context(), addTeam(t, s).ID
		require.NoError(t, s.PutLab(ctx, order.Lab{ID: 27, Slug: "mtl", Name: "Molecular"}))
		mtl, crl := addAccount(t, s, team, "mtl"), addAccount(t, s, team, "crl")
		hers, _ := review(t, s, announce(t, s, mtl, "A"), tested("1", ada), "h1")
		his, _ := review(t, s, announce(t, s, crl, "B"), tested("2", &order.Tested{FirstName: "Alan", LastName: "Turing", DOB: "1912-06-23"}), "h2")
		nobodys, _ := review(t, s, announce(t, s, mtl, "C"), tested("3", nil), "h3")
		require.Equal(t, order.Lab{ID: 27, Slug: "mtl", Name: "Molecular"}, hers.Lab)
		require.Equal(t, order.Lab{Slug: "crl", Name: "crl"}, his.Lab)

		found := func(by ReviewQuery) (ids []string) {
			by.TeamID = team
			for _, r := range reviewsOf(t, s, by) {
				ids = append(ids, r.ID)
			}
			return ids
		}
		all := []string{nobodys.ID, his.ID, hers.ID}
		require.Equal(t, all, found(ReviewQuery{}))
		require.Equal(t, []string{hers.ID}, found(ReviewQuery{Search: "lovelace"}))
		require.Equal(t, []string{hers.ID}, found(ReviewQuery{Search: "Ada  LOVELACE."}))
		require.Equal(t, []string{his.ID}, found(ReviewQuery{Search: "1912-06-23"}))
		require.Empty(t, found(ReviewQuery{Search: "love"}), "whole words only")
		require.Empty(t, found(ReviewQuery{Search: "!"}))
		require.Equal(t, []string{his.ID}, found(ReviewQuery{LabSlug: "crl"}))
		require.Equal(t, all, found(ReviewQuery{Code: order.MatchNone, Status: order.ReviewCustomer}))
		require.Empty(t, found(ReviewQuery{Code: order.MatchPatient}))
		require.Empty(t, found(ReviewQuery{Before: hers.CreatedAt}))
		require.Equal(t, all, found(ReviewQuery{Since: hers.CreatedAt}))

		var paged []string
		for after := ""; ; {
			page, total, next, err := s.Reviews(ctx, ReviewQuery{TeamID: team, Limit: 2, After: after})
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
	forEach(t, func(t *testing.T, s *Store) {
		ctx, team := t.Context(), addTeam(t, s).ID
		account := addAccount(t, s, team, "mtl")
		addEndpoint(t, s, team)
		who := &order.Tested{FirstName: "Canary1x", LastName: "Canary2x", DOB: "1990-03-01"}
		r := tested("Canary3x", who)
		r.Results[0].Name, r.Interpretation = "Canary4x", "Canary5x"
		in := announce(t, s, account, "clear-number")
		_, err := s.ReviewReport(ctx, FetchedReport{InboxID: in.ID, Report: r, Hash: "h", Raw: []byte("Canary6x"), PDF: []byte("Canary7x")})
		require.NoError(t, err)
		opened := reviewsOf(t, s, ReviewQuery{Search: "canary1x"})
		require.Len(t, opened, 1)
		_, _, err = s.ResolveReview(ctx, team, opened[0].ID, order.ReviewReject, "Canary8x")
		require.NoError(t, err)
		stored := contents(t, s, "reviews", "review_search", "messages", "inbox")
		for _, word := range []string{"canary", "1990-03-01", "19900301"} {
			require.Empty(t, string(spellings(stored, word)), "%s is stored in clear", word)
		}
		require.True(t, bytes.Contains(stored, []byte("clear-number")), "the control")
	})
}
