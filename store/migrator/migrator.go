// Package migrator brings the schema of a database up to date while other processes read and write it. It runs the
// files with goose and adds what a busy PostgreSQL needs: no statement waits long for a lock that stops others, indexes
// are built concurrently and resumed, and existing rows are filled in small steps.
package migrator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// DefaultLockTimeout is how long a migration waits for a lock. Readers and writers that come later wait behind it, so
// this is also the longest pause that waiting costs them. The migration is tried again until it gets the lock.
const DefaultLockTimeout = 2 * time.Second

// pausePerWait is the average pause before the next try, in times of the wait.
const pausePerWait = 5

// Options are the options of New.
type Options struct {
	// Files are the migrations of the database's engine, NNNNN_subject.sql. Required.
	Files fs.FS
	// Backfills are the back-fills of all releases that can be upgraded from.
	Backfills []Backfill
	// LockTimeout is how long a migration waits for a lock before it makes way; default: DefaultLockTimeout.
	LockTimeout time.Duration
	// Log reports progress and waits; default: slog.Default().
	Log *slog.Logger
}

// Migrator migrates one database.
type Migrator struct {
	db          *sqldb.DB
	files       []file
	backfills   []Backfill
	log         *slog.Logger
	lockTimeout time.Duration
	session     *session // of PostgreSQL
	provider    *goose.Provider
}

// New reads the migrations. The error says which file or back-fill is wrong.
func New(db *sqldb.DB, o Options) (*Migrator, error) {
	m := &Migrator{db: db, backfills: o.Backfills, log: o.Log, lockTimeout: o.LockTimeout}
	if m.log == nil {
		m.log = slog.Default()
	}
	if m.lockTimeout <= 0 {
		m.lockTimeout = DefaultLockTimeout
	}
	var err error
	if m.files, err = readFiles(o.Files, db.Dialect); err != nil {
		return nil, err
	}
	if err := m.checkBackfills(); err != nil {
		return nil, err
	}
	kind := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if db.Dialect == sqldb.Postgres {
		kind = goose.DialectPostgres
		m.session = &session{log: m.log, lockTimeout: m.lockTimeout}
		options = append(options, goose.WithSessionLocker(m.session))
		options = append(options, m.concurrentMigrations()...)
	}
	if m.provider, err = goose.NewProvider(kind, db.Writer, o.Files, options...); err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return m, nil
}

// Newest returns the version of the newest migration.
func (m *Migrator) Newest() int64 { return m.files[len(m.files)-1].version }

// Version returns the version of the database's schema; 0: none.
func (m *Migrator) Version(ctx context.Context) (int64, error) {
	var version int64
	err := m.db.Writer.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`).Scan(&version)
	if sqldb.IsMissingSchema(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the version of the schema: %w", err)
	}
	return version, nil
}

// Up applies the migrations that the database does not have, each as often as it takes to get its locks. Running it
// again, or in several processes at once, is harmless. It has no time limit: it ends when everything is applied, when a
// migration fails, or with the context.
//
// In a new database it also marks all back-fills as finished.
func (m *Migrator) Up(ctx context.Context) error {
	first, err := m.Version(ctx)
	if err != nil {
		return err
	}
	for {
		version, err := m.Version(ctx)
		if err != nil {
			return err
		}
		next := m.after(version)
		if next == nil {
			break
		}
		if err := m.fillAll(ctx, next.needs); err != nil {
			return fmt.Errorf("preparing %s: %w", next.name, err)
		}
		if err := m.apply(ctx, next); err != nil {
			return fmt.Errorf("migrating: %s: %w", next.name, err)
		}
	}
	if first == 0 {
		return m.Fill(ctx)
	}
	return nil
}

// DownTo takes back the migrations above a version. It is for tests.
func (m *Migrator) DownTo(ctx context.Context, version int64) error {
	_, err := m.provider.DownTo(ctx, version)
	return err
}

// after returns the first migration above a version, or nil.
func (m *Migrator) after(version int64) *file {
	for i := range m.files {
		if m.files[i].version > version {
			return &m.files[i]
		}
	}
	return nil
}

// apply applies the next migration. It repeats it while it does not get its locks.
func (m *Migrator) apply(ctx context.Context, f *file) error {
	began := time.Now()
	for try := 1; ; try++ {
		watch := m.watchWaits(ctx, f)
		_, err := m.provider.UpTo(ctx, f.version)
		blockers := watch.stop()
		if err == nil {
			m.log.InfoContext(ctx, "migration applied", "migration", f.name, "duration",
				time.Since(began).Round(time.Millisecond))
			return nil
		}
		if m.db.Dialect == sqldb.SQLite {
			// SQLite has no lock for migrations. When two processes begin the same migration, one of them fails because
			// the other has done it.
			version, versionErr := m.Version(ctx)
			if versionErr == nil && (version >= f.version || try == 1) {
				continue
			}
			return err
		}
		if !isLockNotAvailable(err) && !sqldb.IsRetryable(err) {
			return err
		}
		pause := jitter(pausePerWait * m.lockTimeout)
		m.log.WarnContext(ctx, "the migration did not get a lock and is tried again", "migration", f.name, "try", try,
			"pause", pause.Round(time.Millisecond), "waited_for", blockers)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// isLockNotAvailable reports whether a statement gave up waiting for a lock.
func isLockNotAvailable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "55P03"
}

// jitter returns a random duration between half of d and one and a half.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) } //nolint:gosec // only spreads load

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
