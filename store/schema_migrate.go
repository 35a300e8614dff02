package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/aliquot-labs/aliquot/store/migrator"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Each engine has its own files. Those of the same number make the same tables and columns.
//
//go:embed migrations/postgres/*.sql migrations/sqlite/*.sql
var migrations embed.FS

// ErrUnreleasedSchema is the error for a database that a build from before the first release made. Those builds
// numbered their migrations differently, so this build cannot know the schema of such a database.
var ErrUnreleasedSchema = errors.New("the database was made by an unreleased build: create a new database")

// Migrate brings the schema up to date while other processes read and write the database, and makes the partitions that
// are missing. Running it again, or in several processes at once, is harmless. It takes as long as it needs: index
// builds and waits for locks have no limit but the context.
func (s *Store) Migrate(ctx context.Context) error {
	m, err := s.migrator()
	if err != nil {
		return err
	}
	if err := m.Up(ctx); err != nil {
		return err
	}
	if err := s.finishEmptyBackfills(ctx, m); err != nil {
		return err
	}
	_, err = s.MakePartitions(ctx)
	return err
}

// finishEmptyBackfills finishes the back-fills of a database without orders and reviews, where they have nothing to do.
func (s *Store) finishEmptyBackfills(ctx context.Context, m *migrator.Migrator) error {
	rows, err := sqldb.QueryAll(ctx, s.db.Writer, sqldb.ScanInt,
		`SELECT 1 FROM (SELECT id FROM orders UNION ALL SELECT id FROM reviews) r LIMIT 1`)
	if err != nil || len(rows) > 0 {
		return err
	}
	return m.Fill(ctx)
}

// Backfill runs the back-fills that are not finished. It is for a time at which no process of the release before runs.
func (s *Store) Backfill(ctx context.Context) error {
	m, err := s.migrator()
	if err != nil {
		return err
	}
	return m.Fill(ctx)
}

// UnfinishedBackfills returns the names of the back-fills that are not finished.
func (s *Store) UnfinishedBackfills(ctx context.Context) ([]string, error) {
	m, err := s.migrator()
	if err != nil {
		return nil, err
	}
	return m.Unfinished(ctx)
}

// refuseUnreleasedSchema returns ErrUnreleasedSchema for a database that an unreleased build made, and nil for an empty
// database. The versions of releases are 1, 2, 3 and so on. Those of unreleased builds had gaps, or the database has
// none of the tables that came with the last of them. A newer release may have added versions: its migrations leave
// this build working.
func (s *Store) refuseUnreleasedSchema(ctx context.Context) error {
	versions, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanInt,
		`SELECT DISTINCT version_id FROM goose_db_version WHERE version_id > 0 ORDER BY version_id`)
	if sqldb.IsMissingSchema(err) || err == nil && len(versions) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the version of the schema: %w", err)
	}
	for i, version := range versions {
		if version != i+1 {
			return fmt.Errorf("the schema has migration %d: %w", versions[len(versions)-1], ErrUnreleasedSchema)
		}
	}
	_, err = sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanInt, `SELECT shard FROM order_counts WHERE 1 = 0`)
	if sqldb.IsMissingSchema(err) {
		return fmt.Errorf("the schema has migration %d: %w", len(versions), ErrUnreleasedSchema)
	}
	if err != nil {
		return fmt.Errorf("looking for the table order_counts: %w", err)
	}
	return nil
}

func (s *Store) migrator() (*migrator.Migrator, error) { return s.migratorWith(s.backfills()) }

// Migrations returns the files of an engine's migrations.
func Migrations(engine sqldb.Dialect) (fs.FS, error) {
	files, err := fs.Sub(migrations, "migrations/"+string(engine))
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return files, nil
}

func (s *Store) migratorWith(backfills []migrator.Backfill) (*migrator.Migrator, error) {
	files, err := Migrations(s.db.Dialect)
	if err != nil {
		return nil, err
	}
	return migrator.New(s.db, migrator.Options{Files: files, Backfills: backfills})
}
