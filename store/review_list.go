package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// MatchReviewQuery selects match reviews.
type MatchReviewQuery struct {
	TeamID  string // empty: of all teams, and of no team
	Status  order.MatchReviewStatus
	Code    order.MatchCode
	LabSlug string
	Since   time.Time // created at this time or later; zero: any
	Before  time.Time // created before; zero: any
	Search  string    // whole words of the tested patient's name, or a date of birth
	After   string    // the last id of the previous page; empty: the first page
	Limit   int       // 1 to 100; 0 means 50
}

const reviewColumns = `v.id, v.team_id, v.lab_account_id, v.lab_slug, COALESCE(l.document, ''), v.order_number,
	v.order_id, v.result_id, v.status, v.matching, v.report, v.note, v.resolution_action, v.resolved_user_id,
	v.resolved_order_id, v.created_at, v.updated_at, v.reviewed_at`

const fromReviews = ` FROM reviews v LEFT JOIN labs l ON l.slug = v.lab_slug`

// MatchReviews lists one page of match reviews, those of critical lab reports first, then newest first. It counts all
// of them, and returns the last id of the page when there are more. Without a status it leaves out reviews that wait
// for no decision. The replica may answer, a little late.
func (s *Store) MatchReviews(ctx context.Context,
	by MatchReviewQuery) (reviews []order.MatchReview, total int, next string, err error) {
	where := s.reviewFilter(by)
	limit := sqldb.DefaultPageSize
	if by.Limit > 0 {
		limit = min(by.Limit, sqldb.MaxPageSize)
	}
	err = s.db.InRecentSnapshot(ctx, func(ctx context.Context, q sqldb.Querier) error {
		if total, err = countRows(ctx, q, "reviews v", where); err != nil {
			return err
		}
		if by.After != "" {
			where.And("(v.critical, v.id) < (SELECT a.critical, a.id FROM reviews a WHERE a.id = ?)", by.After)
		}
		reviews, err = sqldb.QueryAll(ctx, q, s.scanReview,
			`SELECT `+reviewColumns+fromReviews+where.String()+fmt.Sprintf(` ORDER BY v.critical DESC, v.id DESC LIMIT %d`,
				limit+1),
			where.Args...)
		if err != nil {
			return err
		}
		if len(reviews) > limit {
			reviews = reviews[:limit]
			next = reviews[limit-1].ID
		}
		return loadCandidateStatuses(ctx, q, reviews)
	})
	if err != nil {
		return nil, 0, "", fmt.Errorf("listing reviews: %w", err)
	}
	return reviews, total, next, nil
}

func (s *Store) reviewFilter(by MatchReviewQuery) (f sqldb.Where) {
	if by.TeamID != "" {
		f.And("v.team_id = ?", by.TeamID)
	}
	if by.Status != "" {
		f.And("v.status = ?", by.Status)
	} else {
		f.AndTerm(fmt.Sprintf("v.status IN ('%s', '%s')", order.MatchReviewPendingCustomer, order.MatchReviewPendingOps))
	}
	if by.Code != "" {
		f.And("v.decision_code = ?", by.Code)
	}
	if by.LabSlug != "" {
		f.And("v.lab_slug = ?", by.LabSlug)
	}
	if !by.Since.IsZero() {
		f.And("v.created_at >= ?", sqldb.ToMicros(by.Since))
	}
	if !by.Before.IsZero() {
		f.And("v.created_at < ?", sqldb.ToMicros(by.Before))
	}
	s.restrictReviewsToSearch(&f, by.Search)
	return f
}

func (s *Store) restrictReviewsToSearch(f *sqldb.Where, input string) {
	const has = "v.id IN (SELECT review_id FROM review_search WHERE field = '%s' AND hash IN (?))"
	if born, err := order.ParseDate(strings.TrimSpace(input)); err == nil {
		f.AndIn(fmt.Sprintf(has, searchBirthDate), s.keys.SearchHashes(searchBirthDate, born.String()))
		return
	}
	readings := order.NameReadings(input)
	if input != "" && len(readings) == 0 {
		f.AndTerm("1 = 0")
	}
	var alternatives []string
	for _, words := range readings {
		all := make([]string, len(words))
		for i, word := range words {
			all[i] = f.Bind(fmt.Sprintf(has, searchName), s.keys.SearchHashes(searchName, word))
		}
		alternatives = append(alternatives, strings.Join(all, " AND "))
	}
	if len(alternatives) > 0 {
		f.AndTerm("(" + strings.Join(alternatives, " OR ") + ")")
	}
}

