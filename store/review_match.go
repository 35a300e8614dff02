package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// maxCandidates bounds the orders that a report is compared with. The newest count.
const maxCandidates = 20

// matchReport looks for orders that a report might belong to: by the numbers that came with it, and by whom the lab tested. An
// empty team means all teams.
func (s *Store) matchReport(ctx context.Context, tx *sql.Tx, r reviewable, numbers []string) (order.Match, error) {
	named, err := ordersByNumber(ctx, tx, r.teamID, numbers)
	if err != nil {
		return order.Match{}, fmt.Errorf("finding orders by their numbers: %w", err)
	}
	alike, err := s.ordersByPatient(ctx, tx, r.teamID, testedTerms(r.report.Patient))
	if err != nil {
		return order.Match{}, fmt.Errorf("finding orders by their patient: %w", err)
	}
	found := append(slices.Clone(named), slices.DeleteFunc(alike, func(id string) bool { return slices.Contains(named, id) })...)
	all := make([]order.Matchable, 0, len(found))
	for _, id := range found {
		o, err := s.order(ctx, tx, "", id)
		if err != nil {
			return order.Match{}, err
		}
		m, err := s.matchable(ctx, tx, o, r.report.Patient)
		if err != nil {
			return order.Match{}, err
		}
		m.ByNumber = slices.Contains(named, id)
		all = append(all, m)
	}
	return order.MatchReport(r.report, r.accountID, r.labSlug, all), nil
}

// numberForms are the forms in which a number may have come: labs type them again.
func numberForms(numbers ...string) []string {
	var out []string
	for _, n := range numbers {
		n = storable(n)
		bare := strings.Map(func(r rune) rune {
			if r == ' ' || r == '-' {
				return -1
			}
			return r
		}, n)
		for _, form := range []string{n, strings.TrimSpace(n), bare, strings.ToUpper(bare)} {
			if form != "" && !slices.Contains(out, form) {
				out = append(out, form)
			}
		}
	}
	return out
}

func ordersByNumber(ctx context.Context, tx *sql.Tx, teamID string, numbers []string) ([]string, error) {
	forms := numberForms(numbers...)
	if len(forms) == 0 {
		return nil, nil
	}
	args := []any{teamID}
	for _, form := range forms {
		args = append(args, form)
	}
	in := `IN (` + placeholders(2, len(forms)) + `)`
	return collect(ctx, tx, scanText, fmt.Sprintf(`SELECT id FROM orders WHERE ($1 = '' OR team_id = $1)
		AND (number %s OR accession %s OR sample_id %s) ORDER BY created_at DESC, id DESC LIMIT %d`, in, in, in, maxCandidates), args...)
}

// ordersByPatient finds orders for somebody of that name, born on that day.
func (s *Store) ordersByPatient(ctx context.Context, tx *sql.Tx, teamID string, terms []searchTerm) ([]string, error) {
	const has = "id IN (SELECT order_id FROM order_search WHERE field = '%s' AND hash IN (?))"
	var where filter
	for _, t := range terms {
		if t.field == searchFullName || t.field == searchBirthDate {
			where.in(fmt.Sprintf(has, t.field), s.keys.Hashes(t.field, t.value))
		}
	}
	if len(where.terms) < 2 {
		return nil, nil
	}
	where.and("(? = '' OR team_id = ?)", teamID)
	return collect(ctx, tx, scanText, fmt.Sprintf(`SELECT id FROM orders%s ORDER BY created_at DESC, id DESC LIMIT %d`, where.String(), maxCandidates),
		where.args...)
}

// matchable is an order as matching looks at it.
func (s *Store) matchable(ctx context.Context, q querier, o *order.Order, tested *order.Tested) (order.Matchable, error) {
	slug, err := labSlug(ctx, q, o)
	return order.Matchable{
		OrderID: o.ID, TransactionID: o.TransactionID, UserID: o.UserID, Status: o.Status, AccountID: o.LabAccountID, LabSlug: slug,
		Markers: o.LabTest.Markers, Patient: likeness(o.Patient, tested),
	}, err
}

func likeness(p *order.Patient, tested *order.Tested) order.Likeness {
	ours, theirs := patientTerms(p), testedTerms(tested)
	if len(ours) == 0 || len(theirs) == 0 {
		return order.Unknown
	}
	// Both begin with the full name and the day of birth.
	if ours[0] == theirs[0] && ours[1] == theirs[1] {
		return order.Same
	}
	return order.Different
}

// labSlug is the lab that does the order's test.
func labSlug(ctx context.Context, q querier, o *order.Order) (string, error) {
	if o.LabTest.Lab != nil {
		return o.LabTest.Lab.Slug, nil
	}
	slug, err := one(ctx, q, scanText, `SELECT lab_slug FROM lab_accounts WHERE id = $1`, o.LabAccountID)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return slug, err
}
