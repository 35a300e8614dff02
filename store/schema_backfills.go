package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/migrator"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// backfills fill what a migration or a release has added in the rows that were there before. CONTRIBUTING.md says how
// one is written. An entry stays as long as any release that can be upgraded from has not finished it.
func (s *Store) backfills() []migrator.Backfill {
	return []migrator.Backfill{
		{Name: "folded_names_of_orders", Table: "orders", Fill: s.fillEach("orders", s.refillOrderNames)},
		{Name: "folded_names_of_reviews", Table: "reviews", Fill: s.fillEach("reviews", s.refillReviewNames)},
	}
}

// fillEach returns the Fill of a back-fill that needs the encryption keys: it calls fill with the id of each row. A row
// whose data cannot be opened stays as it is.
func (s *Store) fillEach(table string, fill func(ctx context.Context, tx *sql.Tx, id string) error) func(
	ctx context.Context, tx *sql.Tx, after, through string) error {
	return func(ctx context.Context, tx *sql.Tx, after, through string) error {
		ids, err := sqldb.QueryAll(ctx, tx, sqldb.ScanText,
			`SELECT CAST(id AS TEXT) FROM `+table+` WHERE id > $1 AND id <= $2 ORDER BY id`, after, through)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := fill(ctx, tx, id); err != nil && !errors.Is(err, keyring.ErrNotOpened) {
				return fmt.Errorf("of %s: %w", id, err)
			}
		}
		return nil
	}
}

// refillOrderNames writes the search terms of an order's names anew. It locks the order first, as each transaction does
// that changes its terms.
func (s *Store) refillOrderNames(ctx context.Context, tx *sql.Tx, id string) error {
	orders := searchTables[0]
	if _, err := tx.ExecContext(ctx, orders.lockStatement, id); err != nil {
		return err
	}
	terms, err := s.loadOrderTerms(ctx, tx, id)
	if err != nil {
		return err
	}
	_, err = s.replaceFields(ctx, tx, id, terms, slices.Concat(orders.names, orders.pairs))
	return err
}

func (s *Store) refillReviewNames(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, searchTables[1].lockStatement, id); err != nil {
		return err
	}
	terms, err := s.loadReviewTerms(ctx, tx, id)
	if err != nil || len(terms) == 0 {
		return err
	}
	return s.insertReviewSearchTerms(ctx, tx, id, terms)
}
