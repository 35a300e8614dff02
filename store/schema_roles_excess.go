package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ExcessPrivileges lists what the role of this connection may do beyond what the API and the workers need, each in
// words that continue "it". It is empty for a role that GrantRoles has prepared, and on SQLite.
func (s *Store) ExcessPrivileges(ctx context.Context) ([]string, error) {
	if s.db.Dialect != sqldb.Postgres {
		return nil, nil
	}
	role, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanText, `SELECT current_user`)
	if err != nil {
		return nil, fmt.Errorf("reading the role of the connection: %w", err)
	}
	return applicationExcess(ctx, s.db.Reader, role)
}

// refuseExcess returns an error if a role may do more than it was granted: by an attribute, or by a role that it is a
// member of, including PUBLIC.
func refuseExcess(ctx context.Context, tx *sql.Tx, roles DatabaseRoles) error {
	for _, r := range []struct {
		name   string
		excess func(context.Context, sqldb.Querier, string) ([]string, error)
	}{{roles.Application, applicationExcess}, {roles.Reading, readingExcess}} {
		if r.name == "" {
			continue
		}
		excess, err := r.excess(ctx, tx, r.name)
		if err != nil {
			return err
		}
		if len(excess) > 0 {
			return fmt.Errorf("role %q may do too much: it %s", r.name, strings.Join(excess, ", it "))
		}
	}
	return nil
}

// powersQuery lists the powers of a role, $1, over the schema as a whole. A superuser has all of them.
const powersQuery = `
	SELECT 'is a superuser' FROM pg_roles WHERE rolname = $1 AND rolsuper
	UNION ALL SELECT 'may create roles' FROM pg_roles WHERE rolname = $1 AND rolcreaterole AND NOT rolsuper
	UNION ALL SELECT 'may replicate the database' FROM pg_roles WHERE rolname = $1 AND rolreplication AND NOT rolsuper
	UNION ALL SELECT 'owns tables, or is a member of the role that does'
		FROM pg_roles r WHERE rolname = $1 AND NOT rolsuper AND EXISTS (SELECT 1 FROM pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
		AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
	UNION ALL SELECT 'may create objects in the schema ' || current_schema() || ' (REVOKE CREATE ON SCHEMA … FROM PUBLIC)'
		FROM pg_roles r WHERE rolname = $1 AND NOT rolsuper AND has_schema_privilege(r.oid, current_schema(), 'CREATE')`

// tableExcessQuery lists the tables, partitions included, on which a role, $1, that is no superuser has privileges.
const tableExcessQuery = `
	SELECT 'may ' || lower(p.privilege) || ' ' || string_agg(c.relname, ' and ' ORDER BY c.relname)
	FROM pg_class c CROSS JOIN unnest(string_to_array($2, ',')) AS p (privilege), pg_roles r
	WHERE r.rolname = $1 AND NOT r.rolsuper AND c.relnamespace = current_schema()::regnamespace
	AND c.relkind IN ('r', 'p') AND ($3 = ''
		OR COALESCE(pg_partition_root(c.oid), c.oid)::regclass::text = ANY (string_to_array($3, ',')))
	AND NOT pg_has_role(r.oid, c.relowner, 'MEMBER') AND has_table_privilege(r.oid, c.oid, p.privilege)
	GROUP BY p.privilege ORDER BY p.privilege`

// applicationExcess lists what the application's role may do beyond its grants, in words.
func applicationExcess(ctx context.Context, q sqldb.Querier, role string) ([]string, error) {
	tables, err := schemaTables(ctx, q)
	if err != nil {
		return nil, err
	}
	byPrivilege := map[string][]string{}
	for _, t := range tables {
		granted := t.applicationPrivileges(tables)
		for _, privilege := range []string{"INSERT", "UPDATE", "DELETE"} {
			if !strings.Contains(granted, privilege) {
				byPrivilege[privilege] = append(byPrivilege[privilege], t.name)
			}
		}
	}
	excess, err := queryExcess(ctx, q, powersQuery, role)
	for _, privilege := range []string{"INSERT", "UPDATE", "DELETE", "TRUNCATE"} {
		if err != nil {
			return nil, err
		}
		if privilege != "TRUNCATE" && len(byPrivilege[privilege]) == 0 {
			continue
		}
		var more []string
		more, err = queryExcess(ctx, q, tableExcessQuery, role, privilege, strings.Join(byPrivilege[privilege], ","))
		excess = append(excess, more...)
	}
	return excess, err
}

// readingExcess lists what the role for reports may do beyond its grants, in words.
func readingExcess(ctx context.Context, q sqldb.Querier, role string) ([]string, error) {
	excess, err := queryExcess(ctx, q, powersQuery, role)
	if err != nil {
		return nil, err
	}
	writes, err := queryExcess(ctx, q, tableExcessQuery, role, "INSERT,UPDATE,DELETE,TRUNCATE", "")
	if err != nil {
		return nil, err
	}
	sealed, err := queryExcess(ctx, q, `SELECT 'may read ' || c.relname || '.' || a.attname
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped, pg_roles r
		WHERE r.rolname = $1 AND NOT r.rolsuper AND c.relnamespace = current_schema()::regnamespace
		AND c.relkind IN ('r', 'p') AND NOT pg_has_role(r.oid, c.relowner, 'MEMBER')
		AND (a.atttypid = 'bytea'::regtype OR a.attname ~ '^(hash|.*_hash|token)$')
		AND has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT') ORDER BY 1`, role)
	return append(append(excess, writes...), sealed...), err
}

func queryExcess(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]string, error) {
	found, err := sqldb.QueryAll(ctx, q, sqldb.ScanText, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the privileges of roles: %w", err)
	}
	return found, nil
}
