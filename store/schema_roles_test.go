package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// permissionDenied is the code of PostgreSQL's errors for what a role may not do.
const permissionDenied = "42501"

// The application works with rows and cannot change the schema, empty a table, or change what it has written into the
// audit. Other tests run with its role, so they show that it may do all that it needs.
func TestTheApplicationsRoleIsRefused(t *testing.T) {
	t.Parallel()
	s := openStore(t, migratedURL(t, sqldb.Postgres))
	appendAndSealAudit(t, s, 3)
	statements := []string{
		`CREATE TABLE mine (id TEXT)`, `CREATE SCHEMA mine`, `CREATE ROLE mine`,
		`CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`, `CREATE INDEX mine ON orders (id)`,
		`ALTER TABLE orders ADD COLUMN mine TEXT`, `ALTER TABLE orders DISABLE TRIGGER ALL`, `DROP TABLE orders`,
		`TRUNCATE orders`, `SET ROLE ` + postgrestest.OwnerRole,
		`TRUNCATE audit`, `DROP TABLE audit`, `TRUNCATE audit_chain`, `DELETE FROM audit_chain`,
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, TRUE)`, `DELETE FROM goose_db_version`,
		`COPY teams TO PROGRAM 'true'`, `SELECT pg_read_file('/etc/passwd')`,
	}
	tables := tableNames(t, asOwner(t, s))
	for table, privileges := range applicationPrivileges {
		sealedInPlace := table == "audit" && !slices.Contains(tables, "audit_seals")
		if !slices.Contains(tables, table) || sealedInPlace {
			continue
		}
		column := firstColumn(t, s, table)
		for privilege, statement := range map[string]string{"UPDATE": "UPDATE " + table + " SET " + column + " = " + column,
			"DELETE": "DELETE FROM " + table, "INSERT": "INSERT INTO " + table + " DEFAULT VALUES"} {
			if !strings.Contains(privileges, privilege) {
				statements = append(statements, statement)
			}
		}
	}
	for _, statement := range statements {
		require.Equal(t, permissionDenied, refusal(t, s, statement), statement)
	}
	require.Empty(t, refusal(t, s, `UPDATE teams SET name = name`), "the control")
	n, err := countRows(t.Context(), s.db.Reader, "audit", sqldb.Where{})
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func firstColumn(t *testing.T, s *Store, table string) string {
	t.Helper()
	column, err := sqldb.QueryOne(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT attname FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1`, table)
	require.NoError(t, err)
	return column
}

// refusal runs a statement in a transaction that it takes back, and returns the code of its error.
func refusal(t *testing.T, s *Store, statement string) string {
	t.Helper()
	tx, err := s.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	_, err = tx.ExecContext(t.Context(), statement)
	if err == nil {
		return ""
	}
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused, statement)
	return refused.Code
}

// Partitions are reached through their table only. The application can neither read nor drop one, even if it knows its
// name.
func TestPartitionsAreReachedThroughTheirTable(t *testing.T) {
	t.Parallel()
	s := openStore(t, migratedURL(t, sqldb.Postgres))
	owner := asOwner(t, s)
	_, err := owner.db.Writer.ExecContext(t.Context(), `CREATE TABLE parted (id BIGINT NOT NULL) PARTITION BY RANGE (id);
		CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)`)
	require.NoError(t, err)
	require.NoError(t, owner.GrantRoles(t.Context(), testRoles))
	_, err = owner.db.Writer.ExecContext(t.Context(), // made after the grants
		`CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20)`)
	require.NoError(t, err)
	for _, id := range []int{5, 15} {
		_, err := s.db.Writer.ExecContext(t.Context(), `INSERT INTO parted VALUES ($1)`, id)
		require.NoError(t, err)
	}
	n, err := countRows(t.Context(), s.db.Reader, "parted", sqldb.Where{})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for _, statement := range []string{`SELECT id FROM parted_1`, `DELETE FROM parted_2`, `DROP TABLE parted_1`,
		`TRUNCATE parted_2`, `TRUNCATE parted`, `ALTER TABLE parted DETACH PARTITION parted_1`} {
		require.Equal(t, permissionDenied, refusal(t, s, statement), statement)
	}
}

