package policy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// secretNamePattern matches the names of secret values. If the duration of a comparison depends on how much of a guess
// is correct, an attacker can find a secret byte by byte.
var secretNamePattern = regexp.MustCompile(`(?i)(secret|password|passwd|signature|hmac|api_?key|token|digest|^mac)$`)

// variableTimeFunctions are functions that stop at the first difference.
var variableTimeFunctions = map[string]bool{"bytes.Equal": true, "bytes.Compare": true, "strings.Compare": true,
	"strings.EqualFold": true, "reflect.DeepEqual": true, "slices.Equal": true, "cmp.Compare": true,
	"bytes.HasPrefix": true, "strings.HasPrefix": true}

// nonConstantTimeComparisons lists the comparisons of secrets whose duration depends on the values. Secrets may be
// compared with public values: a constant, nil, or a length.
func nonConstantTimeComparisons(f *ast.File, positions *token.FileSet) []string {
	var found []string
	report := func(n ast.Node) { found = append(found, positions.Position(n.Pos()).String()) }
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (isSecret(n.X) || isSecret(n.Y)) && !isPublicValue(n.X) &&
				!isPublicValue(n.Y) {
				report(n)
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && isSecret(n.Tag) {
				report(n)
			}
		case *ast.CallExpr:
			if !variableTimeFunctions[calledFunction(n)] {
				return true
			}
			for i, argument := range n.Args {
				if isSecret(argument) && !isPublicValue(n.Args[(i+1)%len(n.Args)]) {
					report(n)
					break
				}
			}
		}
		return true
	})
	return found
}

// calledFunction returns the called function of a package as "package.Function".
func calledFunction(call *ast.CallExpr) string {
	if s, ok := call.Fun.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

func isSecret(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return secretNamePattern.MatchString(e.Name)
	case *ast.SelectorExpr:
		return secretNamePattern.MatchString(e.Sel.Name)
	case *ast.ParenExpr:
		return isSecret(e.X)
	case *ast.IndexExpr:
		return isSecret(e.X)
	case *ast.SliceExpr:
		return isSecret(e.X)
	case *ast.CallExpr: // such as string(secret), secret.Reveal() or newSecret()
		if s, ok := e.Fun.(*ast.SelectorExpr); ok && (isSecret(s.X) || isSecret(s.Sel)) {
			return true
		}
		id, ok := e.Fun.(*ast.Ident)
		return ok && id.Name != "len" && (isSecret(id) || len(e.Args) == 1 && isSecret(e.Args[0]))
	case *ast.ArrayType:
		return false
	}
	return false
}

// isPublicValue reports whether a value is public: a constant, nil, a type, or a call whose result is a number.
func isPublicValue(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil"
	case *ast.SelectorExpr: // a value of an enumeration, such as reflect.Slice or token.EQL
		x, ok := e.X.(*ast.Ident)
		return ok && (x.Name == "token" || x.Name == "reflect" || x.Name == "http")
	case *ast.CallExpr: // a conversion of a constant, such as json.Delim('{')
		return len(e.Args) == 1 && isPublicValue(e.Args[0])
	}
	return false
}

func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	var found []string
	for _, s := range sources(t) {
		if !s.isTest() {
			found = append(found, nonConstantTimeComparisons(s.file, s.fset)...)
		}
	}
	require.Empty(t, found, "compare secrets with hmac.Equal or subtle.ConstantTimeCompare")

	// The control: comparisons that stop early are found, and other expressions are not reported.
	for statement, want := range map[string]bool{
		`_ = token == a.Token`:                      true,
		`_ = given != e.Secret`:                     true,
		`_ = bytes.Equal(given, signature)`:         true,
		`_ = strings.EqualFold(string(mac), x)`:     true,
		`_ = secret[0] == x[0]`:                     true,
		`_ = s.Secret.Reveal() == x`:                true,
		`_ = digest(given) == k.hash`:               true,
		`switch password { case a: }`:               true,
		`_ = strings.HasPrefix(secret, given)`:      true,
		`_ = secret == ""`:                          false,
		`_ = signature == nil`:                      false,
		`_ = len(secret) == 3`:                      false,
		`_ = hmac.Equal(given, signature)`:          false,
		`_ = strings.HasPrefix(secret, "whsec_")`:   false,
		`_ = subtle.ConstantTimeCompare(a, b) == 1`: false,
	} {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, "planted.go", fmt.Sprintf("package p\nfunc f() { %s }", statement), 0)
		require.NoError(t, err)
		require.Equal(t, want, len(nonConstantTimeComparisons(f, set)) > 0, statement)
	}
}
