package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// PutLab adds a laboratory, or replaces the one with the same id.
func (s *Store) PutLab(ctx context.Context, l order.Lab) error { return putLab(ctx, s.db.Writer, l) }

func putLab(ctx context.Context, q sqldb.Querier, l order.Lab) error {
	document, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encoding lab %s: %w", l.Slug, err)
	}
	_, err = q.ExecContext(ctx, `INSERT INTO labs (id, slug, document) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, document = excluded.document`, l.ID, l.Slug, string(document))
	if err != nil {
		return sqldb.WrapWriteError(err, "lab", l.Slug)
	}
	return nil
}

// Labs lists all laboratories, by id.
func (s *Store) Labs(ctx context.Context) ([]order.Lab, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanLab, `SELECT document FROM labs ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("listing labs: %w", err)
	}
	return all, nil
}

func scanLab(row sqldb.Scanner) (order.Lab, error) {
	var document string
	var l order.Lab
	if err := row.Scan(&document); err != nil {
		return order.Lab{}, err
	}
	if err := json.Unmarshal([]byte(document), &l); err != nil {
		return order.Lab{}, fmt.Errorf("decoding a lab: %w", err)
	}
	return l, nil
}

// PutLabTest adds a lab test, or replaces the one with the same id, and stores its lab too. An empty teamID offers the
// lab test to all teams. The error is ErrConflict when the id belongs to another team. Existing orders keep the lab
// test as it was when they were created.
func (s *Store) PutLabTest(ctx context.Context, teamID string, t order.LabTest) error {
	if _, err := order.ResolvePolicy(t.Policy); err != nil {
		return fmt.Errorf("putting lab test %s: %w", t.ID, err)
	}
	return s.db.InTx(ctx, func(tx *sql.Tx) error { return s.putLabTest(ctx, tx, teamID, t) })
}

func (s *Store) putLabTest(ctx context.Context, tx *sql.Tx, teamID string, t order.LabTest) error {
	if err := sqldb.RequireIDs("the id", t.ID); err != nil {
		return fmt.Errorf("writing a lab test: %w", err)
	}
	var lab *int
	if t.Lab != nil {
		lab = &t.Lab.ID
		if err := putLab(ctx, tx, *t.Lab); err != nil {
			return err
		}
	}
	t.Lab = nil // stored once, in its own table
	document, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encoding lab test %s: %w", t.ID, err)
	}
	n, err := sqldb.ExecCount(ctx, tx,
		`INSERT INTO lab_tests (id, team_id, lab_id, slug, status, method, document, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
		ON CONFLICT (id) DO UPDATE SET lab_id = excluded.lab_id, slug = excluded.slug, status = excluded.status,
			method = excluded.method, document = excluded.document, updated_at = excluded.updated_at
		WHERE lab_tests.team_id IS NOT DISTINCT FROM excluded.team_id`,
		t.ID, sqldb.IDOrNull(teamID), lab, t.Slug, t.Status, string(t.Method), string(document), sqldb.ToMicros(s.now()))
	if err != nil {
		return fmt.Errorf("writing lab test %s: %w", t.ID, err)
	}
	if n == 0 {
		return fmt.Errorf("writing lab test %s of another team: %w", t.ID, ErrConflict)
	}
	return nil
}

const selectLabTests = `SELECT t.document, l.document FROM lab_tests t LEFT JOIN labs l ON l.id = t.lab_id`

// labTestsOwnedBy restricts lab tests to those of one team, or to those of all teams if teamID is empty.
func labTestsOwnedBy(teamID string) (where sqldb.Where) {
	if teamID == "" {
		where.AndTerm("t.team_id IS NULL")
		return where
	}
	where.And("t.team_id = ?", teamID)
	return where
}

// labTestsSeenBy restricts lab tests to those that a team may order. An empty teamID does not restrict them.
func labTestsSeenBy(teamID string) (where sqldb.Where) {
	where.AndIfSet("(t.team_id IS NULL OR t.team_id = ?)", teamID)
	return where
}

// LabTest reads one lab test, whatever its status, that belongs to the team or to all teams. The error is ErrNotFound
// when there is none.
func (s *Store) LabTest(ctx context.Context, teamID, id string) (order.LabTest, error) {
	t, err := labTest(ctx, s.db.Reader, teamID, id)
	if err != nil {
		return order.LabTest{}, fmt.Errorf("reading lab test %s: %w", id, err)
	}
	return t, nil
}

func labTest(ctx context.Context, q sqldb.Querier, teamID, id string) (order.LabTest, error) {
	where := labTestsSeenBy(teamID)
	where.And("t.id = ?", id)
	return sqldb.QueryOne(ctx, q, scanLabTest, selectLabTests+where.String(), where.Args...)
}

// LabTestSort is the sort order of a list of lab tests.
type LabTestSort string

// The sort orders of lab tests.
const (
	LabTestsByCreation LabTestSort = "created_at"
	LabTestsByChange   LabTestSort = "updated_at"
)

// LabTests lists the lab tests of the team and those of all teams, whatever their status, oldest first by the given
// time.
func (s *Store) LabTests(ctx context.Context, teamID string, by LabTestSort) ([]order.LabTest, error) {
	where := labTestsSeenBy(teamID)
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanLabTest,
		selectLabTests+where.String()+` ORDER BY t.`+string(by)+`, t.id`, where.Args...)
	if err != nil {
		return nil, fmt.Errorf("listing lab tests: %w", err)
	}
	return all, nil
}

func scanLabTest(row sqldb.Scanner) (order.LabTest, error) {
	var document string
	var lab sql.Null[string]
	if err := row.Scan(&document, &lab); err != nil {
		return order.LabTest{}, err
	}
	var t order.LabTest
	if err := json.Unmarshal([]byte(document), &t); err != nil {
		return order.LabTest{}, fmt.Errorf("decoding a lab test: %w", err)
	}
	if !lab.Valid {
		return t, nil
	}
	t.Lab = new(order.Lab)
	if err := json.Unmarshal([]byte(lab.V), t.Lab); err != nil {
		return order.LabTest{}, fmt.Errorf("decoding a lab: %w", err)
	}
	return t, nil
}

// ChangeLabTest changes a lab test that belongs to the team; an empty teamID allows any lab test. Existing orders keep
// the lab test as it was when they were created. The error is that of the function change, ErrNotFound when the team
// does not see the lab test, or ErrConflict when the lab test belongs to all teams.
func (s *Store) ChangeLabTest(ctx context.Context, teamID, id string,
	change func(*order.LabTest) error) (order.LabTest, error) {
	var t order.LabTest
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		lock := ""
		if s.db.Dialect == sqldb.Postgres {
			lock = " FOR UPDATE"
		}
		owner, err := sqldb.QueryOne(ctx, tx, sqldb.ScanOptionalText,
			`SELECT team_id FROM lab_tests WHERE id = $1`+lock, id)
		if err != nil {
			return err
		}
		if t, err = labTest(ctx, tx, teamID, id); err != nil {
			return err
		}
		if teamID != "" && owner != teamID {
			return ErrConflict
		}
		if err := change(&t); err != nil {
			return err
		}
		return s.putLabTest(ctx, tx, owner, t)
	})
	if err != nil {
		return order.LabTest{}, fmt.Errorf("changing lab test %s: %w", id, err)
	}
	return t, nil
}

func scanMarker(row sqldb.Scanner) (order.Marker, error) {
	text, err := sqldb.ScanText(row)
	if err != nil {
		return order.Marker{}, err
	}
	var m order.Marker
	return m, decodeJSON(text, &m)
}

// Markers lists all markers of the catalogue by id, orderable or not. Markers of lab tests that were not imported are
// not included; they are stored in their lab tests only.
func (s *Store) Markers(ctx context.Context) ([]order.Marker, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanMarker, `SELECT document FROM markers ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("listing markers: %w", err)
	}
	return all, nil
}
