package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
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

// normaliseName makes spellings of one name equal: Unicode NFKC, lower case, single spaces, words without punctuation at their ends.
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

// addSearchTerms makes the order searchable by these terms.
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

// replaceSearchTerms replaces the terms of some fields.
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

// orderTerms are all terms that an order may be searched by.
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

// namePairTerms are the pairs of different words of a name.
func namePairTerms(field, name string) (terms []searchTerm) {
	words := sortedUnique(strings.Fields(name))
	for i, one := range words {
		for _, other := range words[i+1:] {
			terms = append(terms, namePairTerm(field, one, other))
		}
	}
	return terms
}

// namePairTerm is of two words in the order of the alphabet.
func namePairTerm(field, one, other string) searchTerm { return searchTerm{field, one + " " + other} }

// recipientTerms is empty for an order that was placed for a patient.
func recipientTerms(to *order.ShippingAddress) []searchTerm {
	if to == nil {
		return nil
	}
	name := normaliseName(to.ReceiverName)
	terms := namePairTerms(searchRecipientPair, name)
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
	full := normaliseName(p.FirstName + " " + p.LastName)
	terms := []searchTerm{{searchFullName, full}, {searchBirthDate, p.DOB.String()}}
	for _, word := range strings.Fields(full) {
		terms = append(terms, searchTerm{searchName, word})
	}
	return terms
}

// completionBatch is how many orders' terms Migrate completes at a time.
const completionBatch = 500

// completeAllSearchTerms completes the terms of all orders, after a migration.
func (s *Store) completeAllSearchTerms(ctx context.Context) error {
	for {
		if n, err := s.CompleteSearchTerms(ctx, completionBatch); err != nil || n == 0 {
			return err
		}
	}
}

// CompleteSearchTerms writes the terms of up to limit orders anew which a process from before migration 13 has written, without what lists
// find them by, and counts the orders. They need the orders' names, so the migration itself cannot.
func (s *Store) CompleteSearchTerms(ctx context.Context, limit int) (int, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT DISTINCT order_id FROM order_search WHERE team_id = '' ORDER BY order_id LIMIT $1`, limit)
	if err != nil {
		return 0, fmt.Errorf("listing incomplete search terms: %w", err)
	}
	for _, id := range ids {
		if err := s.db.InTx(ctx, func(tx *sql.Tx) error { return s.completeOrderSearchTerms(ctx, tx, id) }); err != nil {
			return 0, fmt.Errorf("completing the search terms of order %s: %w", id, err)
		}
	}
	return len(ids), nil
}

// completeOrderSearchTerms writes the terms of one order anew. Whoever changes them changes the order's row in the same transaction, so that is
// locked first. What does not open keeps the terms that it has.
func (s *Store) completeOrderSearchTerms(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE orders SET updated_at = updated_at WHERE id = $1`, id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE order_search SET team_id = (SELECT team_id FROM orders WHERE id = $1),
		created_at = (SELECT created_at FROM orders WHERE id = $1) WHERE order_id = $1`, id)
	if err != nil {
		return err
	}
	o, err := s.loadOrder(ctx, tx, "", id)
	if errors.Is(err, keyring.ErrNotOpened) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.addSearchTerms(ctx, tx, id, orderTerms(o))
}
