package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

// searchedText is a text that must not contain words about a patient.
type searchedText struct {
	name string
	text []byte
}

// findWords lists the words that occur in the texts, as "word in name of the text". It ignores case and also finds
// words in base64 and hexadecimal.
func findWords(places []searchedText, words []string) []string {
	var found []string
	for _, p := range places {
		lower := bytes.ToLower(p.text)
		for _, word := range words {
			for _, s := range encodedForms(word) {
				if bytes.Contains(lower, []byte(strings.ToLower(s))) {
					found = append(found, word+" in "+p.name)
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// encodedForms returns the word and its encodings inside longer encoded texts. Base64 has three of them, one for each
// position of the first byte in a group of three. The characters at both ends that depend on the neighbouring bytes are
// removed.
func encodedForms(word string) []string {
	out := []string{word, hex.EncodeToString([]byte(word))}
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", before) + word))
		out = append(out, encoded[(before*8+5)/6:(before+len(word))*8/6])
	}
	return out
}

// temporalTexts returns everything that Temporal stores for the namespace: histories as they are transferred, including
// payloads, and as the UI shows them, descriptions with memo, search attributes and pending activities, and the current
// details.
func (s *system) temporalTexts() []searchedText {
	s.t.Helper()
	var places []searchedText
	add := func(name string, m proto.Message) {
		wire, err := proto.Marshal(m) // the payloads' data are plain bytes in it
		require.NoError(s.t, err)
		text, err := protojson.Marshal(m)
		require.NoError(s.t, err)
		places = append(places, searchedText{name, wire}, searchedText{name, text})
	}
	for _, e := range s.executions() {
		id, run := e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId()
		add("list of "+id, e)
		h := &historypb.History{}
		events := s.client.GetWorkflowHistory(context.Background(), id, run, false, 0)
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(s.t, err)
			h.Events = append(h.Events, event)
		}
		add("history of "+id, h)
		described, err := s.client.DescribeWorkflowExecution(context.Background(), id, run)
		require.NoError(s.t, err)
		add("description of "+id, described)
		if strings.HasPrefix(id, "order-") {
			details := s.details(strings.TrimPrefix(id, "order-"))
			require.NotEmpty(s.t, details, "the UI shows nothing of %s", id)
			places = append(places, searchedText{"details of " + id, []byte(details)})
		}
	}
	return places
}

func (s *system) executions() (all []*workflowpb.WorkflowExecutionInfo) {
	s.t.Helper()
	for page := []byte(nil); ; {
		list, err := s.client.ListWorkflow(context.Background(),
			&workflowservice.ListWorkflowExecutionsRequest{Namespace: s.namespace, NextPageToken: page})
		require.NoError(s.t, err)
		all = append(all, list.GetExecutions()...)
		if page = list.GetNextPageToken(); len(page) == 0 {
			return all
		}
	}
}

// processTexts returns the logs, metrics and traces of the processes.
func (s *system) processTexts() []searchedText {
	s.t.Helper()
	metrics := s.request("GET", s.url+"/metrics", nil)
	require.Contains(s.t, string(metrics.Body), "aliquot_order_transitions_total")
	return []searchedText{{"logs", []byte(s.logs.String())}, {"metrics", metrics.Body}, {"spans", s.spanText()}}
}

// databaseTexts returns all columns of all rows of all tables and a dump of the database, and for SQLite the content of
// its files.
func (s *system) databaseTexts() []searchedText {
	s.t.Helper()
	path, isSQLite := strings.CutPrefix(s.dbURL, "sqlite:")
	catalogue := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	if isSQLite {
		catalogue = `SELECT name FROM sqlite_master WHERE type = 'table'`
	}
	db := s.openDatabase()
	defer func() { require.NoError(s.t, db.Close()) }()
	var places []searchedText
	for _, row := range s.rows(db, catalogue) {
		table := row[0]
		for _, values := range s.rows(db, `SELECT * FROM `+table) {
			places = append(places, searchedText{"table " + table, []byte(strings.Join(values, "\n"))})
		}
	}
	if !isSQLite {
		return append(places, searchedText{"dump", postgrestest.Dump(s.t, s.ownerURL)})
	}
	backup := filepath.Join(s.t.TempDir(), "backup.db")
	_, err := db.ExecContext(context.Background(), `VACUUM INTO '`+backup+`'`)
	require.NoError(s.t, err)
	for name, file := range map[string]string{"database file": path, "write-ahead log": path + "-wal", "dump": backup} {
		content, err := os.ReadFile(file)
		require.NoError(s.t, err)
		places = append(places, searchedText{name, content})
	}
	return places
}

// commandTexts returns the output of the administrative commands about orders.
func (s *system) commandTexts(binary string, orders []string) (places []searchedText) {
	s.t.Helper()
	commands := [][]string{
		{"order", "list"}, {"order", "list", "--attention", "any"}, {"inbox", "list"},
		{"inbox", "list", "--state", "applied"},
		{"endpoint", "list"}, {"team", "list"}, {"message", "list"}, {"key", "rotate", "--check"},
	}
	for _, id := range orders {
		commands = append(commands, []string{"order", "show", id}, []string{"order", "story", id},
			[]string{"order", "cancel", id})
	}
	for _, args := range commands {
		cmd := exec.CommandContext(context.Background(), binary, args...)
		cmd.Env = append(os.Environ(), "ALIQUOT_URL="+s.url, "ALIQUOT_OPS_KEY="+s.opsKey,
			"ALIQUOT_DATABASE_URL="+s.dbURL, "ALIQUOT_ENCRYPTION_KEYS="+encryptionKeys)
		out, err := cmd.CombinedOutput()
		if _, refused := errors.AsType[*exec.ExitError](err); err != nil && !refused {
			require.NoError(s.t, err)
		}
		require.NotEmpty(s.t, out, "aliquot %v says nothing", args)
		places = append(places, searchedText{"output of aliquot " + strings.Join(args[:2], " "), out})
	}
	return places
}

// openDatabase opens a connection to the database, as its owner.
func (s *system) openDatabase() *sql.DB {
	s.t.Helper()
	driver, source := "pgx", s.ownerURL
	if path, isSQLite := strings.CutPrefix(s.ownerURL, "sqlite:"); isSQLite {
		driver, source = "sqlite", "file:"+path
	}
	db, err := sql.Open(driver, source)
	require.NoError(s.t, err)
	return db
}

// rows returns the result of a query as text.
func (s *system) rows(db *sql.DB, query string) (all [][]string) {
	s.t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(s.t, err)
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(s.t, rows.Scan(into...))
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = fmt.Sprintf("%s", v)
		}
		all = append(all, texts)
	}
	require.NoError(s.t, rows.Err())
	return all
}
