package policy

import (
	"go/ast"
	"testing"

	"github.com/stretchr/testify/require"
)

// contextsWithoutDeadline lists the functions of the API, the workers and the store that make a context without the
// deadline of a request or an activity, and bound it elsewhere. Each entry says where.
var contextsWithoutDeadline = map[string]string{
	"activities.keepLease":       "each renewal has a limit",
	"activities.postingContext":  "each attempt has a limit",
	"activities.runRecorder":     "writeAttempts has a limit",
	"worker.Start":               "each check has a limit",
	"store/sqldb.UseReplica":     "each check has a limit",
	"store/sqldb.waitWithin":     "a pragma, which waits for nothing",
	"store/keyring.Parse":        "it waits for nothing",
	"store/migrator.SessionLock": "migrations have no limit, and SessionUnlock has one",
}

// unboundedIn lists the functions of a file that make a context without a deadline, other than as the argument of
// context.WithTimeout.
func unboundedIn(s source) []string {
	var found []string
	for _, decl := range s.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		bounded := map[ast.Node]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch name := contextFunction(call); {
			case name == "WithTimeout" || name == "WithDeadline":
				bounded[call.Args[0]] = true
			case (name == "WithoutCancel" || name == "Background") && !bounded[call]:
				found = append(found, s.dir()+"."+f.Name.Name)
			}
			return true
		})
	}
	return found
}

// contextFunction returns the name of the function of package context that is called; empty for other calls.
func contextFunction(call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := selector.X.(*ast.Ident); !ok || x.Name != "context" {
		return ""
	}
	return selector.Sel.Name
}

// What a request or an activity leaves behind has a deadline too: otherwise a stalled database holds it.
func TestEveryContextHasADeadline(t *testing.T) {
	t.Parallel()
	served := func(s source) bool {
		return !s.isTest() && (isBelow(s.dir(), "api") || isBelow(s.dir(), "activities") ||
			isBelow(s.dir(), "worker") || isBelow(s.dir(), "store"))
	}
	requireListed(t, contextsWithoutDeadline, served, unboundedIn, "bound them with context.WithTimeout")

	// The control.
	for text, want := range map[string]int{
		"ctx = context.WithoutCancel(ctx)":                                  1,
		"use(context.Background())":                                         1,
		"ctx, c := context.WithTimeout(context.WithoutCancel(ctx), limit)":  0,
		"ctx, c := context.WithTimeout(context.Background(), limit)":        0,
		"ctx, c := context.WithCancel(context.WithoutCancel(ctx))":          1,
		"ctx, c := context.WithTimeout(trace(context.Background()), limit)": 1,
	} {
		planted := parseSource(t, "api/planted.go", []byte("package api\n\nfunc f() {\n\t"+text+"\n}\n"))
		require.Len(t, unboundedIn(planted), want, text)
	}
}
