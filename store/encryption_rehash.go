package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// searchTable describes a table of search hashes, and how to read the terms of its subjects, to hash them again.
type searchTable struct {
	name          string
	subject       string   // the column of the subject's id
	lockStatement string   // locks the subject $1
	copiedColumns string   // the other columns, each after a comma
	pairs         []string // the fields of pairs of words, of which older releases stored any number
	loadTerms     func(s *Store, ctx context.Context, tx *sql.Tx, id string) ([]searchTerm, error)
}

var searchTables = []searchTable{
	{name: "order_search", subject: "order_id", copiedColumns: ", team_id, created_at",
		pairs:         []string{searchNamePair, searchRecipientPair},
		lockStatement: `UPDATE order_states SET revision = revision WHERE order_id = $1`,
		loadTerms:     (*Store).loadOrderTerms},
	{name: "review_search", subject: "review_id",
		lockStatement: `UPDATE reviews SET updated_at = updated_at WHERE id = $1`, loadTerms: (*Store).loadReviewTerms},
	{name: "lab_account_webhook_keys", subject: "account_id", copiedColumns: ", partner",
		lockStatement: `UPDATE lab_accounts SET status = status WHERE id = $1`, loadTerms: (*Store).loadWebhookTerms},
}

func (s *Store) loadOrderTerms(ctx context.Context, tx *sql.Tx, id string) ([]searchTerm, error) {
	o, err := s.loadOrder(ctx, tx, "", id)
	if err != nil {
		return nil, err
	}
	return orderTerms(o), nil
}

func (s *Store) loadReviewTerms(ctx context.Context, tx *sql.Tx, id string) ([]searchTerm, error) {
	r, err := s.reviewByID(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	terms := testedPatientTerms(r.Report.Patient)
	if len(terms) > 0 || r.OrderID == "" {
		return terms, nil
	}
	o, err := s.loadOrder(ctx, tx, "", r.OrderID)
	if err != nil {
		return nil, err
	}
	return patientTerms(o.Patient), nil
}

// rehashTable replaces the hashes of a table that older keys made, subject by subject.
func (s *Store) rehashTable(ctx context.Context, t searchTable, done *ColumnRotation,
	report func(ColumnRotation)) error {
	for after := sqldb.NilID; ; {
		subjects, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, fmt.Sprintf(`SELECT DISTINCT %[1]s FROM %[2]s
			WHERE %[1]s > $1 AND substr(hash, 1, $2) <> $3 ORDER BY %[1]s LIMIT %[3]d`, t.subject, t.name, rotationBatch),
			after, keyring.HashPrefixSize, s.keys.Keys()[0].HashPrefix)
		if err != nil {
			return err
		}
		for _, id := range subjects {
			if err := s.rehashSubject(ctx, t, id, done); err != nil {
				return fmt.Errorf("of %s: %w", id, err)
			}
		}
		if len(subjects) > 0 {
			report(*done)
		}
		if len(subjects) < rotationBatch {
			return nil
		}
		after = subjects[len(subjects)-1]
	}
}

// rehashSubject replaces the older hashes of one subject. Its first statement locks the subject. Every
// transaction that changes the terms of a subject locks it too.
func (s *Store) rehashSubject(ctx context.Context, t searchTable, id string, done *ColumnRotation) error {
	var replaced, unknown int
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, t.lockStatement, id); err != nil {
			return err
		}
		terms, err := t.loadTerms(s, ctx, tx, id)
		if errors.Is(err, keyring.ErrNotOpened) {
			terms, err = nil, nil // the hashes stay, and are counted as unreadable
		}
		if err != nil {
			return err
		}
		pairs, err := s.replacePairs(ctx, tx, t, id, terms)
		if err != nil {
			return err
		}
		replaced, unknown, err = s.replaceHashes(ctx, tx, t, id, terms)
		replaced += pairs
		return err
	})
	if err != nil {
		return err
	}
	done.Replaced += replaced
	done.Unreadable += unknown
	return nil
}

// replacePairs replaces all pairs of words of an order by those among its terms, and returns their number. Without
// terms, which could not be read, the pairs stay.
func (s *Store) replacePairs(ctx context.Context, tx *sql.Tx, t searchTable, id string, terms []searchTerm) (int, error) {
	pairs := slices.DeleteFunc(slices.Clone(terms), func(term searchTerm) bool {
		return !slices.Contains(t.pairs, term.field)
	})
	if len(terms) == 0 || len(t.pairs) == 0 {
		return 0, nil
	}
	return len(pairs), s.replaceSearchTerms(ctx, tx, id, pairs, t.pairs...)
}

// replaceHashes replaces the older hashes of these terms, and counts the hashes that belong to none of them.
func (s *Store) replaceHashes(ctx context.Context, tx *sql.Tx, t searchTable, id string,
	terms []searchTerm) (replaced, unknown int, err error) {
	type hashed struct{ field, hash string }
	stored, err := sqldb.QueryAll(ctx, tx, func(row sqldb.Scanner) (h hashed, err error) {
		err = row.Scan(&h.field, &h.hash)
		return h, err
	}, fmt.Sprintf(`SELECT field, hash FROM %s WHERE %s = $1 AND substr(hash, 1, $2) <> $3`, t.name, t.subject),
		id, keyring.HashPrefixSize, s.keys.Keys()[0].HashPrefix)
	if err != nil {
		return 0, 0, err
	}
	fresh := map[hashed]string{}
	for _, term := range terms {
		for _, hash := range s.keys.SearchHashes(term.field, term.value) {
			fresh[hashed{term.field, hash}] = s.keys.SearchHash(term.field, term.value)
		}
	}
	for _, old := range stored {
		hash, ok := fresh[old]
		if !ok {
			unknown++
			continue
		}
		_, err = tx.ExecContext(ctx,
			fmt.Sprintf(`INSERT INTO %[1]s (%[2]s, field, hash%[3]s) SELECT %[2]s, field, $4%[3]s FROM %[1]s
			WHERE %[2]s = $1 AND field = $2 AND hash = $3 ON CONFLICT DO NOTHING`,
				t.name, t.subject, t.copiedColumns), id, old.field, old.hash, hash)
		if err != nil {
			return 0, 0, err
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf(`DELETE FROM %s WHERE %s = $1 AND field = $2 AND hash = $3`, t.name,
			t.subject),
			id, old.field, old.hash)
		if err != nil {
			return 0, 0, err
		}
		replaced++
	}
	return replaced, unknown, nil
}
