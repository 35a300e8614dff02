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

// maxNameWords is the most words of a name by which an order or a review is found: its first ones. The number of pairs
// grows with the square of it, and a partner may send a name of any length.
const maxNameWords = 20

// nameWords returns the words of a normalised name by which it is found, without duplicates and in alphabetical order.
func nameWords(name string) []string {
	words := make([]string, 0, maxNameWords)
	for word := range strings.FieldsSeq(name) {
		if len(words) == maxNameWords {
			break
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}

// normaliseName returns the same text for different spellings of one name: Unicode NFKC, lower case, single spaces, no
// punctuation at the ends of words.
func normaliseName(name string) string {
	var words []string
	for _, w := range strings.Fields(strings.ToLower(norm.NFKC.String(name))) {
		if w = strings.TrimFunc(w, unicode.IsPunct); w != "" {
			words = append(words, w)
		}
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
	return namePairTerms(searchNamePair, normaliseName(p.FirstName+" "+p.LastName))
}

// namePairTerms returns the pairs of different words of a name.
func namePairTerms(field, name string) (terms []searchTerm) {
	words := nameWords(name)
	for i, one := range words {
		for _, other := range words[i+1:] {
			terms = append(terms, namePairTerm(field, one, other))
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
	name := normaliseName(to.ReceiverName)
	terms := namePairTerms(searchRecipientPair, name)
	for _, word := range nameWords(name) {
		terms = append(terms, searchTerm{searchRecipient, word})
	}
	return terms
}

// patientTerms returns the terms of the patient. They are empty for a kit that is not registered yet.
func patientTerms(p *order.Patient) []searchTerm {
	if p == nil {
		return nil
	}
	full := normaliseName(p.FirstName + " " + p.LastName)
	terms := []searchTerm{{searchFullName, full}, {searchBirthDate, p.DOB.String()}}
	for _, word := range nameWords(full) {
		terms = append(terms, searchTerm{searchName, word})
	}
	return terms
}
