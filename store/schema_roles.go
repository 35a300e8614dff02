package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// DatabaseRoles are the names of the PostgreSQL roles beside the owner of the schema. A role without a name does not
// exist.
type DatabaseRoles struct {
	// Application is the role of the API and the workers. It reads and writes rows, and cannot change the schema.
	Application string
	// Reading is the role for reports. It reads everything except secrets and sealed columns.
	Reading string
}

// allRowPrivileges is what the application may do with a table, unless applicationPrivileges says otherwise. TRUNCATE
// is not one of them.
const allRowPrivileges = "SELECT, INSERT, UPDATE, DELETE"

// applicationPrivileges lists the tables on which the application may not do everything.
var applicationPrivileges = map[string]string{
	"audit":       "SELECT, INSERT",
	"audit_seals": "SELECT, INSERT",
	"audit_chain": "SELECT, UPDATE", // its only row comes with the schema
	// Tables of the owner.
	"goose_db_version": "SELECT",
	"partition_rules":  "SELECT",
	"backfills":        "SELECT",
}

// applicationFunctions lists the functions that the application may call. They run with the owner's privileges and
// check what they are asked for.
var applicationFunctions = []string{"make_partition", "drop_message_partitions", "drop_audit_partitions",
	"droppable_partition", "list_partitions", "partition_state", "first_id_at", "time_of_id"}

