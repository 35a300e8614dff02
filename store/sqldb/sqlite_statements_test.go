package sqldb

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// cachedStatements returns how many statements SQLite's writing connection caches, and whether this one is among them.
func cachedStatements(t *testing.T, s *DB, query string) (n int, found bool) {
	t.Helper()
	conn, err := s.Writer.Conn(context.Background())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, conn.Raw(func(driver any) error {
		prepared, ok := driver.(*cachingConn)
		require.True(t, ok)
		n, found = len(prepared.idleStatements), prepared.idleStatements[query] != nil
		return nil
	}))
	return n, found
}

// openSQLiteFile opens a new database and closes it at the end of the test.
func openSQLiteFile(t *testing.T) *DB {
	t.Helper()
	db, err := Open("sqlite:"+filepath.Join(t.TempDir(), "test.db"), 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestStatementsOfSQLiteAreKeptPrepared(t *testing.T) {
	t.Parallel()
	s := openSQLiteFile(t)
	run := func(query string, args ...any) error {
		_, err := s.Writer.ExecContext(t.Context(), query, args...)
		return err
	}
	const insert, read = `INSERT INTO things (id) VALUES ($1)`, `SELECT id FROM things ORDER BY id`
	things := func() []int {
		all, err := QueryAll(t.Context(), s.Writer, ScanInt, read)
		require.NoError(t, err)
		return all
	}
	require.NoError(t, run(`CREATE TABLE things (id INTEGER PRIMARY KEY)`))
	require.NoError(t, run(insert, 1))
	require.NoError(t, run(insert, 2))
	require.Equal(t, []int{1, 2}, things())
	for _, query := range []string{insert, read} {
		_, found := cachedStatements(t, s, query)
		require.True(t, found, query)
	}

	require.Error(t, run(insert, 2), "one that fails is not kept")
	_, found := cachedStatements(t, s, insert)
	require.False(t, found)
	require.NoError(t, run(insert, 3))
	require.Equal(t, []int{1, 2, 3}, things())

	require.NoError(t, run(`ALTER TABLE things ADD COLUMN name TEXT`))
	require.NoError(t, run(insert, 4), "a changed schema is noticed")
	require.Equal(t, []int{1, 2, 3, 4}, things())
}

func TestAStatementIsUsedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := openSQLiteFile(t)
	tx, err := s.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, ignoreTxDone(tx.Rollback())) }()
	const query = `SELECT value FROM json_each('[1,2,3]') ORDER BY 1`
	outer, err := tx.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer func() { require.NoError(t, outer.Close()) }()
	var seen []int
	for outer.Next() {
		inner, err := QueryAll(t.Context(), tx, ScanInt, query)
		require.NoError(t, err)
		require.Equal(t, []int{1, 2, 3}, inner)
		n, err := ScanInt(outer)
		require.NoError(t, err)
		seen = append(seen, n)
	}
	require.NoError(t, outer.Err())
	require.Equal(t, []int{1, 2, 3}, seen)
}

func TestIdleStatementsAreLimited(t *testing.T) {
	t.Parallel()
	s := openSQLiteFile(t)
	for i := range maxIdleStatements + 20 {
		n, err := QueryOne(t.Context(), s.Writer, ScanInt, fmt.Sprintf(`SELECT %d`, i))
		require.NoError(t, err)
		require.Equal(t, i, n)
	}
	n, _ := cachedStatements(t, s, "")
	require.Equal(t, maxIdleStatements, n)
}

func TestWhichStatementsAreCached(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{
		`SELECT 1`: true, `WITH x AS (SELECT 1) SELECT 1 FROM x`: true, `DELETE FROM things`: true,
		`PRAGMA foreign_keys = 1`: false, `CREATE TABLE things (id TEXT)`: false, `ANALYZE`: false,
		`INSERT INTO things VALUES (1); INSERT INTO things VALUES (2)`: false,
	} {
		require.Equal(t, want, isCacheable(query), query)
	}
}
