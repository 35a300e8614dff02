package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireAccountCommands creates and changes an account at a partner.
func requireAccountCommands(t *testing.T, d *devSystem) {
	t.Helper()
	run := func(args ...string) string { return mustCommand(t, append(args, "--data", d.data)...) }
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	file := filepath.Join(t.TempDir(), "secret.txt")
	require.NoError(t, os.WriteFile(file, []byte("\ufeff"+secret+"\r\n"), 0o600))

	id := field(t, run("lab-account", "put", "--lab", "draws", "--partner", "neutral", "--environment", "production",
		"--base-url", "https://partner.example", "--user", "us", "--token-file", file), "id")
	require.Contains(t, run("lab-account", "list"), "https://partner.example")
	changed := run("lab-account", "put", id, "--status", "suspended", "--settings", "\ufeff"+`{"cancel":true}`)
	require.Contains(t, changed, `{"cancel":true}`)
	require.Contains(t, changed, "https://partner.example", "what no flag names stays")
	require.Contains(t, run("lab-account", "list"), "suspended")
	require.NotContains(t, changed+run("lab-account", "list", "-o", "json"), secret)
	_, err := runInProcess(t, "lab-account", "put", id, "--settings", `{"cancl":true}`, "--data", d.data)
	require.ErrorContains(t, err, "cancl")
}
