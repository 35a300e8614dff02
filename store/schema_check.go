package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ErrOldSchema means that the database lacks a migration that this build needs, or has no schema at all.
var ErrOldSchema = errors.New("the database lacks a migration that this build needs: run aliquot migrate")

// CheckSchema returns ErrOldSchema if the database lacks a migration of this build. A newer schema is good: its
// migrations leave this build working.
func (s *Store) CheckSchema(ctx context.Context) error {
	needed, err := migrationVersions(s.db.Dialect)
	if err != nil {
		return err
	}
	applied, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanInt,
		`SELECT DISTINCT version_id FROM goose_db_version WHERE version_id > 0 AND is_applied`)
	if err != nil && !sqldb.IsMissingSchema(err) {
		return fmt.Errorf("reading the version of the schema: %w", err)
	}
	has := map[int]bool{}
	for _, version := range applied {
		has[version] = true
	}
	for _, version := range needed {
		if !has[version] {
			return fmt.Errorf("%w (%05d)", ErrOldSchema, version)
		}
	}
	return nil
}

// migrationVersions returns the numbers of the migrations of this build, in ascending order.
func migrationVersions(engine sqldb.Dialect) ([]int, error) {
	files, err := Migrations(engine)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("listing the migrations: %w", err)
	}
	versions := make([]int, len(names))
	for i, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if versions[i], err = strconv.Atoi(number); err != nil {
			return nil, fmt.Errorf("reading the number of the migration %s: %w", name, err)
		}
	}
	return versions, nil
}
