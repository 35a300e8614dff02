package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to date. Running it again, or in several processes at once, is harmless.
func (s *Store) Migrate(ctx context.Context) error {
	p, err := s.migrator()
	if err != nil {
		return err
	}
	for at := int64(-1); ; {
		_, err := p.Up(ctx)
		if err == nil {
			return s.completeAllSearchTerms(ctx)
		}
		// SQLite has no lock for this: of two processes that begin the same migration one finds it done. It goes on as long as
		// the schema does.
		now, versionErr := p.GetDBVersion(ctx)
		if versionErr != nil || now <= at || s.dialect != SQLite {
			return fmt.Errorf("migrating: %w", err)
		}
		at = now
	}
}

func (s *Store) migrator() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	kind := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithGoMigrations(s.listMigration())}
	if s.dialect == Postgres {
		// Asks once a second, for up to five minutes.
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, fmt.Errorf("preparing the migration lock: %w", err)
		}
		kind, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(kind, s.write, files, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return p, nil
}
