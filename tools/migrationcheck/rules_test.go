package migrationcheck

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const migrations = "../../store/migrations/"

// The migrations of the repository keep the rules.
func TestTheMigrationsStopNobody(t *testing.T) {
	t.Parallel()
	postgres, sqlite := os.DirFS(migrations+"postgres"), os.DirFS(migrations+"sqlite")
	all, err := readMigrations(postgres)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	require.NotEmpty(t, all[0].statements)
	require.Empty(t, check(all))
	require.Empty(t, differentNames(postgres, sqlite))
	require.Empty(t, withoutDown(sqlite))
}

// The migrations with which the end-to-end tests load a million rows keep them too.
func TestTheMigrationsOfTheLoadTestStopNobody(t *testing.T) {
	t.Parallel()
	all, err := readMigrations(os.DirFS(migrations + "postgres"))
	require.NoError(t, err)
	more, err := readMigrations(os.DirFS("../../e2e/testdata/migrations/postgres"))
	require.NoError(t, err)
	require.NotEmpty(t, more)
	require.Empty(t, check(append(all[:1], more...)))
	require.Empty(t, differentNames(os.DirFS("../../e2e/testdata/migrations/postgres"),
		os.DirFS("../../e2e/testdata/migrations/sqlite")))
}

const first = "CREATE TABLE orders (id UUID PRIMARY KEY, status TEXT NOT NULL, region TEXT); CREATE TABLE events (id UUID);"

// checkFiles checks the parts Up of migrations that follow the first one.
func checkFiles(t *testing.T, ups ...string) []string {
	t.Helper()
	all := make([]migration, 0, len(ups)+1)
	for i, up := range append([]string{first}, ups...) {
		head := ""
		if rest, found := strings.CutPrefix(up, "NO TRANSACTION"); found {
			head, up = "-- +goose NO TRANSACTION\n", rest
		}
		m, err := parse(fmt.Sprintf("%05d_test.sql", i+1), head+"-- +goose Up\n"+up+"\n-- +goose Down\nSELECT 1;\n")
		require.NoError(t, err, up)
		all = append(all, m)
	}
	return check(all)
}

