package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// ReviewQuery selects reviews.
type ReviewQuery struct {
	TeamID  string // empty: of every team, and those of nobody's team
	Status  order.ReviewStatus
	Code    order.MatchCode
	LabSlug string
	Since   time.Time // created then or later; zero: any
	Before  time.Time // created before; zero: any
	Search  string    // whole words of the name of whom the lab tested, or a day of birth
	After   string    // the id after which the page begins; empty: the first page
	Limit   int       // 1 to 100; 0 means 50
}

const reviewColumns = `v.id, v.team_id, v.lab_account_id, v.lab_slug, COALESCE(l.document, ''), v.order_number, v.order_id, v.result_id,
	v.status, v.matching, v.report, v.note, v.resolution_action, v.resolved_user_id, v.resolved_order_id,
	v.created_at, v.updated_at, v.reviewed_at`

const fromReviews = ` FROM reviews v LEFT JOIN labs l ON l.slug = v.lab_slug`

// Reviews lists reviews, newest first, counts all of them, and names the last one of the page when there are more. Without a status
// it leaves out those that wait for nobody.
func (s *Store) Reviews(ctx context.Context, by ReviewQuery) (reviews []order.Review, total int, next string, err error) {
	where := s.reviewFilter(by)
	limit := defaultPageSize
	if by.Limit > 0 {
		limit = min(by.Limit, maxPageSize)
	}
	err = s.inSnapshot(ctx, func(q querier) error {
		if total, err = count(ctx, q, "reviews v", where); err != nil {
			return err
		}
		if by.After != "" {
			where.and("v.id < ?", by.After)
		}
		reviews, err = collect(ctx, q, s.scanReview,
			`SELECT `+reviewColumns+fromReviews+where.String()+fmt.Sprintf(` ORDER BY v.id DESC LIMIT %d`, limit+1), where.args...)
		if err != nil {
			return err
		}
		if len(reviews) > limit {
			reviews = reviews[:limit]
			next = reviews[limit-1].ID
		}
		return loadStatuses(ctx, q, reviews)
	})
	if err != nil {
		return nil, 0, "", fmt.Errorf("listing reviews: %w", err)
	}
	return reviews, total, next, nil
}

func (s *Store) reviewFilter(by ReviewQuery) (f filter) {
	if by.TeamID != "" {
		f.and("v.team_id = ?", by.TeamID)
	}
	if by.Status != "" {
		f.and("v.status = ?", by.Status)
	} else {
		f.with(fmt.Sprintf("v.status IN ('%s', '%s')", order.ReviewCustomer, order.ReviewOps))
	}
	if by.Code != "" {
		f.and("v.decision_code = ?", by.Code)
	}
	if by.LabSlug != "" {
		f.and("v.lab_slug = ?", by.LabSlug)
	}
	if !by.Since.IsZero() {
		f.and("v.created_at >= ?", micros(by.Since))
	}
	if !by.Before.IsZero() {
		f.and("v.created_at < ?", micros(by.Before))
	}
	s.searchReviews(&f, by.Search)
	return f
}

func (s *Store) searchReviews(f *filter, input string) {
	const has = "v.id IN (SELECT review_id FROM review_search WHERE field = '%s' AND hash IN (?))"
	if born, err := order.ParseDate(strings.TrimSpace(input)); err == nil {
		f.in(fmt.Sprintf(has, searchBirthDate), s.keys.Hashes(searchBirthDate, born.String()))
		return
	}
	words := strings.Fields(normalise(input))
	if input != "" && len(words) == 0 {
		f.with("1 = 0")
	}
	for _, word := range words {
		f.in(fmt.Sprintf(has, searchName), s.keys.Hashes(searchName, word))
	}
}

// Review reads one review. With a team, only one of that team is found. Otherwise the error is ErrNotFound.
func (s *Store) Review(ctx context.Context, teamID, id string) (order.Review, error) {
	r, err := s.reviewByID(ctx, s.read, id)
	if err == nil && teamID != "" && r.TeamID != teamID {
		err = ErrNotFound
	}
	if err != nil {
		return order.Review{}, fmt.Errorf("reading review %s: %w", id, err)
	}
	return r, nil
}

func (s *Store) reviewByID(ctx context.Context, q querier, id string) (order.Review, error) {
	r, err := one(ctx, q, s.scanReview, `SELECT `+reviewColumns+fromReviews+` WHERE v.id = $1`, id)
	if err != nil {
		return order.Review{}, err
	}
	all := []order.Review{r}
	return all[0], loadStatuses(ctx, q, all)
}

func (s *Store) scanReview(row scanner) (order.Review, error) {
	var (
		r                          order.Review
		lab, matching              string
		report, note               []byte
		created, updated, reviewed int64
	)
	err := row.Scan(&r.ID, &r.TeamID, &r.LabAccountID, &r.Lab.Slug, &lab, &r.OrderNumber, &r.OrderID, &r.ResultID,
		&r.Status, &matching, &report, &note, &r.Resolution, &r.ResolvedUserID, &r.ResolvedOrderID, &created, &updated, &reviewed)
	if err != nil {
		return r, err
	}
	r.CreatedAt, r.UpdatedAt, r.ReviewedAt = instant(created), instant(updated), instant(reviewed)
	r.Lab.Name = r.Lab.Slug // of a lab that is not listed any more
	if lab != "" {
		if err := json.Unmarshal([]byte(lab), &r.Lab); err != nil {
			return r, fmt.Errorf("decoding the lab of review %s: %w", r.ID, err)
		}
	}
	if err := decode(matching, &r.Match); err != nil {
		return r, err
	}
	if err := s.keys.openJSON(place("reviews", r.ID, "report"), report, &r.Report); err != nil {
		return r, err
	}
	text, err := s.openText(place("reviews", r.ID, "note"), note)
	if text != nil {
		r.Note = *text
	}
	return r, err
}

// loadStatuses gives the candidates the statuses that their orders have now.
func loadStatuses(ctx context.Context, q querier, reviews []order.Review) error {
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
		status lifecycle.Low
	}
	rows, err := collect(ctx, q, func(sc scanner) (r row, err error) {
		err = sc.Scan(&r.id, &r.status)
		return r, err
	}, `SELECT id, status FROM orders WHERE id IN (`+placeholders(1, len(args))+`)`, args...)
	if err != nil {
		return fmt.Errorf("reading the statuses of candidates: %w", err)
	}
	of := map[string]lifecycle.Low{}
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
