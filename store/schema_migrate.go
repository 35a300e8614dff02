package store

import (
	"context"
	"database/sql"
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

// orderIndex is an index of the table of orders.
type orderIndex struct{ name, columns string }

// listIndexes came with migration 17. Each begins with what a list is asked for most, goes on in the order of the list, and has the rest
// of what lists are asked for behind that: so a page's ids and the number of all are read from one index, and orders are read for the
// page only. A step of an order writes to every index of it anyway, since its status is in one.
var listIndexes = []orderIndex{
	{"orders_list", "(team_id, created_at, id, status, modality, updated_at, activate_by)"},
	{"orders_list_by_status", "(team_id, status, created_at, id, modality, updated_at, activate_by)"},
	{"orders_list_by_method", "(team_id, modality, created_at, id, status, updated_at, activate_by)"},
	{"orders_list_by_change", "(team_id, updated_at, created_at, id, status, modality, activate_by)"},
	{"orders_list_scheduled",
		"(team_id, activate_by, created_at, id, status, modality, updated_at) WHERE activate_by IS NOT NULL"},
}

// narrowIndexes are those of migration 13 that they take the place of.
var narrowIndexes = []orderIndex{
	{"orders_by_team", "(team_id, created_at, id, modality, activate_by)"},
	{"orders_by_status", "(team_id, status, created_at, id, modality)"},
	{"orders_by_method", "(team_id, modality, created_at, id)"},
	{"orders_by_change", "(team_id, updated_at, created_at, id)"},
	{"orders_scheduled", "(team_id, activate_by, created_at, id) WHERE activate_by IS NOT NULL"},
}

// vacuumedTables are the tables whose indexes lists are read from alone. That is so of pages that PostgreSQL has vacuumed since they were last
// written to, which it does after a fifth of a table has changed unless it is told to do so earlier.
var vacuumedTables = []string{"orders", "order_search"}

const (
	vacuumEarly = `ALTER TABLE %s SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
		autovacuum_analyze_scale_factor = 0.02)`
	vacuumLate = `ALTER TABLE %s RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor, autovacuum_analyze_scale_factor)`
)

// listMigration is migration 17. It is not a file because PostgreSQL makes and drops these indexes beside whoever writes orders
// meanwhile, for which SQLite has no words.
func (s *Store) listMigration() *goose.Migration {
	return goose.NewGoMigration(17, s.replaceIndexes(narrowIndexes, listIndexes, vacuumEarly),
		s.replaceIndexes(listIndexes, narrowIndexes, vacuumLate))
}

// replaceIndexes makes some indexes, and then drops others. What of it an earlier attempt has done is done again.
func (s *Store) replaceIndexes(old, fresh []orderIndex, vacuum string) *goose.GoFunc {
	concurrently := ""
	if s.dialect == Postgres {
		concurrently = "CONCURRENTLY "
	}
	var statements []string
	for _, i := range fresh {
		statements = append(statements, "DROP INDEX "+concurrently+"IF EXISTS "+i.name,
			"CREATE INDEX "+concurrently+i.name+" ON orders "+i.columns)
	}
	for _, i := range old {
		statements = append(statements, "DROP INDEX "+concurrently+"IF EXISTS "+i.name)
	}
	if s.dialect == SQLite {
		return &goose.GoFunc{RunTx: func(ctx context.Context,
			tx *sql.Tx) error {
			return execStatements(ctx, tx, statements)
		}}
	}
	for _, table := range vacuumedTables {
		statements = append(statements, fmt.Sprintf(vacuum, table))
	}
	return &goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error { return execStatements(ctx, db, statements) }}
}

func execStatements(ctx context.Context, q Querier, statements []string) error {
	for _, statement := range statements {
		if _, err := q.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
