package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDocumentIsCurrentAndEveryLicenceAccepted(t *testing.T) {
	t.Parallel()
	written := filepath.Join(t.TempDir(), "licences.md")
	require.NoError(t, run(written))
	want, err := os.ReadFile(written)
	require.NoError(t, err)
	have, err := os.ReadFile(filepath.Join("..", "..", "docs", "licences.md"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "run go generate ./internal/licences")
	require.Contains(t, string(have), "| `go.temporal.io/sdk` |")
	require.NotContains(t, string(have), "pgregory.net/rapid", "what only tests need is not shipped")
}

// TestOtherLicencesAreRefused is the control: licences that are not accepted are recognized and refused.
func TestOtherLicencesAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3":                                     "AGPL-3.0",
		"GNU GENERAL PUBLIC LICENSE\n Version 2, June 1991":                                 "GPL",
		"GNU LESSER GENERAL PUBLIC LICENSE as the GNU General Public License says, version": "LGPL",
		"All rights reserved. Ask us first.":                                                "",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "LICENSE.txt"), []byte(text), 0o600))
		found, err := licenceOf(dir)
		if want == "" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, found)
		require.ErrorContains(t, checkLicence(module{licence: found}), want)
	}
	_, err := licenceOf(t.TempDir())
	require.ErrorContains(t, err, "no licence")
	require.NoError(t, checkLicence(module{licence: "MIT"}))
}

// The licence of a file that is built in is beside it, and another text is not taken for it.
func TestEmbeddedFilesHaveTheirLicence(t *testing.T) {
	t.Parallel()
	for _, f := range embeddedFiles {
		require.NoError(t, f.check(repositoryRoot()))
		root := t.TempDir()
		require.Error(t, f.check(root), "no file")
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(f.text)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, f.text), []byte("All rights reserved."), 0o600))
		require.ErrorContains(t, f.check(root), "does not say")
	}
}
