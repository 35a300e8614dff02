package policy

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// retiredNames lists the identifiers that have been renamed, a line each: folder, old name, new name. It is the third
// part of docs/glossary.md for identifiers.
const retiredNames = "internal/policy/testdata/retired.txt"

// retiredWords are words that no identifier is made of: they had several meanings, or none that a reader could guess.
var retiredWords = []string{
	"tell", "tells", "told", "bell", "bells", "signpost", "diary", "standing", "leash", "fleet", "clinic", "footing",
	"orderer",
}

// frozenNames are identifiers that keep a retired word, because a stored or public value has it.
var frozenNames = map[string]string{
	"order AttentionTellLab": "the attention mark tell_lab",
}

// retiredFolders are the last parts of the paths of packages that have been renamed.
var retiredFolders = []string{
	"leash", "fleet", "clinic", "drive", "paper", "leastpartner", "labtest", "wire", "partners", "pgtest",
	"testcluster", "testcerts",
}

// retiredFiles are names of files that said nothing of what the file holds.
var retiredFiles = []string{
	"bell.go", "signpost.go", "diary.go", "standing.go", "notice.go", "listed.go", "decoded.go",
	"announce.go", "keep.go", "show.go", "begin.go", "cover.go", "leash.go", "clinic.go", "fleet.go", "witness.go",
	"acting.go", "front.go", "footing.go",
}

// declaredIdentifiers lists every identifier that a file declares anywhere: variables and parameters too.
func declaredIdentifiers(s source) []string {
	var names []string
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			names = append(names, id.Name)
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			add(n.Name)
		case *ast.TypeSpec:
			add(n.Name)
		case *ast.ValueSpec:
			add(n.Names...)
		case *ast.Field:
			add(n.Names...)
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					add(id)
				}
			}
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					add(id)
				}
			}
		}
		return true
	})
	return names
}

// declaredNames lists what a file declares at package level, and the fields and methods of its types, as
// "folder Name" and "folder Type.Member".
func declaredNames(s source) []string {
	var names []string
	add := func(name string) { names = append(names, s.dir()+" "+name) }
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				add(d.Name.Name)
				continue
			}
			add(receiverName(d.Recv.List[0].Type) + "." + d.Name.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						add(id.Name)
					}
				case *ast.TypeSpec:
					add(spec.Name.Name)
					for _, member := range memberNames(spec.Type) {
						add(spec.Name.Name + "." + member)
					}
				}
			}
		}
	}
	return names
}

func receiverName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiverName(e.X)
	case *ast.IndexExpr:
		return receiverName(e.X)
	case *ast.IndexListExpr:
		return receiverName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// memberNames lists the fields of a struct type or the methods of an interface type.
func memberNames(e ast.Expr) []string {
	var list *ast.FieldList
	switch e := e.(type) {
	case *ast.StructType:
		list = e.Fields
	case *ast.InterfaceType:
		list = e.Methods
	default:
		return nil
	}
	var names []string
	for _, field := range list.List {
		for _, id := range field.Names {
			names = append(names, id.Name)
		}
	}
	return names
}

// readRetiredNames returns the new name of every retired one, by "folder Name".
func readRetiredNames(text []byte) map[string]string {
	retired := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 {
			retired[fields[0]+" "+fields[1]] = fields[2]
		}
	}
	return retired
}

var identifierWord = regexp.MustCompile(`[A-Z]?[a-z0-9]+|[A-Z]+`)

// vocabularyReports reports the retired names that a file declares, and the retired words in other names.
func vocabularyReports(s source, retired map[string]string) []string {
	var reports []string
	for _, name := range declaredNames(s) {
		if now, ok := retired[name]; ok {
			reports = append(reports, fmt.Sprintf("%s: %s is called %s", s.name, name, now))
		}
	}
	for _, name := range declaredIdentifiers(s) {
		if _, frozen := frozenNames[s.dir()+" "+name]; frozen {
			continue
		}
		for _, word := range identifierWord.FindAllString(name, -1) {
			if slices.Contains(retiredWords, strings.ToLower(word)) {
				reports = append(reports, fmt.Sprintf("%s: %s has the retired word %s", s.name, name, word))
			}
		}
	}
	return reports
}

// fileNameReports reports a file whose name, or whose folder's, is retired.
func fileNameReports(name string) []string {
	if !strings.HasSuffix(name, ".go") {
		return nil
	}
	var reports []string
	base := path.Base(name)
	if subject, isTest := strings.CutSuffix(base, "_test.go"); isTest {
		base = subject + ".go"
	}
	if slices.Contains(retiredFiles, base) {
		reports = append(reports, name+": the name of the file is retired")
	}
	if slices.Contains(retiredFolders, path.Base(path.Dir(name))) {
		reports = append(reports, name+": the name of the folder is retired")
	}
	return reports
}

func TestRetiredNamesDoNotComeBack(t *testing.T) {
	t.Parallel()
	retired := readRetiredNames(readFile(t, retiredNames))
	require.Greater(t, len(retired), 1000)
	var reports, declared []string
	for _, s := range sources(t) {
		reports = append(reports, vocabularyReports(s, retired)...)
		declared = append(declared, declaredNames(s)...)
	}
	for _, name := range repositoryFiles(t) {
		reports = append(reports, fileNameReports(name)...)
	}
	require.Empty(t, reports, "docs/glossary.md says what things are called")
	for name := range frozenNames {
		require.Contains(t, declared, name, "frozen and not there")
	}
}

// TestRetiredNamesAreReported is the control.
func TestRetiredNamesAreReported(t *testing.T) {
	t.Parallel()
	retired := readRetiredNames([]byte("a oldName newName\na State.Close End\n"))
	for text, want := range map[string]int{
		"func oldName() {}":                                    1,
		"func (s *State) Close() {}":                           1,
		"type State struct{ Close int }":                       1,
		"type Ledger interface{ TellAll() }":                   1,
		"var whatIsTold = 1":                                   1,
		"const untold, storyteller = 1, 2":                     0,
		"func newName() {}":                                    0,
		"func (o *Other) Clear() { var told int; _ = told }":   1,
		"func tidy(clinic string) {}":                          1,
		"func tidy(all []int) { for _, bell := range all {} }": 1,
		"func tidy() { x := Told }":                            0, // declared elsewhere
	} {
		require.Len(t, vocabularyReports(parseSource(t, "a/a.go", []byte("package a\n\n"+text+"\n")), retired), want, text)
	}
	require.Len(t, fileNameReports("activities/bell.go"), 1)
	require.Len(t, fileNameReports("activities/bell_test.go"), 1)
	require.Len(t, fileNameReports("internal/leash/port.go"), 1)
	require.Empty(t, fileNameReports("labs/registry/registry.go"))
	require.Empty(t, fileNameReports("docs/bell.md"))
}
