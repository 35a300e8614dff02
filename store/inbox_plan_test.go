package store

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// indexesOf returns the plan of a statement as text. PostgreSQL is told to avoid reading whole tables, which it would
// do for a small one although an index fits; without one that fits it reads the table all the same.
func indexesOf(t *testing.T, s *Store, statement string, args ...any) string {
	t.Helper()
	tx, err := s.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	explain := `EXPLAIN QUERY PLAN `
	scan := func(row sqldb.Scanner) (detail string, err error) {
		var id, parent, unused int
		err = row.Scan(&id, &parent, &unused, &detail)
		return detail, err
	}
	if s.db.Dialect == sqldb.Postgres {
		explain, scan = `EXPLAIN `, sqldb.ScanText
		planWithoutTableScans(t.Context(), t, tx)
	}
	lines, err := sqldb.QueryAll(t.Context(), tx, scan, explain+statement, args...)
	require.NoError(t, err, statement)
	return strings.Join(lines, "\n")
}

func planWithoutTableScans(ctx context.Context, t *testing.T, tx *sql.Tx) {
	t.Helper()
	for _, set := range []string{`SET LOCAL enable_seqscan = off`, `SET LOCAL plan_cache_mode = force_generic_plan`} {
		_, err := tx.ExecContext(ctx, set)
		require.NoError(t, err)
	}
}

// TestQueriesOfTheInboxUseItsSmallIndexes reads the plans of the queries that are made all the time.
func TestQueriesOfTheInboxUseItsSmallIndexes(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		accounts, args := s.selectAccountsByWebhookUser("p", "user")
		for _, tt := range []struct {
			index, statement string
			args             []any
		}{
			{"inbox_by_state", `SELECT 1 FROM inbox WHERE state = '` + InboxParked + `' LIMIT 10`, nil},
			{"inbox_by_state", `SELECT MIN(state_at) FROM inbox WHERE state = '` + InboxReceived + `'`, nil},
			{"inbox_by_state", selectUnsettledOrders, []any{DemandOpen, 1, 1, 10}},
			{"inbox_quarantined", selectQuarantined, []any{"p", ""}},
			{"inbox_keys", selectSameItem, []any{"p", "k", "h"}},
			{"lab_account_webhook_keys_by_hash", accounts, args},
			{"idempotency_order", deleteAnswersOfOrder, []any{sqldb.NewID()}},
		} {
			require.Contains(t, indexesOf(t, s, tt.statement, tt.args...), tt.index, tt.statement)
		}
		if s.db.Dialect == sqldb.SQLite { // it makes the plan anew for the values of parameters
			return
		}
		// Control: the state as a parameter is not known when the plan is made.
		require.NotContains(t, indexesOf(t, s, `SELECT 1 FROM inbox WHERE state = $1`, InboxUnmatched), "inbox_by_state")
	})
}