// MatchReview reads one match review. With a teamID, only a review of that team is found. The error is ErrNotFound when
// there is none.
func (s *Store) MatchReview(ctx context.Context, teamID, id string) (order.MatchReview, error) {
	r, err := s.reviewByID(ctx, s.db.Reader, id)
	if err == nil && teamID != "" && r.TeamID != teamID {
		err = ErrNotFound
	}
	if err != nil {
		return order.MatchReview{}, fmt.Errorf("reading review %s: %w", id, err)
	}
	return r, nil
}

func (s *Store) reviewByID(ctx context.Context, q sqldb.Querier, id string) (order.MatchReview, error) {
	r, err := sqldb.QueryOne(ctx, q, s.scanReview, `SELECT `+reviewColumns+fromReviews+` WHERE v.id = $1`, id)
	if err != nil {
		return order.MatchReview{}, err
	}
	all := []order.MatchReview{r}
	return all[0], loadCandidateStatuses(ctx, q, all)
}

func (s *Store) scanReview(row sqldb.Scanner) (order.MatchReview, error) {
	var (
		r                          order.MatchReview
		lab, matching              string
		report, note               []byte
		created, updated, reviewed int64
	)
	err := row.Scan(&r.ID, sqldb.EmptyIfNull(&r.TeamID), &r.LabAccountID, &r.Lab.Slug, &lab, &r.OrderNumber,
		sqldb.EmptyIfNull(&r.OrderID), sqldb.EmptyIfNull(&r.ResultID), &r.Status, &matching, &report, &note, &r.Resolution,
		sqldb.EmptyIfNull(&r.ResolvedUserID), sqldb.EmptyIfNull(&r.ResolvedOrderID), &created, &updated,
		&reviewed)
	if err != nil {
		return r, err
	}
	r.CreatedAt, r.UpdatedAt, r.ReviewedAt = sqldb.FromMicros(created), sqldb.FromMicros(updated),
		sqldb.FromMicros(reviewed)
	r.Lab.Name = r.Lab.Slug // of a lab that is no longer in the catalogue
	if lab != "" {
		if err := json.Unmarshal([]byte(lab), &r.Lab); err != nil {
			return r, fmt.Errorf("decoding the lab of review %s: %w", r.ID, err)
		}
	}
	if err := decodeJSON(matching, &r.Match); err != nil {
		return r, err
	}
	if err := s.keys.OpenJSON(sealContext("reviews", r.ID, "report"), report, &r.Report); err != nil {
		return r, err
	}
	text, err := s.openText(sealContext("reviews", r.ID, "note"), note)
	if text != nil {
		r.Note = *text
	}
	return r, err
}

// loadCandidateStatuses sets the current statuses of the candidates' orders.
func loadCandidateStatuses(ctx context.Context, q sqldb.Querier, reviews []order.MatchReview) error {
	var args []any
	for _, r := range reviews {
		for _, c := range r.Match.Candidates {
			args = append(args, c.OrderID)
		}
	}
	if len(args) == 0 {
		return nil
	}
	type row struct {
		id     string
		status lifecycle.LowStatus
	}
	rows, err := sqldb.QueryAll(ctx, q, func(sc sqldb.Scanner) (r row, err error) {
		err = sc.Scan(&r.id, &r.status)
		return r, err
	}, `SELECT order_id, status FROM order_progress WHERE order_id IN (`+sqldb.Placeholders(1, len(args))+`)`, args...)
	if err != nil {
		return fmt.Errorf("reading the statuses of candidates: %w", err)
	}
	of := map[string]lifecycle.LowStatus{}
	for _, r := range rows {
		of[r.id] = r.status
	}
	for _, r := range reviews {
		for i := range r.Match.Candidates {
			r.Match.Candidates[i].Status = of[r.Match.Candidates[i].OrderID]
		}
	}
	return nil
}
