package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The document has the tables, columns and indexes of a migrated database.
func TestTheDocumentIsOfTheMigratedDatabase(t *testing.T) {
	t.Parallel()
	url := postgrestest.NewDatabase(t)
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	keys, err := keyring.Parse(key)
	require.NoError(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: url, Keys: keys})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Close())
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	list := func(query string) []string {
		all, err := sqldb.QueryAll(t.Context(), db, sqldb.ScanText, query)
		require.NoError(t, err)
		slices.Sort(all)
		return all
	}

	documented, err := readSchema()
	require.NoError(t, err)
	var columns, indexes []string
	for _, sec := range documented.sections {
		for _, table := range sec.tables {
			for _, c := range table.columns {
				columns = append(columns, table.name+"."+c.name)
			}
			for _, x := range table.indexes {
				indexes = append(indexes, indexName(x))
			}
		}
	}
	slices.Sort(columns)
	slices.Sort(indexes)
	require.Equal(t, list(`SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT LIKE 'goose%'`), columns)
	require.Equal(t, list(`SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition
		AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)`), indexes)
}

func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	s, err := readSchema()
	require.NoError(t, err)
	found, err := os.ReadFile(filepath.Join("..", "..", "docs", "schema.md"))
	require.NoError(t, err)
	require.Equal(t, s.markdown(), string(found), "run go generate ./store")
}

func TestStatementsOfLaterMigrations(t *testing.T) {
	t.Parallel()
	s := &schema{}
	s.apply("-- +goose Up\n\n-- Things: all of them.\n\n-- A thing.\nCREATE TABLE things (\n" +
		"    id uuid PRIMARY KEY, -- its id\n" +
		"    -- in kilograms\n    weight BIGINT NOT NULL\n) PARTITION BY RANGE (id);\n" +
		"CREATE INDEX by_weight ON things (weight);\n" +
		"-- +goose Down\nDROP TABLE things;\n")
	s.apply("-- +goose Up\nALTER TABLE things ADD COLUMN parent uuid REFERENCES things (id);\n" +
		"CREATE UNIQUE INDEX CONCURRENTLY by_parent ON things (parent,\n    id) WHERE parent IS NOT NULL;\n" +
		"DROP INDEX CONCURRENTLY by_weight;\n-- +goose Down\n")
	want := &table{name: "things", purpose: "A thing.", partitioned: "RANGE (id)",
		columns: []column{
			{name: "id", kind: "uuid", rest: "PRIMARY KEY", meaning: "its id"},
			{name: "weight", kind: "BIGINT", rest: "NOT NULL", meaning: "in kilograms"},
			{name: "parent", kind: "uuid", references: "things"},
		},
		indexes: []string{"by_parent unique: (parent, id) WHERE parent IS NOT NULL"}}
	require.Equal(t, []section{{title: "Things", intro: "all of them.", tables: []*table{want}}}, s.sections)
	s.apply("-- +goose Up\nDROP TABLE things;\n-- +goose Down\n")
	require.Empty(t, s.sections[0].tables)
}
