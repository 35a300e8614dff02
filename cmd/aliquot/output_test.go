package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/rollout"
)

// commandsWithoutOutput are the commands without --output, and why.
var commandsWithoutOutput = map[string]string{
	"api":              "runs until it is stopped; its log is JSON by ALIQUOT_LOG_FORMAT",
	"worker":           "runs until it is stopped; its log is JSON by ALIQUOT_LOG_FORMAT",
	"sandbox":          "runs until it is stopped",
	"dev":              "runs until it is stopped, and prints messages for people; programs read dev.env",
	"health":           "prints nothing: its exit code is the answer",
	"catalogue export": "prints a file that can be imported, which is JSON whatever --output says",
}

// apiCommandArgs are arguments of the commands that call the API.
var apiCommandArgs = map[string][]string{
	"order list": nil, "order show": {exampleID}, "order story": {exampleID}, "order watch": {exampleID},
	"order cancel": {exampleID}, "order place": {exampleID},
	"order replace": {exampleID}, "order do-not-process": {exampleID, "--reason", "patient_withdrew"},
	"endpoint add": {"--url", "http://127.0.0.1:9", "--team", exampleID}, "endpoint list": nil,
	"endpoint set": {exampleID, "--description", "x"}, "endpoint enable": {exampleID},
	"endpoint disable": {exampleID}, "endpoint headers": {exampleID}, "endpoint secret": {exampleID},
	"endpoint rotate": {exampleID}, "endpoint remove": {exampleID},
	"endpoint replay": {exampleID, "--since", "1h"}, "message list": nil, "message show": {exampleID},
	"message resend": {exampleID},
	"team list":      nil, "team add": {"--name", "x", "--environment", "sandbox"}, "team set": {exampleID, "{}"},
	"lab-account list": nil, "courier-account list": nil,
	"lab-account put": {"--partner", "neutral", "--lab", "x", "--environment", "sandbox", "--base-url",
		"http://127.0.0.1:9"}, "catalogue import": {"FILE"}, "catalogue approve": {exampleID},
	"inbox list": nil, "inbox release": {exampleID},
	"key list": nil, "key create": {"--name", "x", "--team", exampleID}, "key renew": {exampleID},
	"key revoke": {exampleID}, "key token": {"--team", exampleID},
	"audit list": nil, "audit verify": nil,
}

// databaseCommandArgs are arguments of the commands that work on the database, in a sequence in which they succeed.
var databaseCommandArgs = []struct {
	path string
	args []string
}{
	{"version", nil}, {"migrate", nil}, {"backfill", nil},
	{"bootstrap", []string{"--name", "x", "--environment", "sandbox"}},
	{"key new-encryption", []string{"k2"}},
	{"key rotate", []string{"--check"}},
}

// temporalCommandPrinters are the print functions of the commands that need a Temporal server.
func temporalCommandPrinters(r *rolloutFlags) map[string]func(*cobra.Command) error {
	return map[string]func(*cobra.Command) error{
		"rebuild": func(cmd *cobra.Command) error {
			return printRebuilt(cmd.OutOrStdout(), r.output, dispatch.SweepResult{OrdersStarted: 1}, nil)
		},
		"rollout show":    func(cmd *cobra.Command) error { return r.printStatus(cmd, rollout.Status{}) },
		"rollout set":     func(cmd *cobra.Command) error { return r.printCurrent(cmd, "v2", "is current") },
		"rollout back":    func(cmd *cobra.Command) error { return r.printCurrent(cmd, "", "is current, alone") },
		"rollout ramp":    func(cmd *cobra.Command) error { return r.printRamping(cmd, "v2", 10) },
		"rollout restart": func(cmd *cobra.Command) error { return r.printRestarted(cmd, 3) },
	}
}

// leafCommands are the commands without subcommands, by their paths.
func leafCommands(cmd *cobra.Command) map[string]*cobra.Command {
	out := map[string]*cobra.Command{}
	for _, sub := range cmd.Commands() {
		if sub.HasSubCommands() {
			maps.Copy(out, leafCommands(sub))
		} else {
			out[strings.TrimPrefix(sub.CommandPath(), "aliquot ")] = sub
		}
	}
	return out
}

