package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// foldNumber returns the number of an order, a kit or a sample as all its spellings have it: without blanks, hyphens
// and invisible characters, in capital letters. People type numbers from labels.
func foldNumber(number string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.In(r, unicode.Cc, unicode.Cf) {
			return -1
		}
		return unicode.ToUpper(r)
	}, norm.NFKC.String(number))
}

// OrderIDBySample finds a team's order by its sample_id, which is printed on a kit. An order with exactly that id comes
// first. Else the id may be written in small letters or with blanks and hyphens, if only one sample_id is meant. A lab
// may use an id twice; the newest order with it is returned. The error is ErrNotFound when there is none.
func (s *Store) OrderIDBySample(ctx context.Context, teamID, sampleID string) (string, error) {
	id, err := s.OrderIDByExactSample(ctx, teamID, sampleID)
	key := foldNumber(sampleID)
	if !errors.Is(err, ErrNotFound) || key == "" {
		return id, err
	}
	var where sqldb.Where
	where.And("sample_key = ? AND sample_key <> ''", key)
	where.AndIfSet("team_id = ?", teamID)
	type sample struct{ id, sampleID string }
	found, err := sqldb.QueryAll(ctx, s.db.Reader, func(row sqldb.Scanner) (f sample, err error) {
		err = row.Scan(&f.id, &f.sampleID)
		return f, err
	}, `SELECT (SELECT n.id FROM orders n WHERE n.sample_id = o.sample_id AND n.team_id = o.team_id
			ORDER BY n.created_at DESC, n.id DESC LIMIT 1), o.sample_id
		FROM orders o`+where.String()+` GROUP BY o.team_id, o.sample_id LIMIT 2`, where.Args...)
	if err == nil && len(found) != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("finding an order by the spelling of its sample: %w", err)
	}
	return found[0].id, nil
}

// OrderIDByExactSample is OrderIDBySample for the sample_id as it is stored.
func (s *Store) OrderIDByExactSample(ctx context.Context, teamID, sampleID string) (string, error) {
	var where sqldb.Where
	where.AndIn("sample_id IN (?)", s.codeForms(sampleID))
	where.AndTerm("sample_id <> ''")
	where.AndIfSet("team_id = ?", teamID)
	id, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT id FROM orders`+where.String()+` ORDER BY created_at DESC, id DESC LIMIT 1`, where.Args...)
	if err != nil {
		return "", fmt.Errorf("finding an order by its sample: %w", err)
	}
	return id, nil
}

// StoredOrderNumber returns the number of the order that a lab means by a number that no order has exactly: the one
// order of these lab accounts whose number is the same in other letters, blanks or hyphens. If there is none, or there
// are several, it returns the number as it was reported.
func (s *Store) StoredOrderNumber(ctx context.Context, reported string, accountIDs []string) (string, error) {
	key := foldNumber(reported)
	if key == "" || len(accountIDs) == 0 {
		return reported, nil
	}
	var where sqldb.Where
	where.AndIn("lab_account_id IN (?)", accountIDs)
	where.AndTerm("(" + where.Bind("number = ?", []string{key}) + " OR " +
		where.Bind("sample_key = ?", []string{key}) + " AND sample_key <> '' AND number = sample_id)")
	found, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, `SELECT number FROM orders`+where.String()+` LIMIT 2`,
		where.Args...)
	if err != nil {
		return "", fmt.Errorf("finding an order by the spelling of its number: %w", err)
	}
	if len(found) != 1 {
		return reported, nil
	}
	return found[0], nil
}
