package migrator

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// file is one migration.
type file struct {
	version int64
	name    string
	needs   []string // back-fills that have to be finished before
	// Statements of a PostgreSQL file without a transaction.
	concurrent bool
	up, down   []statement
}

// statement is a statement that does not stop readers and writers while it works, and that can be repeated.
type statement struct {
	text string
	// Of CREATE INDEX and DROP INDEX.
	kind, index, table string // kind: create, drop, validate
	unique             bool
	rest               string // from the columns to the end
}

var (
	fileName    = regexp.MustCompile(`^([0-9]{5})_[a-z0-9_]+\.sql$`)
	needsMarker = regexp.MustCompile(`(?m)^-- \+aliquot needs-backfill (\S+)\s*$`)
	ownMarker   = regexp.MustCompile(`(?m)^-- \+aliquot (\S+)`)
	noTx        = regexp.MustCompile(`(?m)^-- \+goose NO TRANSACTION\s*$`)
	comment     = regexp.MustCompile(`--[^\n]*`)
	createIndex = regexp.MustCompile(`(?is)^CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+([a-z_]\w*)\s+ON\s+([a-z_]\w*)` +
		`\s*(.*)$`)
	dropIndex    = regexp.MustCompile(`(?is)^DROP\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+EXISTS\s+)?([a-z_]\w*)$`)
	validate     = regexp.MustCompile(`(?is)^ALTER\s+TABLE\s+[a-z_]\w*\s+VALIDATE\s+CONSTRAINT\s+[a-z_]\w*$`)
	knownMarkers = []string{"needs-backfill", "unused-since"}
)

// readFiles reads the migrations in their order.
func readFiles(files fs.FS, engine sqldb.Dialect) ([]file, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("there are no migrations: %w", errors.Join(err, fs.ErrNotExist))
	}
	slices.Sort(names)
	var all []file
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading the migrations: %w", err)
		}
		f, err := parseFile(name, string(text), engine)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		if f.version != int64(len(all)+1) {
			return nil, fmt.Errorf("migration %s: the next number is %05d", name, len(all)+1)
		}
		all = append(all, f)
	}
	return all, nil
}

func parseFile(name, text string, engine sqldb.Dialect) (file, error) {
	number := fileName.FindStringSubmatch(name)
	if number == nil {
		return file{}, errors.New("its name is not NNNNN_subject.sql")
	}
	version, err := strconv.ParseInt(number[1], 10, 64)
	if err != nil {
		return file{}, err
	}
	f := file{version: version, name: name}
	for _, marker := range ownMarker.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(knownMarkers, marker[1]) {
			return file{}, fmt.Errorf("unknown marker %q", marker[1])
		}
	}
	for _, marker := range needsMarker.FindAllStringSubmatch(text, -1) {
		f.needs = append(f.needs, marker[1])
	}
	if !noTx.MatchString(text) || engine != sqldb.Postgres {
		return f, nil
	}
	f.concurrent = true
	up, down, found := strings.Cut(text, "-- +goose Down")
	if !found {
		return file{}, errors.New("it has no part Down")
	}
	if f.up, err = parseStatements(up); err != nil {
		return file{}, err
	}
	f.down, err = parseStatements(down)
	return f, err
}

// parseStatements reads the statements of a file without a transaction. Their kinds have no semicolon within them.
func parseStatements(text string) ([]statement, error) {
	var all []statement
	for part := range strings.SplitSeq(comment.ReplaceAllString(text, ""), ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		s, err := parseStatement(part)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func parseStatement(text string) (statement, error) {
	if m := createIndex.FindStringSubmatch(text); m != nil {
		return statement{text: text, kind: "create", unique: m[1] != "", index: m[2], table: m[3], rest: m[4]}, nil
	}
	if m := dropIndex.FindStringSubmatch(text); m != nil {
		return statement{text: text, kind: "drop", index: m[1]}, nil
	}
	if validate.MatchString(text) {
		return statement{text: text, kind: "validate"}, nil
	}
	return statement{}, fmt.Errorf("without a transaction, a statement is CREATE INDEX CONCURRENTLY name ON table, "+
		"DROP INDEX CONCURRENTLY or VALIDATE CONSTRAINT, and not: %s", text)
}
