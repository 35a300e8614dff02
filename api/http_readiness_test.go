package api_test

import (
	"database/sql"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver that changes the schema behind the API

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

func (f *fixture) requireReadiness(status int, ofStore string) {
	f.t.Helper()
	ready := f.sendWithKey(http.MethodGet, "/readyz", "", nil)
	require.Equal(f.t, status, ready.status)
	require.Equal(f.t, map[string]any{"store": ofStore, "workflows": "ok"}, ready.json(f.t))
}

// openFile opens the fixture's database behind the API.
func (f *fixture) openFile() *sql.DB {
	f.t.Helper()
	db, err := sql.Open("sqlite", f.database)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { require.NoError(f.t, db.Close()) })
	return db
}

func TestTheAPIIsReadyOnlyWithItsSchema(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	db := f.openFile()
	f.requireReadiness(http.StatusOK, "ok")
	_, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (4711, 1)`)
	require.NoError(t, err)
	f.requireReadiness(http.StatusOK, "ok") // a newer schema
	_, err = db.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id = 1`)
	require.NoError(t, err)
	f.requireReadiness(http.StatusServiceUnavailable, "migration_missing")
}

// The database refuses rows with the error of a PostgreSQL server whose disk is full.
func TestAFullDiskIsAnswered503(t *testing.T) {
	t.Parallel()
	database := postgrestest.NewDatabase(t)
	f := newFixtureOn(t, database)
	order := f.createOrder(nil)
	number := f.order(order).Number
	f.requireReadiness(http.StatusOK, "ok")
	db, err := sql.Open("pgx", database)
	require.NoError(t, err)
	defer db.Close()
	exec := func(statement string) {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	exec(`CREATE FUNCTION refuse_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'could not extend file "base/5/16384": No space left on device' USING ERRCODE = '53100';
		END $$`)
	for _, table := range []string{"audit", "inbox", "users", "orders", "rate_limits", "lab_accounts", "api_keys"} {
		exec(`CREATE TRIGGER full_` + table + ` BEFORE INSERT OR UPDATE ON ` + table +
			` FOR EACH ROW EXECUTE FUNCTION refuse_write()`)
	}

	for name, answer := range map[string]reply{
		"a user":    f.sendWithKey(http.MethodPost, "/v2/user", f.key, map[string]any{"client_user_id": "no room"}),
		"an order":  f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(nil)),
		"a webhook": f.sendLabWebhook(labWebhookSample(t, "kit_received", number)),
	} {
		require.Equal(t, http.StatusServiceUnavailable, answer.status, "%s: %s", name, answer.body)
		require.NotEmpty(t, answer.header.Get("Retry-After"), name)
	}
	f.requireReadiness(http.StatusServiceUnavailable, "disk_full")
	for _, path := range []string{"/v3/order/" + order, "/v3/orders", "/v2/user", "/v2/user/" + f.user, "/v3/lab_tests"} {
		answer := f.sendWithKey(http.MethodGet, path, f.key, nil)
		require.Equal(t, http.StatusOK, answer.status, "%s: %s", path, answer.body)
	}
	require.NotContains(t, f.actions(order), "order.read", "the control: its row waits for room")
	exec(`DROP FUNCTION refuse_write() CASCADE`)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/v2/user", f.key, nil).status)
	require.Contains(t, f.actions(order), "order.read")
}
