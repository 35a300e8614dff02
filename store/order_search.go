package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// The fields that orders are searched by. The store holds a keyed hash of each whole term, so a search finds whole
// words and dates, never parts of them.
const (
	searchName           = "name"      // one word of the first or last name
	searchNamePair       = "name_pair" // two words of a name, which fewer orders have
	searchFullName       = "full_name"
	searchBirthDate      = "birth_date"
	searchRecipientPair  = "recipient_pair"
	searchRecipient      = "recipient"      // one word of the recipient's name, for a kit without a patient
	searchInterpretation = "interpretation" // of the newest visible results
)

// normaliseName returns the same text for different spellings of one name: its folded words, with single blanks.
func normaliseName(name string) string {
	var words []string
	for _, w := range order.FoldName(name) {
		words = append(words, w.Text)
	}
	return strings.Join(words, " ")
}

type searchTerm struct{ field, value string }

// addSearchTerms adds search terms to an order.
func (s *Store) addSearchTerms(ctx context.Context, tx *sql.Tx, orderID string, terms []searchTerm) error {
	for _, t := range terms {
		_, err := tx.ExecContext(ctx, `INSERT INTO order_search (order_id, field, hash, team_id, created_at)
			SELECT id, $2, $3, team_id, created_at FROM orders WHERE id = $1 ON CONFLICT DO NOTHING`,
			orderID, t.field, s.keys.SearchHash(t.field, t.value))
		if err != nil {
			return fmt.Errorf("writing search terms of order %s: %w", orderID, err)
		}
	}
	return nil
}

// replaceSearchTerms replaces the search terms of some fields.
func (s *Store) replaceSearchTerms(ctx context.Context, tx *sql.Tx, orderID string, terms []searchTerm,
	fields ...string) error {
	for _, field := range fields {
		_, err := tx.ExecContext(ctx, `DELETE FROM order_search WHERE order_id = $1 AND field = $2`, orderID, field)
		if err != nil {
			return fmt.Errorf("removing search terms of order %s: %w", orderID, err)
		}
	}
	return s.addSearchTerms(ctx, tx, orderID, terms)
}

func (s *Store) replacePatientSearchTerms(ctx context.Context, tx *sql.Tx, orderID string, p *order.Patient) error {
	return s.replaceSearchTerms(ctx, tx, orderID, append(patientTerms(p), patientNamePairs(p)...), searchName,
		searchNamePair, searchFullName, searchBirthDate)
}

// orderTerms returns all search terms of an order.
func orderTerms(o *order.Order) []searchTerm {
	terms := slices.Concat(patientTerms(o.Patient), patientNamePairs(o.Patient), recipientTerms(o.Shipping))
	if o.Results != nil {
		terms = append(terms, searchTerm{searchInterpretation, string(o.Results.Interpretation)})
	}
	return terms
}

func patientNamePairs(p *order.Patient) []searchTerm {
	if p == nil {
		return nil
	}
	return namePairTerms(searchNamePair, order.NameRuns(p.FirstName, p.LastName))
}

// nameTerms returns the spellings of the words of a name.
func nameTerms(field string, runs []order.NameRun) (terms []searchTerm) {
	for _, r := range runs {
		if t := (searchTerm{field, r.Text}); !slices.Contains(terms, t) {
			terms = append(terms, t)
		}
	}
	return terms
}

// namePairTerms returns the pairs of different words of a name.
func namePairTerms(field string, runs []order.NameRun) (terms []searchTerm) {
	seen := map[searchTerm]bool{}
	for i, one := range runs {
		for _, other := range runs[i+1:] {
			t := namePairTerm(field, min(one.Text, other.Text), max(one.Text, other.Text))
			if one.Text != other.Text && !one.Overlaps(other) && !seen[t] {
				seen[t] = true
				terms = append(terms, t)
			}
		}
	}
	return terms
}

// namePairTerm returns the term of two words, which have to be in alphabetical order.
func namePairTerm(field, one, other string) searchTerm { return searchTerm{field, one + " " + other} }

// recipientTerms returns the terms of the recipient. They are empty for an order that was created for a patient.
func recipientTerms(to *order.ShippingAddress) []searchTerm {
	if to == nil {
		return nil
	}
	runs := order.NameRuns(to.ReceiverName, "")
	return append(namePairTerms(searchRecipientPair, runs), nameTerms(searchRecipient, runs)...)
}

// patientTerms returns the terms of the patient. They are empty for a kit that is not registered yet.
func patientTerms(p *order.Patient) []searchTerm {
	if p == nil {
		return nil
	}
	terms := []searchTerm{{searchFullName, normaliseName(p.FirstName + " " + p.LastName)},
		{searchBirthDate, p.DOB.String()}}
	return append(terms, nameTerms(searchName, order.NameRuns(p.FirstName, p.LastName))...)
}

// testedPatientTerms returns the search terms of the patient that the lab names. They are empty when the lab gives no
// name or no date of birth.
func testedPatientTerms(t *order.TestedPatient) []searchTerm {
	if t == nil {
		return nil
	}
	full, born := normaliseName(t.FirstName+" "+t.LastName), t.BirthDates()
	if full == "" || len(born) == 0 {
		return nil
	}
	terms := []searchTerm{{searchFullName, full}}
	for _, day := range born {
		terms = append(terms, searchTerm{searchBirthDate, day.String()})
	}
	return append(terms, nameTerms(searchName, order.NameRuns(t.FirstName, t.LastName))...)
}