func TestWhatStopsOthersIsReported(t *testing.T) {
	t.Parallel()
	const (
		check    = "ALTER TABLE orders ADD CONSTRAINT has_region CHECK (region IS NOT NULL) NOT VALID;"
		validate = "ALTER TABLE orders VALIDATE CONSTRAINT has_region;"
		setNull  = "ALTER TABLE orders ALTER COLUMN region SET NOT NULL;"
		unused   = "-- +aliquot unused-since 0.2.0\n"
	)
	for _, test := range []struct {
		ups  []string
		want string // empty: nothing
	}{
		// The twenty-first migration of the time before the first release.
		{[]string{"ALTER TABLE orders ADD COLUMN unfinished BOOLEAN NOT NULL DEFAULT TRUE;\n" +
			"CREATE INDEX orders_unfinished ON orders (status) WHERE unfinished;"}, "stops its writers"},
		{[]string{"CREATE UNIQUE INDEX a ON orders (status);"}, "stops its writers"},
		{[]string{"CREATE INDEX CONCURRENTLY a ON orders (status);"}, "does not work in a transaction"},
		{[]string{"NO TRANSACTION CREATE INDEX CONCURRENTLY a ON orders (status);"}, ""},
		{[]string{"NO TRANSACTION CREATE INDEX CONCURRENTLY ON orders (status);"}, "cannot be repeated"},
		{[]string{"NO TRANSACTION CREATE INDEX a ON orders (status);"}, "cannot be repeated"},
		{[]string{"NO TRANSACTION ALTER TABLE orders ADD COLUMN a TEXT; CREATE INDEX CONCURRENTLY a ON orders (status);"},
			"cannot be repeated"},
		{[]string{"CREATE TABLE a (b TEXT); CREATE INDEX c ON a (b);"}, ""},
		{[]string{"DROP INDEX a;"}, "CONCURRENTLY"},
		{[]string{"NO TRANSACTION DROP INDEX CONCURRENTLY a;"}, ""},
		{[]string{"NO TRANSACTION DROP INDEX a;"}, "cannot be repeated"},
		{[]string{"REINDEX TABLE orders;"}, "in no rule"},
		{[]string{"CLUSTER orders USING a;"}, "in no rule"},
		{[]string{"LOCK TABLE orders;"}, "in no rule"},
		{[]string{"DO $$ BEGIN UPDATE orders SET status = ''; END $$;"}, "in no rule"},
		{[]string{"TRUNCATE orders;"}, "in no rule"},

		{[]string{"ALTER TABLE orders ALTER COLUMN status TYPE VARCHAR(9);"}, "rewrites the table"},
		{[]string{"ALTER TABLE orders ADD COLUMN a BIGINT;"}, ""},
		{[]string{"ALTER TABLE orders ADD COLUMN a BIGINT NOT NULL DEFAULT 0;"}, ""},
		{[]string{"ALTER TABLE orders ADD COLUMN a TEXT NOT NULL DEFAULT '{}'::text;"}, ""},
		{[]string{"ALTER TABLE orders ADD COLUMN a BIGINT NOT NULL;"}, "needs a default"},
		{[]string{"ALTER TABLE orders ADD COLUMN a UUID DEFAULT gen_random_uuid();"}, "not constant"},
		{[]string{"ALTER TABLE orders ADD COLUMN a TIMESTAMP DEFAULT clock_timestamp();"}, "not constant"},
		{[]string{"ALTER TABLE orders ADD COLUMN a BIGINT GENERATED ALWAYS AS (1) STORED;"}, "rewrites or scans"},
		{[]string{"ALTER TABLE orders ADD COLUMN a BIGINT GENERATED ALWAYS AS IDENTITY;"}, "rewrites or scans"},
		{[]string{"ALTER TABLE orders ADD COLUMN a TEXT UNIQUE;"}, "rewrites or scans"},
		{[]string{"ALTER TABLE orders ADD COLUMN a TEXT CHECK (a <> '');"}, "rewrites or scans"},
		{[]string{"ALTER TABLE orders ADD COLUMN a UUID REFERENCES events (id);"}, ""},
		{[]string{"ALTER TABLE orders ADD COLUMN a TEXT DEFAULT 'x' REFERENCES events (id);"}, "scans the table"},
		{[]string{"ALTER TABLE orders SET UNLOGGED;"}, "in no rule"},

		{[]string{setNull}, "scans the table"},
		{[]string{check, setNull}, "scans the table"},
		{[]string{check, validate, setNull}, ""},
		{[]string{check, "NO TRANSACTION " + validate, setNull}, ""},
		{[]string{check + validate, setNull}, "scans under its lock"},
		{[]string{"ALTER TABLE orders ADD CONSTRAINT has_region CHECK (status IS NOT NULL) NOT VALID;", validate, setNull},
			"scans the table"},
		{[]string{"ALTER TABLE orders ADD CONSTRAINT a CHECK (status <> '');"}, "NOT VALID"},
		{[]string{"ALTER TABLE orders ADD CHECK (status <> '') NOT VALID;"}, "without a name"},
		{[]string{"ALTER TABLE orders ADD CONSTRAINT a FOREIGN KEY (id) REFERENCES events (id);"}, "NOT VALID"},
		{[]string{"ALTER TABLE orders ADD CONSTRAINT a FOREIGN KEY (id) REFERENCES events (id) NOT VALID;"}, ""},
		{[]string{"ALTER TABLE orders ADD CONSTRAINT a UNIQUE (status);"}, "USING INDEX"},
		{[]string{"ALTER TABLE orders ADD PRIMARY KEY (status);"}, "USING INDEX"},
		{[]string{"ALTER TABLE orders ADD CONSTRAINT a UNIQUE USING INDEX b;"}, ""},
		{[]string{"ALTER TABLE orders ADD CONSTRAINT a EXCLUDE USING gist (status WITH =);"}, "in no rule"},
		{[]string{"ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'x', ALTER COLUMN status DROP NOT NULL;"}, ""},

		{[]string{"ALTER TABLE orders DROP COLUMN region;"}, "unused-since"},
		{[]string{unused + "ALTER TABLE orders DROP COLUMN region;"}, ""},
		{[]string{"ALTER TABLE events ADD COLUMN a TEXT;\n" + unused + "DROP TABLE orders;"}, "one existing table"},
		{[]string{"DROP TABLE orders;"}, "unused-since"},
		{[]string{unused + "DROP TABLE orders;"}, ""},
		{[]string{unused + "SELECT 1; DROP TABLE orders;"}, "unused-since"},
		{[]string{"ALTER TABLE orders RENAME COLUMN region TO area;"}, "unused-since"},
		{[]string{"ALTER TABLE orders RENAME TO sales;"}, "unused-since"},
		{[]string{unused + "ALTER TABLE orders RENAME COLUMN region TO area;"}, ""},
		{[]string{"ALTER INDEX a RENAME TO b;"}, ""},

		{[]string{"UPDATE orders SET region = 'x';"}, "back-fill"},
		{[]string{"UPDATE orders SET region = 'x' WHERE status <> 'y';"}, "back-fill"},
		{[]string{"UPDATE orders SET region = 'x' WHERE id = id;"}, "back-fill"},
		{[]string{"UPDATE orders SET region = 'x' WHERE id = 'y' OR TRUE;"}, "back-fill"},
		{[]string{"UPDATE orders SET region = 'x' WHERE id = 'y' AND region IS NULL;"}, ""},
		{[]string{"DELETE FROM orders;"}, "back-fill"},
		{[]string{"DELETE FROM orders WHERE id IN ('x', 'y');"}, ""},
		{[]string{"INSERT INTO events (id) SELECT id FROM orders;"}, "back-fill"},
		{[]string{"INSERT INTO events (id) VALUES ('x');"}, ""},
		{[]string{"CREATE TABLE a (b TEXT); INSERT INTO a VALUES ('x'); UPDATE a SET b = 'y';"}, ""},
		{[]string{"ALTER TABLE orders ADD COLUMN a TEXT; ALTER TABLE events ADD COLUMN a TEXT;"}, "one existing table"},
		{[]string{"CREATE TABLE a PARTITION OF orders DEFAULT; CREATE TABLE b PARTITION OF events DEFAULT;"},
			"one existing table"},
		{[]string{"CREATE FUNCTION f() RETURNS BIGINT LANGUAGE sql AS $$ SELECT 1 $$;"}, ""},
	} {
		reports := checkFiles(t, test.ups...)
		if test.want == "" {
			require.Empty(t, reports, "%q", test.ups)
			continue
		}
		require.NotEmpty(t, reports, "%q", test.ups)
		require.Contains(t, strings.Join(reports, "\n"), test.want, "%q", test.ups)
	}
}

func TestFilesThatAreNotWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"CREATE TABLE a (b TEXT);":                                        "needs a part Up",
		"-- +goose Up\nCREATE TABLE a (b TEXT);":                          "then a part Down",
		"-- +goose Up\nCREATE TABLE a (b TEXT);\n-- +goose Down\n":        "is empty",
		"-- +goose Up\nCREATE TABLE a (b;\n-- +goose Down\nDROP TABLE a;": "does not understand it",
		"-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP a;":                "its part Down",
	} {
		_, err := parse("00002_a.sql", text)
		require.ErrorContains(t, err, want, text)
	}
	file := &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n")}
	half := &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n-- +goose Down\n")}
	a := fstest.MapFS{"00001_a.sql": file, "00002_b.sql": file}
	b := fstest.MapFS{"00001_a.sql": file, "00002_c.sql": half}
	require.Len(t, differentNames(a, b), 2)
	require.Empty(t, differentNames(a, a))
	require.Len(t, withoutDown(b), 1)
	require.Empty(t, withoutDown(a))
}
