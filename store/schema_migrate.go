package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Each engine has its own files. Those of the same number make the same tables and columns.
//
//go:embed migrations/postgres/*.sql migrations/sqlite/*.sql
var migrations embed.FS

// ErrUnreleasedSchema is the error for a database that a build from before the first release made. Those builds
// numbered their migrations differently, so this build cannot know the schema of such a database.
var ErrUnreleasedSchema = errors.New("the database was made by an unreleased build: create a new database")

// Migrate brings the schema up to date and makes the partitions that are missing. Running it again, or in several
// processes at once, is harmless.
func (s *Store) Migrate(ctx context.Context) error {
	p, err := s.migrator()
	if err != nil {
		return err
	}
	for at := int64(-1); ; {
		_, err := p.Up(ctx)
		if err == nil {
			_, err = s.MakePartitions(ctx)
			return err
		}
		// SQLite has no lock for migrations. When two processes begin the same migration, one of them fails because the
		// other has done it. That one continues as long as the schema's version rises.
		now, versionErr := p.GetDBVersion(ctx)
		if versionErr != nil || now <= at || s.db.Dialect != sqldb.SQLite {
			return fmt.Errorf("migrating: %w", err)
		}
		at = now
	}
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

func (s *Store) migrator() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+string(s.db.Dialect))
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	kind := goose.DialectSQLite3
	var options []goose.ProviderOption
	if s.db.Dialect == sqldb.Postgres {
		// Asks once a second, for up to five minutes.
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, fmt.Errorf("preparing the migration lock: %w", err)
		}
		kind, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(kind, s.db.Writer, files, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return p, nil
}
