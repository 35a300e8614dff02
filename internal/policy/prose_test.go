package policy

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// riddles are phrases that a reader has to solve. Each had several meanings, or none at first reading.
var riddles = regexp.MustCompile(`(?i)\b(?:` +
	`what (?:has |had )?(?:became|become|becomes) of|(?:is|are|was|were) told (?:that|of|apart|so)|was told that is|` +
	`that is no more|made anew|of old code|goes with it|it is so for|mend what it names|is then made true|` +
	`is called better than|stays so\.|as it came|what lies|whoever does not|comes late|the footing|` +
	`behind the store's back|stands as it` +
	`)\b`)

// quotesRiddles are documents that quote the wording of others, or list retired words.
var quotesRiddles = []string{"docs/spec/", "docs/glossary.md", "internal/policy/"}

// proseOf returns the text of a file that is prose: the comments of Go, and everything of a document.
func proseOf(t *testing.T, name string, content []byte) string {
	t.Helper()
	switch {
	case strings.HasSuffix(name, ".md"):
		return string(content)
	case strings.HasSuffix(name, ".go") && !strings.Contains(name, "testdata/"):
		var b strings.Builder
		for _, group := range parseSource(t, name, content).file.Comments {
			b.WriteString(joinedLines(group))
		}
		return b.String()
	case strings.HasSuffix(name, ".sql"), strings.HasSuffix(name, ".sh"), strings.HasSuffix(name, ".yaml"):
		return commentLines(string(content))
	}
	return ""
}

// joinedLines returns a comment as one line, so that a phrase is found over the end of a line.
func joinedLines(group *ast.CommentGroup) string {
	return strings.Join(strings.Fields(group.Text()), " ") + "\n"
}

// commentLines returns the comments of a language that begins them with # or --, as one line.
func commentLines(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for _, mark := range []string{"#", "--"} {
			if comment, ok := strings.CutPrefix(line, mark); ok {
				words = append(words, strings.TrimSpace(comment))
			}
		}
	}
	return strings.Join(words, " ")
}

// riddleReports reports the riddles in the prose of a file.
func riddleReports(t *testing.T, name string, content []byte) []string {
	t.Helper()
	if slices.ContainsFunc(quotesRiddles, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return nil
	}
	var reports []string
	for _, found := range riddles.FindAllString(proseOf(t, name, content), -1) {
		reports = append(reports, fmt.Sprintf("%s: %q", name, found))
	}
	return reports
}

func TestProseHasNoRiddles(t *testing.T) {
	t.Parallel()
	var reports []string
	for _, name := range repositoryFiles(t) {
		reports = append(reports, riddleReports(t, name, readFile(t, name))...)
	}
	require.Empty(t, reports, "CONTRIBUTING.md says how we write")
}

// TestRiddlesAreReported is the control.
func TestRiddlesAreReported(t *testing.T) {
	t.Parallel()
	const comment = "package a\n\n// f says what became\n// of it, and the run is told that.\n" +
		"func f() string { return \"made anew\" }\n"
	require.Len(t, riddleReports(t, "a/a.go", []byte(comment)), 2, "over two lines, and not in a string")
	require.Len(t, riddleReports(t, "docs/a.md", []byte("The lab report is stored as it came.\n")), 1)
	require.Len(t, riddleReports(t, "a.sql", []byte("-- the row goes with it\nSELECT 'made anew';\n")), 1)
	require.Empty(t, riddleReports(t, "docs/spec/a.md", []byte("what became of it\n")))
	require.Empty(t, riddleReports(t, "docs/a.md", []byte("An item gets one outcome.\n")))
}
