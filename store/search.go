package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/aliquot-labs/aliquot/order"
)

// The fields that orders are searched by. Each is kept as a keyed hash of the whole term, so a search finds whole names and days,
// never parts of them.
const (
	searchName           = "name" // one word of the first or last name
	searchFullName       = "full_name"
	searchBirthDate      = "birth_date"
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
	return s.reindex(ctx, tx, orderID, patientTerms(p), searchName, searchFullName, searchBirthDate)
}

// recipientTerms is empty for an order that was placed for a patient.
func recipientTerms(to *order.ShippingAddress) []searchTerm {
	if to == nil {
		return nil
	}
	var terms []searchTerm
	for word := range strings.FieldsSeq(normalise(to.ReceiverName)) {
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

// CompleteSearch writes whose the terms of up to limit orders are, where a process from before migration 13 has written them
// meanwhile, and counts the terms. Until then a list does not find the orders by them.
func (s *Store) CompleteSearch(ctx context.Context, limit int) (int, error) {
	n, err := change(ctx, s.write, `UPDATE order_search SET
			team_id = (SELECT team_id FROM orders WHERE id = order_search.order_id),
			created_at = (SELECT created_at FROM orders WHERE id = order_search.order_id)
		WHERE team_id = '' AND order_id IN (SELECT order_id FROM order_search WHERE team_id = '' ORDER BY order_id LIMIT $1)`, limit)
	if err != nil {
		return 0, fmt.Errorf("completing search terms: %w", err)
	}
	return int(n), nil
}
