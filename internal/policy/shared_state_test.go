package policy

import (
	"go/ast"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// listedSharedState lists everything with a lock or an atomic value that a process of the product keeps in memory for
// more than one request or activity. Each entry says why several processes need not agree on it (docs/architecture.md,
// Replicas).
var listedSharedState = map[string]string{
	"api.rateLimiter":                     "the store has the tokens; a process takes a block of them",
	"api.tokenBlock":                      "as above",
	"api.denialLimiter":                   "bounds the audit's rows of denied requests that this process writes",
	"api.openWorkMetric":                  "values of a scrape, read from the store again after seconds",
	"internal/dispatch.Client":            "times of nudges; a nudge by another process costs one signal",
	"internal/dispatch.confidentialGuard": "the fields of the types of this binary, which do not change",
	"store/sqldb.idsMade":                 "orders the ids that this process makes in one microsecond",
	"store/sqldb.lostServer":              "which connections of this process are dead",
	"store/sqldb.disk":                    "when a write of this process had no room",
	"store/sqldb.makingPrivate":           "a file of this process while it is made",
	"store.roomProbe":                     "when this process last looked for room on the disk; each looks itself",
	"store.deferredAudit":                 "audit rows of a full disk, which the log has too",
	"store/sqldb.Replica":                 "what this process knows of the replica; each asks it itself",
	"store.jsonCache":                     "parsed JSON texts, which do not change",
	"store/migrator.session":              "the connection of one command; its lock in the database excludes the others",
	"worker.Worker":                       "whether this process polls; it checks its own connections and keys",
	"activities.batchWakers":              "wakes batches of this process before their next poll",
	"activities.background":               "notifications under way; the reconciler finds what is lost with the process",
	"activities.batch":                    "one batch of one endpoint; only the one that holds the lease posts",
	"activities.batchLease":               "what the batch knows of its lease, which is a row with a fence",
	"webhooks.inHandshake":                "one connection during its handshake",
	"cmd/aliquot.connectionGuard":         "the connections of this process",
	"cmd/aliquot.guardedConn":             "one connection",
	"cmd/aliquot.gracefulServer":          "whether this process is stopping",
	"internal/documents.hasGlyph":         "the font's glyphs, which do not change",
	"lifecycle.appointmentMachine":        "a table of this binary; each caller sets its status first",
	"lifecycle.Machine":                   "as above",
	"internal/rollout.restarted":          "one command while it runs",
	"internal/settings.renewed":           "what a file of this process held when it was last read",
	"cmd/aliquot.schemaFound":             "whether this process has found its schema",
	"cmd/aliquot.readiness":               "whether this process is ready",
	"cmd/aliquot.temporalSetup":           "what this process has found missing in Temporal",
}

// sharedStateIn lists the types and variables of a file that contain a lock or an atomic value.
func sharedStateIn(s source) []string {
	var found []string
	pkg := s.dir()
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if holdsSharedState(spec.Type) {
						found = append(found, pkg+"."+spec.Name.Name)
					}
				case *ast.ValueSpec:
					if holdsSharedState(spec) {
						found = append(found, pkg+"."+spec.Names[0].Name)
					}
				}
			}
		case *ast.FuncDecl:
			ast.Inspect(d, func(n ast.Node) bool {
				if spec, ok := n.(*ast.ValueSpec); ok && spec.Type != nil && holdsSharedState(spec.Type) {
					found = append(found, pkg+"."+spec.Names[0].Name)
				}
				return true
			})
		}
	}
	return found
}

// holdsSharedState reports whether a type or a value contains a type of the packages sync or atomic that shares state.
// Wait groups, and locks in a function, only join goroutines of the function.
func holdsSharedState(n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := selector.X.(*ast.Ident)
		found = found || ok && (x.Name == "atomic" || x.Name == "sync" && selector.Sel.Name != "WaitGroup")
		return true
	})
	return found
}

// isProduct reports whether a file runs in production.
func isProduct(s source) bool {
	if s.isTest() {
		return false
	}
	for _, other := range testOnly {
		if isBelow(s.dir(), other) {
			return false
		}
	}
	return true
}

// testOnly are directories that do not run in production: tests, test servers and the development system.
var testOnly = []string{
	"e2e", "tools", "labs/simlab", "labs/conformance", "labs/neutral/neutraltest",
	"internal/apiclient", "internal/apicontract", "internal/bulkorders", "internal/childprocess", "internal/devsystem",
	"internal/docgen", "internal/licences", "internal/policy", "internal/testrun", "internal/testservers",
}

func TestSharedStateIsListed(t *testing.T) {
	t.Parallel()
	requireListed(t, listedSharedState, isProduct, sharedStateIn,
		"are they safe with several processes? List them, and say why in docs/architecture.md too")

	// The control: shared state is found, and code that only joins goroutines is not reported.
	for text, want := range map[string]int{
		"type cache struct {\n\tmu sync.Mutex\n\tanswers map[string]string\n}": 1,
		"var seen sync.Map":                           1,
		"var once = sync.OnceValue(f)":                1,
		"func f() { var n atomic.Int64; g(&n) }":      1,
		"func f() { var w sync.WaitGroup; w.Wait() }": 0,
		"type plain struct{ n int }":                  0,
	} {
		planted := parseSource(t, "api/planted.go", []byte("package api\n\n"+text+"\n"))
		require.Len(t, sharedStateIn(planted), want, strings.TrimSpace(text))
	}
}
