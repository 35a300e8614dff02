package policy

import (
	"go/ast"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var documentTestPattern = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")

// missingTests lists the tests that a document names and that no source has.
func missingTests(document string, found []source) []string {
	exist := map[string]bool{}
	for _, s := range found {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.isTest() {
				exist[f.Name.Name] = true
			}
		}
	}
	var missing []string
	for _, m := range documentTestPattern.FindAllStringSubmatch(document, -1) {
		if !exist[m[1]] {
			missing = append(missing, m[1])
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

func TestTheTestsThatTheSecurityPageNamesExist(t *testing.T) {
	t.Parallel()
	page, found := string(readFile(t, "docs/security.md")), sources(t)
	require.Greater(t, len(documentTestPattern.FindAllString(page, -1)), 30)
	require.Empty(t, missingTests(page, found), "docs/security.md names tests that do not exist")

	// The control: a test that does not exist is reported, and one that exists is not.
	require.Equal(t, []string{"TestOfNothing"}, missingTests("`TestOfNothing` `FuzzOpenKeyring` TestUnquoted", found))
}

var makeTestPattern = regexp.MustCompile(`-run '?\^?((?:Test|Fuzz)[A-Za-z0-9_]+)`)

// testsRunByMake returns the names of the tests that a makefile runs, quoted as in a document.
func testsRunByMake(makefile string) (named string) {
	for _, m := range makeTestPattern.FindAllStringSubmatch(makefile, -1) {
		named += "`" + m[1] + "` "
	}
	return named
}

// TestTestsThatMakeRunsExist guards against renamed tests: go test succeeds if no test has the given name.
func TestTestsThatMakeRunsExist(t *testing.T) {
	t.Parallel()
	named, found := testsRunByMake(string(readFile(t, "Makefile"))), sources(t)
	require.NotEmpty(t, named)
	require.Empty(t, missingTests(named, found), "Makefile names tests that do not exist")

	// The control.
	require.Equal(t, []string{"TestOfNothing"},
		missingTests(testsRunByMake("go test -run '^TestOfNothing$$' ./a\ngo test -run '^$$' ./b"), found))
}