// The role for reports reads what is neither secret nor sealed, and writes nothing.
func TestTheReadingRole(t *testing.T) {
	t.Parallel()
	s := openStore(t, migratedURL(t, sqldb.Postgres))
	addOrder(t, s)
	url, _ := ownerURLs.Load(s)
	reader := openStore(t, postgrestest.AsRole(url.(string), postgrestest.ReadingRole))

	secret := regexp.MustCompile(`hash|secret|token|credential|password|signature`)
	visible := map[string]bool{ // they look secret by their names
		"lab_accounts.credentials": false, "audit_chain.signature": true, "access_tokens.id": true,
	}
	hidden := map[string]bool{}
	tables, err := schemaTables(t.Context(), asOwner(t, s).db.Reader)
	require.NoError(t, err)
	require.Greater(t, len(tables), 30)
	for _, table := range tables {
		for _, column := range table.columns {
			name := table.name + "." + column
			code := refusal(t, reader, "SELECT "+pgx.Identifier{column}.Sanitize()+" FROM "+table.quoted())
			hidden[name] = code == permissionDenied
			if secret.MatchString(column) && !visible[name] {
				require.Equal(t, permissionDenied, code, name)
			}
		}
		require.Empty(t, refusal(t, reader, "SELECT count(*) FROM "+table.quoted()), table.name)
		for _, statement := range []string{"DELETE FROM %s", "TRUNCATE %s", "INSERT INTO %s DEFAULT VALUES",
			"DROP TABLE %s"} {
			require.Equal(t, permissionDenied, refusal(t, reader, fmt.Sprintf(statement, table.quoted())), table.name)
		}
	}
	for _, name := range []string{"api_keys.hash", "api_keys.previous_hash", "access_tokens.hash", "idempotency.token",
		"order_search.hash", "endpoints.secret", "encryption_checks.sealed", "inbox.body", "audit.hash"} {
		if seals := slices.Contains(tableNames(t, asOwner(t, s)), "audit_seals"); seals && name == "audit.hash" {
			name = "audit_seals.hash"
		}
		require.True(t, hidden[name], name)
	}
	for _, name := range []string{"orders.id", "events.status", "audit.action", "api_keys.name"} {
		shown, exists := hidden[name]
		require.True(t, exists && !shown, "the control: %s", name)
	}
	require.Equal(t, permissionDenied, refusal(t, reader, `CREATE TABLE mine (id TEXT)`))
}

// Granting again changes nothing, takes away what somebody has granted by hand, and reaches tables that a migration has
// added.
func TestGrantsAreRepeated(t *testing.T) {
	t.Parallel()
	s := openStore(t, migratedURL(t, sqldb.Postgres))
	owner := asOwner(t, s)
	before := privileges(t, owner)
	require.NotEmpty(t, before)
	_, err := owner.db.Writer.ExecContext(t.Context(), `GRANT TRUNCATE ON audit TO `+postgrestest.ApplicationRole+`;
		GRANT SELECT (hash) ON api_keys TO `+postgrestest.ReadingRole)
	require.NoError(t, err)
	require.NotEqual(t, before, privileges(t, owner), "the control")
	require.NoError(t, owner.GrantRoles(t.Context(), testRoles))
	require.Equal(t, before, privileges(t, owner))

	_, err = owner.db.Writer.ExecContext(t.Context(), `CREATE TABLE later (id TEXT, secret BYTEA);
		CREATE FUNCTION inner_function() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'`)
	require.NoError(t, err)
	require.Equal(t, permissionDenied, refusal(t, s, `INSERT INTO later VALUES ('a')`))
	require.NoError(t, owner.GrantRoles(t.Context(), testRoles))
	require.Empty(t, refusal(t, s, `INSERT INTO later VALUES ('a')`))
	callable, err := sqldb.QueryAll(t.Context(), owner.db.Reader, sqldb.ScanText, `SELECT p.proname || ' ' || r.rolname
		FROM pg_proc p, pg_roles r WHERE p.pronamespace = current_schema()::regnamespace
		AND r.rolname IN ($1, $2) AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
		AND p.proname = ANY (string_to_array($3, ',')) ORDER BY 1`, testRoles.Application, testRoles.Reading,
		strings.Join(applicationFunctions, ","))
	require.NoError(t, err)
	require.Contains(t, callable, "make_partition "+testRoles.Application)
	for _, function := range callable {
		require.NotContains(t, function, testRoles.Reading)
	}
}

// privileges lists all privileges of the roles on tables and columns.
func privileges(t *testing.T, owner *Store) []string {
	t.Helper()
	all, err := sqldb.QueryAll(t.Context(), owner.db.Reader, sqldb.ScanText, `
		SELECT concat_ws(' ', grantee, privilege_type, table_name) FROM information_schema.table_privileges
			WHERE grantee IN ($1, $2)
		UNION ALL SELECT concat_ws(' ', grantee, privilege_type, table_name, column_name)
			FROM information_schema.column_privileges WHERE grantee IN ($1, $2) ORDER BY 1`,
		testRoles.Application, testRoles.Reading)
	require.NoError(t, err)
	return all
}
