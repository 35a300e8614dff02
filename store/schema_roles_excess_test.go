package store

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// A role that could do more than it is granted is refused, and what it could do is said. The server is the test's own,
// because roles are for all databases.
func TestRolesThatMayDoTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	admin, err := pgx.Connect(t.Context(), server.URL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, admin.Close(t.Context())) })
	run := func(statement string) {
		_, err := admin.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	run(`CREATE ROLE owner LOGIN`)
	run(`CREATE DATABASE aliquot OWNER owner`)
	database := strings.Replace(server.URL, "/postgres?", "/aliquot?", 1)
	inDatabase, err := pgx.Connect(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inDatabase.Close(t.Context())) })
	ownerURL := postgrestest.AsRole(database, "owner")
	owner := openStore(t, ownerURL)
	require.ErrorContains(t, owner.GrantRoles(t.Context(), DatabaseRoles{Application: "app"}), `no role "app"`)
	run(`CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN`)
	roles := DatabaseRoles{Application: "app", Reading: "reader"}
	require.ErrorContains(t, owner.GrantRoles(t.Context(), roles), "migrate first")
	require.NoError(t, owner.Migrate(t.Context()))
	require.NoError(t, owner.GrantRoles(t.Context(), roles))
	app := openStore(t, postgrestest.AsRole(database, "app"))
	require.Equal(t, permissionDenied, refusal(t, app, `CREATE TEMPORARY TABLE mine (id TEXT)`))

	for name, tt := range map[string]struct{ grant, revoke, want string }{
		"superuser": {`ALTER ROLE app SUPERUSER`, `ALTER ROLE app NOSUPERUSER`, `"app" may do too much: it is a superuser`},
		"creates roles": {`ALTER ROLE app CREATEROLE`, `ALTER ROLE app NOCREATEROLE`,
			`"app" may do too much: it may create roles`},
		"replicates": {`ALTER ROLE app REPLICATION`, `ALTER ROLE app NOREPLICATION`, "it may replicate the database"},
		"member of the owner": {`GRANT owner TO app`, `REVOKE owner FROM app`,
			"it owns tables, or is a member of the role that does"},
		"anybody creates": {`GRANT CREATE ON SCHEMA public TO PUBLIC`, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`,
			"it may create objects in the schema public"},
		"anybody truncates": {`GRANT TRUNCATE ON audit TO PUBLIC`, `REVOKE TRUNCATE ON audit FROM PUBLIC`,
			"it may truncate audit"},
		"by another role": {`GRANT pg_write_all_data TO app`, `REVOKE pg_write_all_data FROM app`,
			"and goose_db_version"},
		"reader writes": {`GRANT UPDATE ON users TO PUBLIC`, `REVOKE UPDATE ON users FROM PUBLIC`,
			`"reader" may do too much: it may update users`},
		"reader reads all": {`GRANT pg_read_all_data TO reader`, `REVOKE pg_read_all_data FROM reader`,
			"it may read api_keys.hash"},
	} {
		for _, statement := range strings.Split(tt.grant, ";") {
			_, err := inDatabase.Exec(t.Context(), statement)
			require.NoError(t, err, name)
		}
		require.ErrorContains(t, owner.GrantRoles(t.Context(), roles), tt.want, name)
		excess, err := app.ExcessPrivileges(t.Context())
		require.NoError(t, err)
		require.Equal(t, strings.Contains(name, "reader"), len(excess) == 0, "%s: %v", name, excess)
		_, err = inDatabase.Exec(t.Context(), tt.revoke)
		require.NoError(t, err, name)
		require.NoError(t, owner.GrantRoles(t.Context(), roles), name)
	}
	excess, err := app.ExcessPrivileges(t.Context())
	require.NoError(t, err)
	require.Empty(t, excess)
	excess, err = owner.ExcessPrivileges(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, excess)
	require.ErrorContains(t, owner.GrantRoles(t.Context(), DatabaseRoles{Application: "owner"}), "it owns tables")
}

func TestSQLiteHasNoRoles(t *testing.T) {
	t.Parallel()
	s := openStore(t, migratedURL(t, sqldb.SQLite))
	require.NoError(t, s.GrantRoles(t.Context(), DatabaseRoles{}))
	require.Error(t, s.GrantRoles(t.Context(), DatabaseRoles{Application: "app"}))
	excess, err := s.ExcessPrivileges(t.Context())
	require.NoError(t, err)
	require.Empty(t, excess)
}