// differingCommands lists the commands that no table has, and the entries of tables that are not commands.
func differingCommands(commands map[string]*cobra.Command) (wrong []string) {
	known := map[string]int{}
	for _, paths := range [][]string{slices.Collect(maps.Keys(commandsWithoutOutput)),
		slices.Collect(maps.Keys(apiCommandArgs)), slices.Collect(maps.Keys(temporalCommandPrinters(nil)))} {
		for _, path := range paths {
			known[path]++
		}
	}
	for _, local := range databaseCommandArgs {
		known[local.path]++
	}
	for path := range commands {
		if known[path] != 1 {
			wrong = append(wrong, path)
		}
		delete(known, path)
	}
	return append(wrong, slices.Collect(maps.Keys(known))...)
}

func TestEveryCommandIsKnownToPrintJSONOrNot(t *testing.T) {
	t.Parallel()
	commands := leafCommands(newRoot())
	require.Empty(t, differingCommands(commands))
	commands["new"] = &cobra.Command{}
	delete(commands, "version")
	require.ElementsMatch(t, []string{"new", "version"}, differingCommands(commands), "the control")
	for path, cmd := range leafCommands(newRoot()) {
		has := cmd.Flags().Lookup("output") != nil || cmd.InheritedFlags().Lookup("output") != nil
		require.Equal(t, commandsWithoutOutput[path] == "" || path == "catalogue export", has, path)
	}
}

// requireJSON checks that a text consists of one or more JSON values.
func requireJSON(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, onlyJSON(text), "%s prints %s", path, text)
}

func onlyJSON(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("nothing was printed")
	}
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var v any
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// newFakeAPI starts a server that answers every call: with a list if the command expects one, and otherwise with an
// object.
func newFakeAPI(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/ops/endpoints" || r.URL.Path == "/ops/teams" && r.Method == http.MethodGet:
			_, _ = io.WriteString(w, `[{"id": "`+exampleID+`", "team_id": "`+exampleID+`", "environment": "sandbox"}]`)
		case r.Method == http.MethodDelete, strings.HasSuffix(r.URL.Path, "/secret/rotate"):
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = io.WriteString(w,
				`{"done": true, "full_status": "completed.testkit.completed", "order": {"events": [{"id": 1,
					"status": "completed.testkit.completed"}]}}`)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestCommandsThatReachAnAPIPrintJSON(t *testing.T) {
	t.Parallel()
	url := newFakeAPI(t)
	file := filepath.Join(t.TempDir(), "labs.json")
	require.NoError(t, os.WriteFile(file, []byte(`{}`), 0o600))
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte("good\n"), 0o600))
	for path, args := range apiCommandArgs {
		all := append(strings.Fields(path), args...)
		for i := range all {
			all[i] = strings.ReplaceAll(all[i], "FILE", file)
		}
		all = append(all, "--api", url, "--key-file", key)
		out, err := runInProcess(t, append(all, "--output", "json")...)
		require.NoError(t, err, path)
		requireJSON(t, path, out)
		_, err = runInProcess(t, append(all, "--output", "xml")...)
		require.ErrorContains(t, err, `--output is "xml", not text or json`, path)
	}
}

func TestCommandsOnTheDatabasePrintJSON(t *testing.T) {
	t.Setenv("ALIQUOT_DATABASE_URL", "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", strings.TrimSpace(mustCommand(t, "key", "new-encryption")))
	for _, c := range databaseCommandArgs {
		all := append(strings.Fields(c.path), c.args...)
		_, err := runInProcess(t, append(all, "--output", "xml")...)
		require.ErrorContains(t, err, `--output is "xml", not text or json`, "%s has done nothing", c.path)
		requireJSON(t, c.path, mustCommand(t, append(all, "--output", "json")...))
	}
}

func TestCommandsOnTemporalPrintJSON(t *testing.T) {
	t.Parallel()
	for path, show := range temporalCommandPrinters(&rolloutFlags{output: outputJSON}) {
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		require.NoError(t, show(cmd), path)
		requireJSON(t, path, out.String())
	}
	// the same functions print text as well
	for path, show := range temporalCommandPrinters(&rolloutFlags{output: outputText}) {
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		require.NoError(t, show(cmd), path)
		require.Error(t, onlyJSON(out.String()), path)
	}
	_, err := runInProcess(t, "rollout", "set", "v2", "--output", "xml")
	require.ErrorContains(t, err, `--output is "xml"`)
	_, err = runInProcess(t, "rebuild", "--output", "xml")
	require.ErrorContains(t, err, `--output is "xml"`)
}
