package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// readings returns the words of sealed values that the store's functions read, by what is read. Empty results are left
// out.
func readings(t *testing.T, s *Store, m manifest) map[string][]string {
	t.Helper()
	ctx, all := t.Context(), map[string][]string{}
	add := func(what string, err error, values ...any) {
		if err != nil && len(values) > 0 {
			all[what+": "+err.Error()] = nil
		}
		if found := words(values...); len(found) > 0 {
			all[what] = append(all[what], found...)
		}
	}
	list := func(query string) []string {
		ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, query)
		require.NoError(t, err)
		return ids
	}
	for name, id := range m.Orders {
		o, err := s.Order(ctx, "", id)
		if o != nil {
			o.RequisitionURL = ""
		}
		add("order "+id, err, o)
		claim, err := s.ClaimIdempotencyKey(ctx, m.TeamID, snapshotRoute, name, "", time.Hour)
		require.NoError(t, err)
		if claim.StoredAnswer != nil {
			add("idempotency of "+name, nil, *claim.StoredAnswer)
		}
		story, err := s.Story(ctx, id)
		add("story "+id, err, story)
	}
	for _, id := range list(`SELECT DISTINCT order_id FROM results WHERE visible`) {
		v, err := s.NewestResult(ctx, m.TeamID, id)
		add("result of "+id, err, v)
		if list(`SELECT id FROM results WHERE visible AND pdf IS NOT NULL AND order_id = '`+id+`'`) == nil {
			continue
		}
		pdf, err := s.ResultPDF(ctx, m.TeamID, id)
		add("PDF of "+id, err, pdf)
	}
	for _, id := range list(`SELECT DISTINCT order_id FROM appointments`) {
		a, err := s.Appointment(ctx, "", id)
		add("appointment of "+id, err, a)
	}
	for _, id := range list(`SELECT id FROM inbox`) {
		row, err := s.InboxItem(ctx, id)
		add("inbox "+id, err, row)
	}
	for _, id := range list(`SELECT id FROM demands`) {
		body, err := s.DemandBody(ctx, id)
		add("demand "+id, err, body)
	}
	for _, id := range list(`SELECT id FROM calls`) {
		answer, err := s.partnerCallAnswer(ctx, id)
		add("call "+id, err, answer)
	}
	for _, id := range list(`SELECT id FROM messages`) {
		message, err := s.WebhookMessage(ctx, id)
		add("message "+id, err, message)
	}
	due, err := s.DueDeliveries(ctx, DueQuery{EndpointID: m.EndpointID, Now: s.now().Add(24 * time.Hour), Limit: 1000})
	require.NoError(t, err)
	require.NotEmpty(t, due)
	for _, d := range due {
		add("delivery "+d.MessageID, nil, d.Body)
	}
	endpoint, err := s.Endpoint(ctx, m.EndpointID)
	add("endpoint", err, endpoint)
	user, err := s.User(ctx, m.TeamID, m.UserID)
	add("user", err, user)
	info, err := s.UserInfo(ctx, m.TeamID, m.UserID)
	add("user info", err, info)
	insurance, err := s.LatestInsurance(ctx, m.TeamID, m.UserID, true)
	add("insurance", err, insurance)
	physicians, err := s.Physicians(ctx, m.TeamID)
	add("physicians", err, physicians)
	accounts, err := s.LabAccounts(ctx, m.TeamID)
	add("lab accounts", err, accounts)
	for _, status := range list(`SELECT DISTINCT status FROM reviews`) {
		reviews, _, _, err := s.MatchReviews(ctx, MatchReviewQuery{TeamID: m.TeamID, Status: order.MatchReviewStatus(status)})
		add("reviews "+status, err, reviews)
	}
	for what := range all {
		slices.Sort(all[what])
	}
	return all
}

// terms returns the terms of all search hashes, by table, row and field. Each hash must be that of one of them.
func terms(t *testing.T, s *Store) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, table := range searchTables {
		type hashed struct{ id, field, hash string }
		rows, err := sqldb.QueryAll(t.Context(), s.db.Reader, func(row sqldb.Scanner) (h hashed, err error) {
			err = row.Scan(&h.id, &h.field, &h.hash)
			return h, err
		}, fmt.Sprintf(`SELECT %s, field, hash FROM %s`, table.subject, table.name))
		require.NoError(t, err)
		known := map[string]map[hashed]string{}
		for _, h := range rows {
			if known[h.id] == nil {
				known[h.id] = map[hashed]string{}
				var terms []searchTerm
				require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) (err error) {
					terms, err = table.loadTerms(s, t.Context(), tx, h.id)
					return err
				}))
				for _, term := range terms {
					known[h.id][hashed{h.id, term.field, s.keys.SearchHash(term.field, term.value)}] = term.value
				}
			}
			key := table.name + "/" + h.id + "/" + h.field
			all[key] = append(all[key], known[h.id][h])
		}
	}
	for key := range all {
		slices.Sort(all[key])
	}
	return all
}

// searches returns the ids that each search finds. A search is written as a query's field, a colon and the value.
func searches(t *testing.T, s *Store, of []string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, search := range of {
		field, value, _ := strings.Cut(search, ":")
		team, err := sqldb.QueryOne(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT id FROM teams`)
		require.NoError(t, err)
		by, ids := OrderQuery{TeamID: team, Size: 100}, []string{}
		switch field {
		case "patient_name":
			by.PatientName = value
		case "recipient_name":
			by.RecipientName = value
		case "search":
			by.Search = value
		case "interpretation":
			by.Interpretation = order.Interpretation(value)
		case "critical":
			by.Critical = new(value == "true")
		case "review":
			for _, status := range []order.MatchReviewStatus{"", order.MatchReviewResolved} {
				for _, r := range reviewsOf(t, s, MatchReviewQuery{TeamID: team, Search: value, Status: status}) {
					ids = append(ids, r.ID)
				}
			}
		case "match": // full name and date of birth
			name, born, _ := strings.Cut(value, ", ")
			require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) (err error) {
				ids, err = s.ordersByPatient(t.Context(), tx, team, []searchTerm{{searchFullName, name}, {searchBirthDate, born}})
				return err
			}))
		default:
			require.Fail(t, "no such search", search)
		}
		if field != "review" && field != "match" {
			found, _, err := s.Orders(t.Context(), by)
			require.NoError(t, err)
			for _, o := range found {
				ids = append(ids, o.ID)
			}
		}
		slices.Sort(ids)
		all[search] = ids
	}
	return all
}
