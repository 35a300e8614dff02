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

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/rollout"
)

// aside are the commands that do not print what they have found or done as --output says, and why.
var aside = map[string]string{
	"api":              "runs until it is stopped; its log is JSON by ALIQUOT_LOG_FORMAT",
	"worker":           "runs until it is stopped; its log is JSON by ALIQUOT_LOG_FORMAT",
	"sandbox":          "runs until it is stopped",
	"dev":              "runs until it is stopped, and tells people what it does; programs read dev.env in its data folder",
	"health":           "prints nothing: its exit code is the answer",
	"catalogue export": "prints a file that can be imported, which is JSON whatever --output says",
}

// remotely are arguments of the commands that reach an API. What they are answered is theirs to show.
var remotely = map[string][]string{
	"order list": nil, "order show": {anID}, "order story": {anID}, "order watch": {anID}, "order cancel": {anID}, "order place": {anID},
	"order replace": {anID}, "order do-not-process": {anID, "--reason", "patient_withdrew"},
	"endpoint add": {"--url", "http://127.0.0.1:9", "--team", anID}, "endpoint list": nil, "endpoint set": {anID, "--description", "x"}, "endpoint enable": {anID},
	"endpoint disable": {anID}, "endpoint headers": {anID}, "endpoint secret": {anID}, "endpoint rotate": {anID}, "endpoint remove": {anID},
	"endpoint replay": {anID, "--since", "1h"}, "message list": nil, "message show": {anID}, "message resend": {anID},
	"team list": nil, "team add": {"--name", "x", "--environment", "sandbox"}, "team set": {anID, "{}"}, "lab-account list": nil,
	"lab-account put": {"--partner", "neutral", "--lab", "x", "--environment", "sandbox", "--base-url", "http://127.0.0.1:9"}, "catalogue import": {"FILE"}, "catalogue approve": {anID},
	"inbox list": nil, "key list": nil, "key create": {"--name", "x", "--team", anID}, "key renew": {anID}, "key revoke": {anID}, "key token": {"--team", anID},
	"audit list": nil, "audit verify": nil,
}

// locally are arguments of the commands that work on the database, in an order in which they can be run.
var locally = []struct {
	path string
	args []string
}{
	{"version", nil}, {"migrate", nil}, {"bootstrap", []string{"--name", "x"}}, {"key new-encryption", []string{"k2"}}, {"key rotate", []string{"--check"}},
}

// printers show what the commands show that need a Temporal server.
func printers(r *rolling) map[string]func(*cobra.Command) error {
	return map[string]func(*cobra.Command) error{
		"rebuild": func(cmd *cobra.Command) error {
			return showRebuilt(cmd.OutOrStdout(), r.output, dispatch.SweepResult{Orders: 1})
		},
		"rollout show":    func(cmd *cobra.Command) error { return r.status(cmd, rollout.Status{}) },
		"rollout set":     func(cmd *cobra.Command) error { return r.current(cmd, "v2", "is current") },
		"rollout back":    func(cmd *cobra.Command) error { return r.current(cmd, "", "is current, alone") },
		"rollout ramp":    func(cmd *cobra.Command) error { return r.ramping(cmd, "v2", 10) },
		"rollout restart": func(cmd *cobra.Command) error { return r.restarted(cmd, 3) },
	}
}

// leaves are the commands that do something, by their paths.
func leaves(cmd *cobra.Command) map[string]*cobra.Command {
	out := map[string]*cobra.Command{}
	for _, sub := range cmd.Commands() {
		if sub.HasSubCommands() {
			maps.Copy(out, leaves(sub))
		} else {
			out[strings.TrimPrefix(sub.CommandPath(), "aliquot ")] = sub
		}
	}
	return out
}

// unshown are the commands that no table has, and the entries of tables that are no commands.
func unshown(commands map[string]*cobra.Command) (wrong []string) {
	known := map[string]int{}
	for _, paths := range [][]string{slices.Collect(maps.Keys(aside)), slices.Collect(maps.Keys(remotely)), slices.Collect(maps.Keys(printers(nil)))} {
		for _, path := range paths {
			known[path]++
		}
	}
	for _, local := range locally {
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
	commands := leaves(newRoot())
	require.Empty(t, unshown(commands))
	commands["new"] = &cobra.Command{}
	delete(commands, "version")
	require.ElementsMatch(t, []string{"new", "version"}, unshown(commands), "the control")
	for path, cmd := range leaves(newRoot()) {
		has := cmd.Flags().Lookup("output") != nil || cmd.InheritedFlags().Lookup("output") != nil
		require.Equal(t, aside[path] == "" || path == "catalogue export", has, path)
	}
}

// requireJSON says that a text is one or more JSON values, and no more.
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

// anAPI answers everything: lists where the command looks for something in one, else an object.
func anAPI(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/ops/endpoints" || r.URL.Path == "/ops/teams" && r.Method == http.MethodGet:
			_, _ = io.WriteString(w, `[{"id": "`+anID+`", "team_id": "`+anID+`", "environment": "sandbox"}]`)
		case r.Method == http.MethodDelete, strings.HasSuffix(r.URL.Path, "/secret/rotate"):
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = io.WriteString(w, `{"done": true, "full_status": "completed.testkit.completed", "order": {"events": [{"id": 1, "status": "completed.testkit.completed"}]}}`)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestCommandsThatReachAnAPIPrintJSON(t *testing.T) {
	t.Parallel()
	url := anAPI(t)
	file := filepath.Join(t.TempDir(), "labs.json")
	require.NoError(t, os.WriteFile(file, []byte(`{}`), 0o600))
	for path, args := range remotely {
		all := append(strings.Fields(path), args...)
		for i := range all {
			all[i] = strings.ReplaceAll(all[i], "FILE", file)
		}
		all = append(all, "--api", url, "--key", "good")
		out, err := command(t, append(all, "--output", "json")...)
		require.NoError(t, err, path)
		requireJSON(t, path, out)
		_, err = command(t, append(all, "--output", "xml")...)
		require.ErrorContains(t, err, `--output is "xml", not text or json`, path)
	}
}

func TestCommandsOnTheDatabasePrintJSON(t *testing.T) {
	t.Setenv("ALIQUOT_DATABASE_URL", "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", strings.TrimSpace(must(t, "key", "new-encryption")))
	for _, c := range locally {
		all := append(strings.Fields(c.path), c.args...)
		_, err := command(t, append(all, "--output", "xml")...)
		require.ErrorContains(t, err, `--output is "xml", not text or json`, "%s has done nothing", c.path)
		requireJSON(t, c.path, must(t, append(all, "--output", "json")...))
	}
}

func TestCommandsOnTemporalPrintJSON(t *testing.T) {
	t.Parallel()
	for path, show := range printers(&rolling{output: outputJSON}) {
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		require.NoError(t, show(cmd), path)
		requireJSON(t, path, out.String())
	}
	for path, show := range printers(&rolling{output: outputText}) { // the control
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		require.NoError(t, show(cmd), path)
		require.Error(t, onlyJSON(out.String()), path)
	}
	_, err := command(t, "rollout", "set", "v2", "--output", "xml")
	require.ErrorContains(t, err, `--output is "xml"`)
	_, err = command(t, "rebuild", "--output", "xml")
	require.ErrorContains(t, err, `--output is "xml"`)
}
