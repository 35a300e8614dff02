package postgrestest_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

func TestAStandbyFollowsUntilItIsPromoted(t *testing.T) {
	t.Parallel()
	primary, err := postgrestest.StartPersistent(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, primary.Remove()) })
	dsn, err := primary.CreateDatabase("followed")
	require.NoError(t, err)
	write := connect(t, dsn)
	_, err = write.Exec(t.Context(), `CREATE TABLE orders (id text)`)
	require.NoError(t, err)

	standby, err := primary.StartStandby(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, standby.Stop()) })
	copied, err := standby.DatabaseURL(dsn)
	require.NoError(t, err)
	read := connect(t, copied)
	count := func() (n int) {
		require.NoError(t, read.QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&n))
		return n
	}
	add := func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), `INSERT INTO orders VALUES ('a')`)
		return err
	}
	shows := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool { return count() == n }, time.Minute, 5*time.Millisecond)
	}
	require.NoError(t, add(write))
	shows(1)
	require.ErrorContains(t, add(read), "read-only")

	require.NoError(t, standby.PauseReplay())
	require.NoError(t, add(write))
	require.Equal(t, 1, count(), "the standby is paused")
	require.NoError(t, standby.ResumeReplay())
	shows(2)

	require.NoError(t, standby.Promote())
	require.NoError(t, add(read))
	require.NoError(t, standby.Kill())
	_, err = pgx.Connect(t.Context(), copied)
	require.Error(t, err)
}