// GrantRoles gives the roles what they need in the schema of this connection's role, its owner, and takes everything
// else away from them. It is repeated after each migration; repeating it without one changes nothing. It fails for a
// role that does not exist, and for one that may do more all the same: for example because it is a superuser. Roles
// without a name need nothing. On SQLite, which has no roles, both have no name.
//
// Rows of a partition are reached through its table, so partitions are not granted.
func (s *Store) GrantRoles(ctx context.Context, roles DatabaseRoles) error {
	if roles == (DatabaseRoles{}) {
		return nil
	}
	if s.db.Dialect != sqldb.Postgres {
		return errors.New("granting to roles: SQLite has no roles")
	}
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		// Two processes that grant at the same time would fail: they change the same rows of the catalogue.
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('aliquot roles'))`); err != nil {
			return err
		}
		if err := refuseMissingRoles(ctx, tx, roles); err != nil {
			return err
		}
		statements, err := grantStatements(ctx, tx, roles)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, strings.Join(statements, ";\n")); err != nil {
			return err
		}
		return refuseExcess(ctx, tx, roles)
	})
	if err != nil {
		return fmt.Errorf("granting to roles: %w", err)
	}
	return nil
}

func refuseMissingRoles(ctx context.Context, tx *sql.Tx, roles DatabaseRoles) error {
	for _, role := range roles.names() {
		found, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt, `SELECT count(*) FROM pg_roles WHERE rolname = $1`, role)
		if err != nil {
			return err
		}
		if found == 0 {
			return fmt.Errorf("there is no role %q: an administrator of the server has to create it", role)
		}
	}
	return nil
}

// names returns the names of the roles that there are.
func (r DatabaseRoles) names() []string {
	return slices.DeleteFunc([]string{r.Application, r.Reading}, func(name string) bool { return name == "" })
}

// schemaTable is a table that is no partition.
type schemaTable struct {
	name string
	// columns are all its columns, readable those that the role for reports may read.
	columns, readable []string
}

// grantStatements returns the statements that set the privileges of the roles.
func grantStatements(ctx context.Context, tx *sql.Tx, roles DatabaseRoles) ([]string, error) {
	tables, err := schemaTables(ctx, tx)
	if err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		return nil, errors.New("there is no schema yet: migrate first")
	}
	functions, err := sqldb.QueryAll(ctx, tx, sqldb.ScanText, `SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.pronamespace = current_schema()::regnamespace AND p.proowner = current_user::regrole
		AND p.proname = ANY (string_to_array($1, ',')) ORDER BY 1`, strings.Join(applicationFunctions, ","))
	if err != nil {
		return nil, err
	}
	schema, err := sqldb.QueryOne(ctx, tx, sqldb.ScanText, `SELECT quote_ident(current_schema())`)
	if err != nil {
		return nil, err
	}
	// Everybody may make temporary tables by default. Only the owner of the database can change that.
	statements, err := sqldb.QueryAll(ctx, tx, sqldb.ScanText,
		`SELECT 'REVOKE TEMPORARY ON DATABASE ' || quote_ident(datname) || ' FROM PUBLIC' FROM pg_database
		WHERE datname = current_database() AND pg_has_role(current_user, datdba, 'USAGE')`)
	if err != nil {
		return nil, err
	}
	add := func(format string, args ...any) { statements = append(statements, fmt.Sprintf(format, args...)) }
	for _, role := range roles.names() {
		role = pgx.Identifier{role}.Sanitize()
		add("GRANT USAGE ON SCHEMA %s TO %s", schema, role)
		for _, t := range tables {
			add("REVOKE ALL ON TABLE %s FROM %s", t.quoted(), role)
		}
		for _, f := range functions {
			add("REVOKE ALL ON FUNCTION %s FROM PUBLIC, %s", f, role)
		}
	}
	if role := roles.Application; role != "" {
		for _, t := range tables {
			add("GRANT %s ON TABLE %s TO %s", t.applicationPrivileges(tables), t.quoted(), pgx.Identifier{role}.Sanitize())
		}
		for _, f := range functions {
			add("GRANT EXECUTE ON FUNCTION %s TO %s", f, pgx.Identifier{role}.Sanitize())
		}
	}
	if role := roles.Reading; role != "" {
		for _, t := range tables {
			add("GRANT SELECT%s ON TABLE %s TO %s", t.readableColumns(), t.quoted(), pgx.Identifier{role}.Sanitize())
		}
	}
	return statements, nil
}

// schemaTables lists the tables of the schema, without partitions.
func schemaTables(ctx context.Context, q sqldb.Querier) ([]schemaTable, error) {
	type column struct {
		table, name string
		isSealed    bool
	}
	columns, err := sqldb.QueryAll(ctx, q, func(row sqldb.Scanner) (c column, err error) {
		err = row.Scan(&c.table, &c.name, &c.isSealed)
		return c, err
	}, `SELECT c.relname, a.attname, a.atttypid = 'bytea'::regtype FROM pg_class c JOIN pg_attribute a
		ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		ORDER BY c.relname, a.attnum`)
	if err != nil {
		return nil, err
	}
	var tables []schemaTable
	for _, c := range columns {
		if len(tables) == 0 || tables[len(tables)-1].name != c.table {
			tables = append(tables, schemaTable{name: c.table})
		}
		t := &tables[len(tables)-1]
		t.columns = append(t.columns, c.name)
		if !c.isSealed && !isSecretColumn(c.name) {
			t.readable = append(t.readable, c.name)
		}
	}
	return tables, nil
}

// isSecretColumn reports whether a column that is not sealed is hidden from the role for reports: hashes, which confirm
// a guess of what was hashed, and tokens.
func isSecretColumn(name string) bool {
	return name == "hash" || strings.HasSuffix(name, "_hash") || name == "token"
}

func (t schemaTable) quoted() string { return pgx.Identifier{t.name}.Sanitize() }

func (t schemaTable) applicationPrivileges(all []schemaTable) string {
	isSeals := func(t schemaTable) bool { return t.name == "audit_seals" }
	if t.name == "audit" && !slices.ContainsFunc(all, isSeals) { // its rows are sealed in place
		return allRowPrivileges
	}
	if privileges, ok := applicationPrivileges[t.name]; ok {
		return privileges
	}
	return allRowPrivileges
}

// readableColumns returns the list of columns for a grant; empty for all columns, which also allows SELECT *.
func (t schemaTable) readableColumns() string {
	if len(t.readable) == len(t.columns) {
		return ""
	}
	quoted := make([]string, len(t.readable))
	for i, name := range t.readable {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	return " (" + strings.Join(quoted, ", ") + ")"
}
