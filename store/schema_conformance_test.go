package store

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// schemaColumn is a column of either engine.
type schemaColumn struct {
	table, column, sqlType string
	notNull                bool
}

func (c schemaColumn) name() string { return c.table + "." + c.column }

// readSchema returns all columns by table, each table's in its order. The tables of the migration engine and the
// partitions of other tables are left out.
func readSchema(t *testing.T, s *Store) []schemaColumn {
	t.Helper()
	query := `SELECT m.name, p.name, lower(p.type), p."notnull" <> 0 OR p.pk > 0
		FROM sqlite_master m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%' ORDER BY m.name, p.cid`
	if s.db.Dialect == sqldb.Postgres {
		query = `SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
				AND c.relname NOT LIKE 'goose_%' ORDER BY c.relname COLLATE "C", a.attnum`
	}
	columns, err := sqldb.QueryAll(t.Context(), s.db.Writer, func(row sqldb.Scanner) (c schemaColumn, err error) {
		return c, row.Scan(&c.table, &c.column, &c.sqlType, &c.notNull)
	}, query)
	require.NoError(t, err)
	return columns
}

// sqliteTypes are the types of SQLite by those of PostgreSQL.
var sqliteTypes = map[string]string{
	"uuid": "text", "text": "text", "bigint": "bigint", "integer": "integer", "boolean": "boolean", "bytea": "bytea",
	"double precision": "double precision",
}

// textIDs are the columns with the name of an id that are not a uuid, and why.
var textIDs = map[string]string{
	"labs.id":                  "a number of the catalogue",
	"markers.id":               "a number of the catalogue",
	"markers.lab_id":           "a number of the catalogue",
	"lab_tests.lab_id":         "a number of the catalogue",
	"sites.lab_id":             "a number of the catalogue",
	"audit_chain.id":           "1: the table has one row",
	"audit.request_id":         "often the caller's own",
	"encryption_checks.key_id": "the name of an encryption key",
	"orders.sample_id":         "the lab's or the kit's own",
	"orders.client_user_id":    "the client's own",
	"orders.creator_member_id": "the client's own, returned as it was sent",
	"users.client_user_id":     "the client's own",
}

// moreUUIDs are columns of UUIDs whose names do not say that they hold ids.
var moreUUIDs = []string{"call_pacing.pair", "delivery_leases.owner", "idempotency.token", "reviews.accepting"}

// schemaProblems compares the schemas of the two engines and checks the types of ids.
func schemaProblems(postgres, sqlite []schemaColumn) (problems []string) {
	if len(postgres) != len(sqlite) {
		problems = append(problems, "the engines have different numbers of columns")
	}
	unused := map[string]bool{}
	for _, name := range slices.AppendSeq(slices.Clone(moreUUIDs), maps.Keys(textIDs)) {
		unused[name] = true
	}
	for i := range min(len(postgres), len(sqlite)) {
		p, l := postgres[i], sqlite[i]
		if p.name() != l.name() {
			return append(problems, "there is "+p.name()+" on PostgreSQL and "+l.name()+" on SQLite")
		}
		if p.notNull != l.notNull {
			problems = append(problems, p.name()+" may be NULL on one engine only")
		}
		if want, known := sqliteTypes[p.sqlType]; !known || want != l.sqlType {
			problems = append(problems, p.name()+" is "+p.sqlType+" on PostgreSQL and "+l.sqlType+" on SQLite")
		}
		isID := p.column == "id" || strings.HasSuffix(p.column, "_id") || slices.Contains(moreUUIDs, p.name())
		_, isText := textIDs[p.name()]
		delete(unused, p.name())
		if isID && (p.sqlType == "uuid") == isText {
			problems = append(problems, p.name()+" is "+p.sqlType+": a uuid, or in textIDs with the reason")
		}
	}
	for name := range unused {
		problems = append(problems, "there is no column "+name)
	}
	return problems
}

// Both engines have the same tables and columns, and ids are native UUIDs on PostgreSQL.
func TestBothEnginesHaveTheSameSchema(t *testing.T) {
	t.Parallel()
	onPostgres, onSQLite := openStore(t, migratedURL(t, sqldb.Postgres)), openStore(t, migratedURL(t, sqldb.SQLite))
	postgres, sqlite := readSchema(t, onPostgres), readSchema(t, onSQLite)
	require.Greater(t, len(postgres), 250)
	require.Empty(t, schemaProblems(postgres, sqlite))

	// Controls: each kind of difference is found.
	for name, change := range map[string]func(c *schemaColumn){
		"another name":    func(c *schemaColumn) { c.column = "other" },
		"another table":   func(c *schemaColumn) { c.table = "other" },
		"another type":    func(c *schemaColumn) { c.sqlType = "integer" },
		"an unknown type": func(c *schemaColumn) { c.sqlType = "jsonb" },
		"an id as text":   func(c *schemaColumn) { c.sqlType = "text" },
		"may be NULL":     func(c *schemaColumn) { c.notNull = !c.notNull },
	} {
		for i, c := range postgres {
			if c.name() == "orders.user_id" {
				changed := slices.Clone(postgres)
				change(&changed[i])
				require.NotEmpty(t, schemaProblems(changed, sqlite), name)
			}
		}
	}
	_, err := onSQLite.db.Writer.ExecContext(t.Context(), `ALTER TABLE teams ADD COLUMN parent_id TEXT`)
	require.NoError(t, err)
	require.NotEmpty(t, schemaProblems(postgres, readSchema(t, onSQLite)), "a column on one engine")
	_, err = asOwner(t, onPostgres).db.Writer.ExecContext(t.Context(), `ALTER TABLE teams ADD COLUMN parent_id TEXT`)
	require.NoError(t, err)
	require.Equal(t, []string{"teams.parent_id is text: a uuid, or in textIDs with the reason"},
		schemaProblems(readSchema(t, onPostgres), readSchema(t, onSQLite)))
}
