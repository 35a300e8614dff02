package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/settings"
)

func TestWriteThenCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "settings.md")
	var stderr bytes.Buffer
	require.Equal(t, 0, run([]string{"-out", path}, &stderr))
	require.Equal(t, 0, run([]string{"-out", path, "-check"}, &stderr))
	require.Empty(t, stderr.String())
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, settings.Table(), string(written))
}

func TestCheckFindsAStaleFileAndLeavesItAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "settings.md")
	stale := settings.Table() + "one line more\n"
	require.NoError(t, os.WriteFile(path, []byte(stale), 0o600))
	var stderr bytes.Buffer
	require.Equal(t, 1, run([]string{"-out", path, "-check"}, &stderr))
	require.Contains(t, stderr.String(), "is not current: run go generate ./settings")
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, stale, string(left))
}

func TestFailures(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing", "settings.md")
	var stderr bytes.Buffer
	require.Equal(t, 1, run([]string{"-out", missing, "-check"}, &stderr))
	require.Equal(t, 1, run([]string{"-out", missing}, &stderr))
	require.Equal(t, 2, run([]string{"-unheard-of"}, &stderr))
}
