package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "openapi.json")
	require.Error(t, run(file, true), "there is nothing to compare with")
	require.NoError(t, run(file, false))
	require.NoError(t, run(file, true))

	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(b, ' '), 0o600))
	require.ErrorContains(t, run(file, true), "out of date")
}
