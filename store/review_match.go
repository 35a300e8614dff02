package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// maxCandidates is the most orders that a lab report is compared with. The newest are used.
const maxCandidates = 20

// matchLabReport finds orders that a lab report may belong to: by the numbers that came with it, and by the patient
// that the lab names. An empty team means all teams.
func (s *Store) matchLabReport(ctx context.Context, tx *sql.Tx, r reviewedReport,
	numbers []string) (order.Match, error) {
	named, err := ordersByNumber(ctx, tx, r.teamID, numbers)
	if err != nil {
		return order.Match{}, fmt.Errorf("finding orders by their numbers: %w", err)
	}
	alike, err := s.ordersByPatient(ctx, tx, r.teamID, testedPatientTerms(r.report.Patient))
	if err != nil {
		return order.Match{}, fmt.Errorf("finding orders by their patient: %w", err)
	}
	found := append(slices.Clone(named), slices.DeleteFunc(alike,
		func(id string) bool { return slices.Contains(named, id) })...)
	all := make([]order.MatchableOrder, 0, len(found))
	for _, id := range found {
		o, err := s.loadOrder(ctx, tx, "", id)
		if err != nil {
			return order.Match{}, err
		}
		m, err := s.toMatchable(ctx, tx, o, r.report.Patient)
		if err != nil {
			return order.Match{}, err
		}
		m.NamedByNumber = slices.Contains(named, id)
		if m.NamedByNumber || m.PatientLikeness != order.LikenessDifferent {
			all = append(all, m)
		}
	}
	return order.MatchLabReport(r.report, r.accountID, r.labSlug, all), nil
}

// orderNumberSpellings returns the spellings of a number that labs use, because they type numbers by hand.
func orderNumberSpellings(numbers ...string) []string {
	var out []string
	for _, n := range numbers {
		n = storableText(n)
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
	forms := orderNumberSpellings(numbers...)
	if len(forms) == 0 {
		return nil, nil
	}
	var where sqldb.Where
	where.AndIfSet("team_id = ?", teamID)
	for _, n := range numbers {
		forms = append(forms, foldNumber(n))
	}
	forms = slices.DeleteFunc(forms, func(form string) bool { return form == "" })
	where.AndIn("(number IN (?) OR accession IN (?) OR sample_id IN (?) OR sample_key IN (?))", forms)
	return sqldb.QueryAll(ctx, tx, sqldb.ScanText, fmt.Sprintf(`SELECT id FROM orders%s
		ORDER BY created_at DESC, id DESC LIMIT %d`, where.String(), maxCandidates), where.Args...)
}

// ordersByPatient finds orders of a patient with that date of birth: first those with that name, then those that share
// a word of it, which the caller compares.
func (s *Store) ordersByPatient(ctx context.Context, tx *sql.Tx, teamID string,
	terms []searchTerm) (found []string, err error) {
	for _, name := range []string{searchFullName, searchName} {
		ids, err := s.ordersByTerms(ctx, tx, teamID, terms, name, searchBirthDate)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	return found, nil
}

// ordersByTerms finds orders that have, of each field, one of the terms.
func (s *Store) ordersByTerms(ctx context.Context, tx *sql.Tx, teamID string, terms []searchTerm,
	fields ...string) ([]string, error) {
	const has = "id IN (SELECT order_id FROM order_search WHERE field = '%s' AND hash IN (?))"
	var where sqldb.Where
	for _, field := range fields {
		var hashes []string
		for _, t := range terms {
			if t.field == field {
				hashes = append(hashes, s.keys.SearchHashes(t.field, t.value)...)
			}
		}
		if len(hashes) == 0 {
			return nil, nil
		}
		where.AndIn(fmt.Sprintf(has, field), hashes)
	}
	where.AndIfSet("team_id = ?", teamID)
	return sqldb.QueryAll(ctx, tx, sqldb.ScanText,
		fmt.Sprintf(`SELECT id FROM orders%s ORDER BY created_at DESC, id DESC LIMIT %d`,
			where.String(), maxCandidates),
		where.Args...)
}

// toMatchable returns the data of an order by which it is compared with a lab report.
func (s *Store) toMatchable(ctx context.Context, q sqldb.Querier, o *order.Order,
	tested *order.TestedPatient) (order.MatchableOrder, error) {
	slug, err := labSlugOfOrder(ctx, q, o)
	return order.MatchableOrder{
		OrderID: o.ID, TransactionID: o.TransactionID, UserID: o.UserID, Status: o.Status, AccountID: o.LabAccountID,
		LabSlug: slug,
		Markers: o.LabTest.Markers, PatientLikeness: patientLikeness(o.Patient, tested),
	}, err
}

// patientLikeness compares the patient of an order with the one whom the lab has tested.
func patientLikeness(p *order.Patient, tested *order.TestedPatient) order.PatientLikeness {
	if p == nil || len(testedPatientTerms(tested)) == 0 {
		return order.LikenessUnknown
	}
	names := order.CompareNames(p.FirstName, p.LastName, tested.FirstName, tested.LastName)
	switch {
	case !slices.Contains(tested.BirthDates(), p.DOB):
		return order.LikenessDifferent
	case names == order.NamesSame:
		return order.LikenessSame
	case names == order.NamesAlike:
		return order.LikenessSimilar
	default:
		return order.LikenessDifferent
	}
}

// labSlugOfOrder returns the slug of the lab of an order.
func labSlugOfOrder(ctx context.Context, q sqldb.Querier, o *order.Order) (string, error) {
	if o.LabTest.Lab != nil {
		return o.LabTest.Lab.Slug, nil
	}
	slug, err := sqldb.QueryOne(ctx, q, sqldb.ScanText, `SELECT lab_slug FROM lab_accounts WHERE id = $1`, o.LabAccountID)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return slug, err
}
