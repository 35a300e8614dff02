package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/rollout"
)

// busyID is the id of an order for which the test server is busy.
const busyID = "019a1100-0000-7000-8000-00000000000b"

// The most frequent errors have a text that says what to do.
func TestErrorHints(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("x-vital-api-key") == "wrong":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"detail":"Invalid API key"}`)
		case r.Header.Get("x-vital-api-key") == "client":
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"detail":"Not allowed"}`)
		case r.URL.Query().Get("order_id") == "no-id":
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w,
				`{"detail":[{"loc":["path","order_id"],"msg":"Input should be a valid UUID","type":"uuid_parsing"}]}`)
		case strings.HasSuffix(r.URL.Path, "/"+busyID):
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"detail":"Orders cannot be changed at the moment"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"detail":"Order not found"}`)
		}
	}))
	t.Cleanup(server.Close)
	good := []string{"--api", server.URL, "--key", "good"}
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"no server": {[]string{"order", "list", "--api", gone.URL, "--key", "good"},
			[]string{"no answer from " + gone.URL, "Start it with aliquot dev"}},
		"a wrong key": {[]string{"order", "list", "--api", server.URL, "--key", "wrong"},
			[]string{"Invalid API key", "--key or ALIQUOT_OPS_KEY"}},
		"a client's": {[]string{"order", "list", "--api", server.URL, "--key", "client"},
			[]string{"another role"}},
		"an unknown id": {append([]string{"order", "show", exampleID}, good...),
			[]string{"Order not found", "aliquot order list shows"}},
		"an unknown id, watched": {append([]string{"order", "watch", exampleID}, good...),
			[]string{"Order not found", "aliquot order list shows"}},
		"no id": {append([]string{"order", "show", "no-id"}, good...),
			[]string{`"no-id" is not an id`, "--help"}},
		"no team": {append([]string{"endpoint", "add", "--url", "https://a.example", "--team", "../keys"}, good...),
			[]string{`"../keys" is not an id`, "--help"}},
		"no id in a filter": {append([]string{"message", "list", "--order", "no-id"}, good...),
			[]string{"order_id: Input should be a valid UUID", "--help"}},
		"a busy system": {append([]string{"order", "show", strings.ToUpper(busyID)}, good...),
			[]string{"at the moment", "Try again"}},
		"no argument":  {[]string{"order", "show"}, []string{"accepts 1 arg(s), received 0", "--help"}},
		"no such flag": {[]string{"order", "list", "--stat", "x"}, []string{"unknown flag: --stat", "--help"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := runInProcess(t, tt.args...)
			require.Error(t, err)
			text := err.Error() + hintFor(err)
			for _, want := range tt.want {
				require.Contains(t, text, want)
			}
		})
	}
}

// So have errors of the commands that work on the database and Temporal.
func TestSettingsErrorHints(t *testing.T) { //nolint:paralleltest // it sets the environment
	good := strings.TrimSpace(mustCommand(t, "key", "new-encryption"))
	for name, tt := range map[string]struct {
		environ map[string]string
		args    []string
		want    []string
	}{
		"no encryption key": {map[string]string{"ALIQUOT_ENCRYPTION_KEYS": ""}, []string{"migrate"},
			[]string{"is required", "aliquot key new-encryption"}},
		"a wrong setting": {map[string]string{"ALIQUOT_DATABASE_URL": "mysql:x"}, []string{"key", "rotate"},
			[]string{"ALIQUOT_DATABASE_URL", "docs/settings.md"}},
		"no schema": {nil, []string{"bootstrap", "--name", "x", "--environment", "sandbox"},
			[]string{"no such table", "aliquot migrate"}},
		"no folder": {map[string]string{"ALIQUOT_DATABASE_URL": "sqlite:/nowhere/a.db"}, []string{"migrate"},
			[]string{"there is no folder /nowhere", "ALIQUOT_DATABASE_URL names the file"}},
		"no schema either": {nil, []string{"key", "rotate", "--check"}, []string{"aliquot migrate"}},
		"no Temporal": {nil, []string{"rollout", "show"},
			[]string{"reaching Temporal at 127.0.0.1:9", "ALIQUOT_TEMPORAL is its address"}},
		"an id of a key": {nil, []string{"key", "new-encryption", "a:b"}, []string{`the id "a:b" of a key is not`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ALIQUOT_ENCRYPTION_KEYS", good)
			t.Setenv("ALIQUOT_DATABASE_URL", "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
			t.Setenv("ALIQUOT_TEMPORAL", "127.0.0.1:9")
			for variable, value := range tt.environ {
				t.Setenv(variable, value)
			}
			_, err := runInProcess(t, tt.args...)
			require.Error(t, err)
			text := err.Error() + hintFor(err)
			for _, want := range tt.want {
				require.Contains(t, text, want)
			}
		})
	}
}

// Every flag that a hint of rollout names exists in each command that may print the hint.
func TestTheFlagsThatHintsNameAreThere(t *testing.T) {
	t.Parallel()
	text := hintFor(&rollout.UnknownError{}) + hintFor(&rollout.MissingQueuesError{})
	for _, name := range []string{"set", "ramp", "back"} {
		cmd, _, err := newRoot().Find([]string{"rollout", name})
		require.NoError(t, err)
		for _, flag := range []string{"wait", "allow-no-pollers", "allow-missing-queues"} {
			require.Contains(t, text, "--"+flag)
			require.NotNil(t, cmd.Flags().Lookup(flag), "%s has no --%s", name, flag)
		}
	}
}
