// Package policy checks rules of the whole repository as tests: which package may import which, that every package has
// a comment, that files stay short, that no patient data is logged, and more. Each check also runs over samples that
// break its rule, which it has to report.
package policy

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the root of the repository, relative to this package.
const root = "../.."

// source is a Go file. Its name is relative to the root, with slashes.
type source struct {
	name string
	text []byte
	file *ast.File
	fset *token.FileSet
}

// parseSource parses the text of a Go file.
func parseSource(t *testing.T, name string, text []byte) source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	return source{name: name, text: text, file: file, fset: fset}
}

func (s source) dir() string       { return path.Dir(s.name) }
func (s source) isTest() bool      { return strings.HasSuffix(s.name, "_test.go") }
func (s source) isGenerated() bool { return ast.IsGenerated(s.file) }

// position returns a node's file and line.
func (s source) position(n ast.Node) string {
	return s.fset.Position(n.Pos()).String()
}

// repositoryFiles lists the files that git tracks, and new files that git does not ignore, so that the rules also apply
// before a commit.
func repositoryFiles(t *testing.T) []string {
	t.Helper()
	git := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
		"--deduplicate")
	git.Dir = root
	out, err := git.Output()
	require.NoError(t, err, "the rules are checked in a git checkout")

	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	names = slices.DeleteFunc(names, func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return os.IsNotExist(err) // removed and not yet committed
	})
	require.Contains(t, names, "go.mod")
	return names
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return text
}

// sources parses the module's Go files, without the modules of tools and without testdata.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	for _, name := range repositoryFiles(t) {
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(name, "tools/") ||
			strings.Contains(name, "testdata/") {
			continue
		}
		found = append(found, parseSource(t, name, readFile(t, name)))
	}
	require.NotEmpty(t, found)
	return found
}

// requireListed requires that the names that find reports of the sources in a part of the repository are those that are
// listed, each with its reason.
func requireListed(t *testing.T, listed map[string]string, in func(source) bool, find func(source) []string,
	advice string) {
	t.Helper()
	found, unlisted := map[string]bool{}, []string{}
	for _, s := range sources(t) {
		if !in(s) {
			continue
		}
		for _, name := range find(s) {
			found[name] = true
			if _, ok := listed[name]; !ok {
				unlisted = append(unlisted, name)
			}
		}
	}
	require.Empty(t, unlisted, advice)
	for name := range listed {
		require.True(t, found[name], "%s is listed and is not there", name)
	}
}

// isText reports whether a file is text, by git's rule.
func isText(content []byte) bool {
	return !bytes.Contains(content[:min(len(content), 8000)], []byte{0})
}
