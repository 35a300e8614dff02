package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/aliquot-labs/aliquot/order"
)

// The fields that orders are searched by. Each is kept as a keyed hash of the whole term, so a search finds whole names and days,
// never parts of them.
const (
	searchName           = "name"      // one word of the first or last name
	searchNamePair       = "name_pair" // two of them, because many share either
	searchFullName       = "full_name"
	searchBirthDate      = "birth_date"
	searchRecipientPair  = "recipient_pair"
	searchRecipient      = "recipient"      // one word of the name of who gets a kit that is registered later
	searchInterpretation = "interpretation" // of the newest results that the client sees
)

// normalise makes spellings of one name equal: Unicode NFKC, lower case, single spaces, words without punctuation at their ends.
func normalise(name string) string {
	var words []string
	for _, w := range strings.Fields(strings.ToLower(norm.NFKC.String(name))) {
		if w = strings.TrimFunc(w, unicode.IsPunct); w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

type searchTerm struct{ field, value string }

// index makes the order searchable by these terms.
func (s *Store) index(ctx context.Context, tx *sql.Tx, orderID string, terms []searchTerm) error {
	for _, t := range terms {
		_, err := tx.ExecContext(ctx, `INSERT INTO order_search (order_id, field, hash, team_id, created_at)
			SELECT id, $2, $3, team_id, created_at FROM orders WHERE id = $1 ON CONFLICT DO NOTHING`,
			orderID, t.field, s.keys.Hash(t.field, t.value))
		if err != nil {
			return fmt.Errorf("writing search terms of order %s: %w", orderID, err)
		}
	}
	return nil
}

// reindex replaces the terms of some fields.
func (s *Store) reindex(ctx context.Context, tx *sql.Tx, orderID string, terms []searchTerm, fields ...string) error {
	for _, field := range fields {
		_, err := tx.ExecContext(ctx, `DELETE FROM order_search WHERE order_id = $1 AND field = $2`, orderID, field)
		if err != nil {
			return fmt.Errorf("removing search terms of order %s: %w", orderID, err)
		}
	}
	return s.index(ctx, tx, orderID, terms)
}

func (s *Store) reindexPatient(ctx context.Context, tx *sql.Tx, orderID string, p *order.Patient) error {
	return s.reindex(ctx, tx, orderID, append(patientTerms(p), patientPairs(p)...), searchName, searchNamePair, searchFullName, searchBirthDate)
}

// termsOf are all terms that an order may be searched by.
func termsOf(o *order.Order) []searchTerm {
	terms := slices.Concat(patientTerms(o.Patient), patientPairs(o.Patient), recipientTerms(o.Shipping))
	if o.Results != nil {
		terms = append(terms, searchTerm{searchInterpretation, string(o.Results.Interpretation)})
	}
	return terms
}

func patientPairs(p *order.Patient) []searchTerm {
	if p == nil {
		return nil
	}
	return pairTerms(searchNamePair, normalise(p.FirstName+" "+p.LastName))
}

// pairTerms are the pairs of different words of a name.
func pairTerms(field, name string) (terms []searchTerm) {
	words := unrepeated(strings.Fields(name))
	for i, one := range words {
		for _, other := range words[i+1:] {
			terms = append(terms, pairTerm(field, one, other))
		}
	}
	return terms
}

// pairTerm is of two words in the order of the alphabet.
func pairTerm(field, one, other string) searchTerm { return searchTerm{field, one + " " + other} }

// recipientTerms is empty for an order that was placed for a patient.
func recipientTerms(to *order.ShippingAddress) []searchTerm {
	if to == nil {
		return nil
	}
	name := normalise(to.ReceiverName)
	terms := pairTerms(searchRecipientPair, name)
	for word := range strings.FieldsSeq(name) {
		terms = append(terms, searchTerm{searchRecipient, word})
	}
	return terms
}

// patientTerms is empty for a kit that nobody has registered yet.
func patientTerms(p *order.Patient) []searchTerm {
	if p == nil {
		return nil
	}
	full := normalise(p.FirstName + " " + p.LastName)
	terms := []searchTerm{{searchFullName, full}, {searchBirthDate, p.DOB.String()}}
	for _, word := range strings.Fields(full) {
		terms = append(terms, searchTerm{searchName, word})
	}
	return terms
}
