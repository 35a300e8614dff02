package migrator

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var engines = []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres}

const (
	firstFile = `-- +goose Up
CREATE TABLE things (id %s PRIMARY KEY, size BIGINT NOT NULL, weight BIGINT);
CREATE TABLE backfills (name TEXT PRIMARY KEY, reached TEXT NOT NULL, done BIGINT NOT NULL, updated_at BIGINT NOT NULL,
	finished_at BIGINT);
-- +goose Down
DROP TABLE things;
`
	addColumn = "-- +goose Up\nALTER TABLE things ADD COLUMN color TEXT;\n" +
		"-- +goose Down\nALTER TABLE things DROP COLUMN color;\n"
	addIndex = `-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY things_by_size ON things (size); -- for lists
-- +goose Down
DROP INDEX CONCURRENTLY things_by_size;
`
	sqliteIndex = "-- +goose Up\nCREATE INDEX things_by_size ON things (size);\n" +
		"-- +goose Down\nDROP INDEX things_by_size;\n"
)

// world is a database with migrations of a test.
type world struct {
	url   string
	db    *sqldb.DB
	files fstest.MapFS
	log   *logBuffer
}

// newWorld returns an empty database and its first migration. The others follow it.
func newWorld(t *testing.T, engine sqldb.Dialect, more ...string) *world {
	t.Helper()
	w := &world{log: &logBuffer{}, files: fstest.MapFS{}}
	first := fmt.Sprintf(firstFile, "UUID")
	if engine == sqldb.SQLite {
		first = fmt.Sprintf(firstFile, "TEXT")
		w.url = "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	} else {
		w.url = postgrestest.NewDatabase(t)
	}
	w.add(append([]string{first}, more...)...)
	w.db = w.open(t)
	return w
}

func (w *world) open(t *testing.T) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(w.url, 8)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (w *world) add(files ...string) {
	for _, text := range files {
		w.files[fmt.Sprintf("%05d_test.sql", len(w.files)+1)] = &fstest.MapFile{Data: []byte(text)}
	}
}

// migrator returns a migrator with connections of its own, as another process has. It waits for locks for 200 ms.
func (w *world) migrator(t *testing.T, backfills ...Backfill) *Migrator {
	t.Helper()
	m, err := New(w.open(t), Options{Files: w.files, Backfills: backfills, LockTimeout: 200 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(w.log, nil))})
	require.NoError(t, err)
	return m
}

func (w *world) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	_, err := w.db.Writer.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

func (w *world) number(t *testing.T, query string, args ...any) int {
	t.Helper()
	n, err := sqldb.QueryOne(t.Context(), w.db.Writer, sqldb.ScanInt, query, args...)
	require.NoError(t, err)
	return n
}

// user returns the role of the test's connections.
func (w *world) user(t *testing.T) string {
	t.Helper()
	name, err := sqldb.QueryOne(t.Context(), w.db.Writer, sqldb.ScanText, `SELECT current_user`)
	require.NoError(t, err)
	return name
}

// fill adds things.
func (w *world) fill(t *testing.T, n int) {
	t.Helper()
	rows := sqldb.TableRows{Table: "things", Columns: []string{"id", "size"}}
	for i := range n {
		rows.Add(sqldb.NewID(), i)
	}
	require.NoError(t, w.db.BulkInsert(t.Context(), rows))
}

func await(t *testing.T, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, 30*time.Second, 5*time.Millisecond)
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
