package policy

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// statusFiles is how many production files may name a status without special rules: the three of the recipe "A status"
// in CONTRIBUTING.md.
const statusFiles = 3

// uncountedDirectories are directories whose files are not counted. Partners have their own names for a status. Tests,
// and the generator of orders for tests, follow an order from outside.
var uncountedDirectories = []string{"labs/neutral", "labs/simlab", "couriers/easypost", "e2e", "internal/bulkorders"}

// statusesWithRules are the statuses that more files name, and the reason.
var statusesWithRules = map[string]string{
	"ordered":              "every order begins with it, in four modalities",
	"requisition_created":  "four modalities have it, and it follows once the lab has accepted an order",
	"requisition_bypassed": "four modalities have it, and imported orders begin with it",
	"registered":           "a demand of its own, with its own refusals, leads to it",
	"transit_customer":     "the fact kit_shipped reports it",
	"with_customer":        "a deadline in the settings of a team has its name",
	"draw_completed":       "a fact, a demand and the completed appointment lead to it, and it dates the collection",
	"delivered_to_lab":     "the fact kit_received reports it, and a report implies it",
	"partial_results":      "a partial report leads to it, and a deadline in the settings of a team has its name",
	"completed":            "four modalities have it, and a final report leads to it",
	"sample_error":         "four modalities have it, with details of its own, and a final rejection leads to it",
	"lost":                 "a deadline concludes it from a courier's silence",
	"cancelled":            "four modalities have it, and a demand leads to it",
	"do_not_process":       "a demand, a deadline and a final rejection lead to it",
}

// lowStatus is a constant of type lifecycle.LowStatus.
type lowStatus struct{ ident, word string }

// lowStatuses reads the constants from lifecycle/status.go.
func lowStatuses(t *testing.T) []lowStatus {
	t.Helper()
	const name = "lifecycle/status.go"
	var found []lowStatus
	for _, d := range parseSource(t, name, readFile(t, name)).file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			if typ, named := v.Type.(*ast.Ident); !named || typ.Name != "LowStatus" {
				continue
			}
			word, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			found = append(found, lowStatus{v.Names[0].Name, word})
		}
	}
	require.Greater(t, len(found), 20)
	return found
}

// namesStatus reports whether a file names a status by its constant, or by its word in a string. A status of several
// words, such as transit_lab, counts anywhere in a string. A single word, such as lost, is also English, so it must be
// the whole string or be quoted.
func namesStatus(s source, status lowStatus) bool {
	word := regexp.MustCompile(`\b` + status.word + `\b`)
	if !strings.Contains(status.word, "_") {
		word = regexp.MustCompile(`^` + status.word + `$|'` + status.word + `'`)
	}
	found := false
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			found = found || ok && pkg.Name == "lifecycle" && n.Sel.Name == status.ident
		case *ast.Ident:
			found = found || s.dir() == "lifecycle" && n.Name == status.ident
		case *ast.BasicLit:
			text, err := strconv.Unquote(n.Value)
			found = found || n.Kind == token.STRING && err == nil && word.MatchString(text)
		}
		return !found
	})
	return found
}

// filesOfStatuses returns the production files that name each status.
func filesOfStatuses(all []source, statuses []lowStatus) map[string][]string {
	files := map[string][]string{}
	for _, s := range all {
		outside := slices.ContainsFunc(uncountedDirectories, func(dir string) bool { return isBelow(s.dir(), dir) })
		if s.isTest() || s.isGenerated() || outside {
			continue
		}
		for _, status := range statuses {
			if namesStatus(s, status) {
				files[status.word] = append(files[status.word], s.name)
			}
		}
	}
	return files
}

// scatteredStatuses reports the statuses without special rules that too many files name, and the listed ones that have
// no special rules any more.
func scatteredStatuses(files map[string][]string) []string {
	var reports []string
	for _, word := range slices.Sorted(maps.Keys(files)) {
		_, special := statusesWithRules[word]
		switch n := len(files[word]); {
		case n > statusFiles && !special:
			reports = append(reports, fmt.Sprintf("%s is in %d files: %s", word, n, strings.Join(files[word], " ")))
		case n <= statusFiles && special:
			reports = append(reports, fmt.Sprintf("%s is in %d files only: remove it from withRules", word, n))
		}
	}
	return reports
}

func TestAStatusIsInThreeFiles(t *testing.T) {
	t.Parallel()
	for _, dir := range uncountedDirectories {
		require.DirExists(t, filepath.Join(root, dir))
	}
	statuses := lowStatuses(t)
	files := filesOfStatuses(sources(t), statuses)
	for _, status := range statuses {
		require.Contains(t, files[status.word], "lifecycle/status.go")
	}
	require.Empty(t, scatteredStatuses(files))
	for word := range statusesWithRules {
		require.Contains(t, files, word, "no status is called that")
	}
}

// TestAScatteredStatusIsReported is the control: each way of naming a status is counted, and a fourth file is one too
// many.
func TestAScatteredStatusIsReported(t *testing.T) {
	t.Parallel()
	status := lowStatus{"TransitLab", "transit_lab"}
	file := func(name, body string) source {
		return parseSource(t, name, []byte("package "+filepath.Base(filepath.Dir(name))+"\n\n"+body))
	}
	three := []source{
		file("lifecycle/status.go", `const TransitLab LowStatus = "transit_lab"`),
		file("lifecycle/edges_testkit.go", `var way = []LowStatus{TransitLab}`),
		file("couriers/status.go", `var inbound = lifecycle.TransitLab`),
		file("order/a.go", `var TransitLab, other = lifecycle.TransitCustomer, "no_transit_lab"`),
		file("order/a_test.go", `var a = lifecycle.TransitLab`),
		file("labs/neutral/facts.go", `var a = lifecycle.TransitLab`),
	}
	count := func(all []source) []string { return scatteredStatuses(filesOfStatuses(all, []lowStatus{status})) }
	require.Empty(t, count(three))
	for _, body := range []string{
		`func f(l lifecycle.LowStatus) bool { return l == lifecycle.TransitLab }`,
		`const query = "SELECT id FROM orders WHERE status IN ('transit_lab')"`,
		`var a = "transit_lab"`,
	} {
		require.Equal(t, []string{
			"transit_lab is in 4 files: lifecycle/status.go lifecycle/edges_testkit.go couriers/status.go store/b.go",
		}, count(append(slices.Clone(three), file("store/b.go", body))), body)
	}
	few := map[string][]string{"lost": {"lifecycle/status.go"}}
	require.Equal(t, []string{"lost is in 1 files only: remove it from withRules"}, scatteredStatuses(few))
}
