package docgen_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/docgen"
)

func generated(text string) docgen.GeneratedFile {
	return docgen.GeneratedFile{
		Command: "petdoc", Path: "docs/pets.md", Package: "./pets",
		Render: func() ([]byte, error) { return []byte(text), nil },
	}
}

func TestWriteThenCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pets.md")
	var stderr bytes.Buffer
	require.Equal(t, 0, generated("cats").Run([]string{"-out", path}, &stderr))
	require.Equal(t, 0, generated("cats").Run([]string{"-out", path, "-check"}, &stderr))
	require.Empty(t, stderr.String())
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "cats", string(written))
}

func TestCheckFindsAStaleFileAndLeavesItAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pets.md")
	require.NoError(t, os.WriteFile(path, []byte("dogs"), 0o600))
	var stderr bytes.Buffer
	require.Equal(t, 1, generated("cats").Run([]string{"-out", path, "-check"}, &stderr))
	require.Contains(t, stderr.String(), "is not current: run go generate ./pets")
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "dogs", string(left))
}

func TestFailures(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing", "pets.md")
	broken := generated("")
	broken.Render = func() ([]byte, error) { return nil, errors.New("no pets") }
	var stderr bytes.Buffer
	require.Equal(t, 1, generated("cats").Run([]string{"-out", missing, "-check"}, &stderr))
	require.Equal(t, 1, generated("cats").Run([]string{"-out", missing}, &stderr))
	require.Equal(t, 1, broken.Run([]string{"-out", missing}, &stderr))
	require.Equal(t, 1, broken.Run([]string{"-out", missing, "-check"}, &stderr))
	require.Equal(t, 2, generated("cats").Run([]string{"-unheard-of"}, &stderr))
}
