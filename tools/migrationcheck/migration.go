package migrationcheck

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	pgquery "github.com/pganalyze/pg_query_go/v6"
	parser "github.com/wasilibs/go-pgquery"
)

// statement is one statement of the part Up of a migration.
type statement struct {
	text string
	node *pgquery.Node
	// unusedSince is the release that stopped using what the statement removes; empty: none is named.
	unusedSince string
}

// migration is a file for PostgreSQL.
type migration struct {
	name          string
	noTransaction bool
	statements    []statement
}

var (
	downLine    = regexp.MustCompile(`(?m)^-- \+goose Down\s*$`)
	upLine      = regexp.MustCompile(`(?m)^-- \+goose Up\s*$`)
	noTxLine    = regexp.MustCompile(`(?m)^-- \+goose NO TRANSACTION\s*$`)
	unusedSince = regexp.MustCompile(`(?m)^-- \+aliquot unused-since v?([0-9]+\.[0-9]+\.[0-9]+)\s*$`)
)

// parse reads a file.
func parse(name, text string) (migration, error) {
	m := migration{name: name, noTransaction: noTxLine.MatchString(text)}
	up, down := upLine.FindStringIndex(text), downLine.FindStringIndex(text)
	if up == nil || down == nil || down[0] < up[0] {
		return m, errors.New("it needs a part Up and then a part Down")
	}
	if strings.TrimSpace(text[down[1]:]) == "" {
		return m, errors.New("its part Down is empty")
	}
	body := text[up[1]:down[0]]
	result, err := parser.Parse(body)
	if err != nil {
		return m, fmt.Errorf("PostgreSQL does not understand it: %w", err)
	}
	if _, err := parser.Parse(text[down[1]:]); err != nil {
		return m, fmt.Errorf("PostgreSQL does not understand its part Down: %w", err)
	}
	for _, raw := range result.GetStmts() {
		end := len(body)
		if raw.GetStmtLen() > 0 {
			end = int(raw.GetStmtLocation() + raw.GetStmtLen())
		}
		s := statement{text: body[raw.GetStmtLocation():end], node: raw.GetStmt()} // with the comments before it
		if marker := unusedSince.FindStringSubmatch(s.text); marker != nil {
			s.unusedSince = marker[1]
		}
		m.statements = append(m.statements, s)
	}
	return m, nil
}

// readMigrations reads all files for PostgreSQL in their order.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []migration
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		m, err := parse(name, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// differentNames reports migrations that only one of the engines has.
func differentNames(postgres, sqlite fs.FS) []string {
	a, errA := fs.Glob(postgres, "*")
	b, errB := fs.Glob(sqlite, "*")
	if err := errors.Join(errA, errB); err != nil {
		return []string{err.Error()}
	}
	var reports []string
	for _, name := range a {
		if !slices.Contains(b, name) {
			reports = append(reports, name+": SQLite does not have it")
		}
	}
	for _, name := range b {
		if !slices.Contains(a, name) {
			reports = append(reports, name+": PostgreSQL does not have it")
		}
	}
	return reports
}

// withoutDown reports the files of SQLite without a part Down.
func withoutDown(files fs.FS) []string {
	names, _ := fs.Glob(files, "*.sql") // the pattern is right
	var reports []string
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		down := downLine.FindIndex(text)
		if err != nil || down == nil || strings.TrimSpace(string(text[down[1]:])) == "" {
			reports = append(reports, name+": its part Down is empty")
		}
	}
	return reports
}
