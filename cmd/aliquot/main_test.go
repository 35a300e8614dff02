package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/keyring"
)

// selfVariable makes the test binary run as aliquot, so that the supervisor can start it. Its name does not begin with
// ALIQUOT_, because such variables are not passed on.
const selfVariable = "RUN_AS_ALIQUOT"

func TestMain(m *testing.M) {
	if os.Getenv(selfVariable) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// runInProcess runs a command in this process and returns what it printed.
func runInProcess(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// mustCommand is runInProcess for a command that has to succeed.
func mustCommand(t *testing.T, args ...string) string {
	t.Helper()
	out, err := runInProcess(t, args...)
	require.NoError(t, err)
	return out
}

func TestVersion(t *testing.T) {
	t.Parallel()
	require.Contains(t, mustCommand(t, "version"), "aliquot ")
}

func TestNewEncryptionKey(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"key", "new-encryption"}, {"key", "new-encryption", "k2"}} {
		_, err := keyring.Parse(mustCommand(t, args...))
		require.NoError(t, err)
	}
	require.Contains(t, mustCommand(t, "key", "new-encryption", "k2"), "k2:")
}

func TestBadArgumentsSayWhatToDo(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	tests := map[string]struct {
		args []string
		want string
	}{
		"lab":       {[]string{"dev", "--lab", "half"}, `--lab is "half", not auto or manual`},
		"speed":     {[]string{"dev", "--speed", "0.1"}, "--speed: speed must be"},
		"output":    {[]string{"order", "list", "--output", "xml"}, `--output is "xml", not text or json`},
		"no system": {[]string{"order", "list", "--data", empty}, "no system runs on " + empty},
		"no url":    {[]string{"endpoint", "add"}, `required flag(s) "url" not set`},
		"policy":    {[]string{"team", "set", exampleID, "{"}, "POLICY is not JSON"},
		"unknown":   {[]string{"ordr"}, `unknown command "ordr" for "aliquot"`},
		"nested":    {[]string{"order", "lst"}, `unknown command "lst" for "aliquot order"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := runInProcess(t, test.args...)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// TestBootstrap sets environment variables, so it does not run in parallel.
func TestBootstrap(t *testing.T) {
	t.Setenv("ALIQUOT_DATABASE_URL", "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", "")
	_, err := runInProcess(t, "migrate")
	require.EqualError(t, err, "ALIQUOT_ENCRYPTION_KEYS: is required")

	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", mustCommand(t, "key", "new-encryption"))
	require.Equal(t, "The schema is up to date.\n", mustCommand(t, "migrate"))
	require.Equal(t, "The schema is up to date.\n", mustCommand(t, "migrate"), "again is harmless")
	require.Equal(t, "All rows are filled.\n", mustCommand(t, "backfill"))
	for _, environment := range []string{"", "prod", "Production"} {
		_, err = runInProcess(t, "bootstrap", "--name", "Clinic", "--environment", environment)
		require.ErrorContains(t, err, "it is production or sandbox")
	}
	_, err = runInProcess(t, "bootstrap", "--name", "Clinic")
	require.ErrorContains(t, err, `required flag(s) "environment" not set`)
	require.Contains(t, mustCommand(t, "bootstrap", "--name", "Clinic", "--environment", "production"), "pk_us_")
	_, err = runInProcess(t, "bootstrap", "--name", "Clinic", "--environment", "production")
	require.ErrorContains(t, err, "there is an administrator key already")
}

// TestAStoppedCommandFails sets environment variables, so it does not run in parallel. A deploy script must not
// continue after a migration that was stopped. A process that runs until it is stopped has succeeded.
func TestAStoppedCommandFails(t *testing.T) {
	t.Setenv("ALIQUOT_DATABASE_URL", "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", mustCommand(t, "key", "new-encryption"))
	t.Setenv("ALIQUOT_TEMPORAL", "127.0.0.1:1")
	mustCommand(t, "migrate")
	require.Contains(t, hintFor(context.Canceled), "Run it again")
	for _, test := range []struct {
		args []string
		well bool
	}{
		{[]string{"migrate"}, false},
		{[]string{"bootstrap", "--name", "Clinic", "--environment", "production"}, false},
		{[]string{"rebuild"}, false},
		{[]string{"rollout", "set", "v1"}, false},
		{[]string{"key", "rotate"}, false},
		{[]string{"worker"}, true},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		root := newRoot()
		root.SetArgs(test.args)
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		cmd, err := root.ExecuteContextC(ctx)
		require.Error(t, err, "%v", test.args)
		require.Equal(t, test.well, isRequestedStop(cmd, err), "%v: %v", test.args, err)
	}
}
