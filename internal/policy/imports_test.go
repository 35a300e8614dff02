package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/aliquot-labs/aliquot/"

// layer is what a package, and what is below its directory, may import.
type layer struct {
	// allowed are the packages of this module, with what is below them.
	allowed []string
	// denied are packages of others. "net" is one package, "net/..." what is below.
	denied []string
}

// What pure code does not import: what reaches outside the process, and Temporal.
var (
	sideEffectPackages = []string{"net", "net/http", "net/http/...", "os", "os/...", "database/sql", "database/sql/...",
		"github.com/jackc/pgx/...", "modernc.org/sqlite/..."}
	temporalPackages = []string{"go.temporal.io/..."}
)

// What the layers import from below them.
var (
	domainPackages  = []string{"order", "lifecycle"}
	adapterPackages = slices.Concat([]string{"internal/billing", "labs", "couriers", "webhooks", "internal/junction",
		"store", "internal/tracing"}, domainPackages)

	upperLayers = slices.Concat([]string{"api", "internal/documents", "internal/rollout", "worker", "workflows",
		"activities", "internal/dispatch"}, adapterPackages)
)

// layers are the import rules of the design: imports point downwards only. The
// rule of a package is that of the longest path which it begins with.
var layers = map[string]layer{
	"lifecycle": {denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// These write documents from the code.
	"lifecycle/lifecycledoc":        {allowed: []string{"lifecycle", "internal/docgen"}},
	"internal/settings/settingsdoc": {allowed: []string{"internal/settings", "internal/docgen"}},
	"api/openapidoc":                {allowed: []string{"api", "internal/docgen"}},
	"api/catalogueschemadoc":        {allowed: []string{"api", "internal/docgen"}},
	"order": {allowed: []string{"lifecycle"},
		denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// It reads files that it is given.
	"internal/catalogue": {allowed: domainPackages, denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// What bills name, and the file that a deployment has of it.
	"internal/billing": {denied: temporalPackages},
	// What a simulated order goes through is planned without touching it, in the words of labs and couriers.
	"internal/simulation": {allowed: slices.Concat([]string{"couriers"}, domainPackages),
		denied: slices.Concat(sideEffectPackages, temporalPackages)},

	"labs": {allowed: slices.Concat([]string{"internal/tracing"}, domainPackages), denied: temporalPackages},
	// Whoever makes a call says so.
	"internal/tracing": {denied: temporalPackages},
	// The simulated lab stands for somebody else's.
	"labs/simlab":       {denied: temporalPackages},
	"couriers":          {allowed: slices.Concat([]string{"internal/tracing"}, domainPackages), denied: temporalPackages},
	"internal/junction": {allowed: domainPackages, denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// It draws what it is given.
	"internal/documents": {allowed: domainPackages, denied: slices.Concat(sideEffectPackages, temporalPackages)},
	"webhooks": {allowed: slices.Concat([]string{"internal/junction", "internal/tracing"}, domainPackages),
		denied: temporalPackages},
	// The transaction of a change also writes what it means for others: the courier
	// behind a tracking number, the messages in the JSON of clients, when to try them.
	"store": {allowed: slices.Concat([]string{"internal/billing", "couriers", "webhooks", "internal/junction",
		"internal/tracing"}, domainPackages), denied: slices.Concat([]string{"net/http"}, temporalPackages)},
	// SQL without the domain, and cryptography without SQL.
	"store/sqldb": {denied: slices.Concat([]string{"net/http"}, temporalPackages)},
	"store/keyring": {denied: slices.Concat([]string{"net", "net/http", "database/sql", "database/sql/...",
		"github.com/jackc/pgx/...", "modernc.org/sqlite/..."}, temporalPackages)},

	// Names, messages and the client of the workflows, for those on both sides.
	"internal/dispatch": {allowed: slices.Concat([]string{"internal/tracing"}, domainPackages)},
	"activities":        {allowed: slices.Concat([]string{"internal/dispatch"}, adapterPackages)},
	// Workflows name activities and never touch what has side effects.
	"workflows": {allowed: slices.Concat([]string{"internal/dispatch"}, domainPackages), denied: sideEffectPackages},
	"worker":    {allowed: slices.Concat([]string{"workflows", "activities", "internal/dispatch"}, adapterPackages)},
	// It asks Temporal which build works on what.
	"internal/rollout": {allowed: slices.Concat([]string{"internal/dispatch"}, domainPackages)},
	// The side effects of an order belong to its workflow: the API asks it, and
	// calls no activity.
	"api": {allowed: slices.Concat([]string{"internal/dispatch", "internal/simulation", "internal/documents",
		"internal/catalogue"}, adapterPackages)},
	// What the parts accept is checked by the parts.
	"internal/settings": {allowed: []string{"internal/billing", "labs", "webhooks", "store"}},
	// It knows a running system by its HTTP API only.
	"internal/apiclient": {denied: temporalPackages},
	// The supervisor of a development system starts the product's processes; it is none of them.
	"internal/devsystem": {allowed: slices.Concat([]string{"internal/apiclient", "internal/settings", "webhooks", "store",
		"internal/catalogue"}, domainPackages), denied: temporalPackages},
	"cmd": {allowed: slices.Concat([]string{"internal/devsystem", "internal/apiclient", "internal/settings",
		"internal/catalogue"}, upperLayers)},
	// What drives a system from outside knows nothing of it but its addresses, so that it can prove the product's tables.
	"e2e/scenario": {denied: slices.Concat([]string{"database/sql", "database/sql/..."}, temporalPackages)},
	"e2e": {allowed: slices.Concat([]string{"cmd", "internal", "internal/devsystem", "internal/apiclient",
		"internal/settings", "internal/catalogue"}, upperLayers)},

	// Servers for tests and the rules themselves know nothing of the product.
	"internal": {},
	// Generated orders, written into the store for tests and benchmarks.
	"internal/bulkorders": {allowed: slices.Concat([]string{"store"}, domainPackages), denied: temporalPackages},
}

// forbiddenImports reports what a file imports against the rules. Tests may
// import anything.
func forbiddenImports(s source) []string {
	if s.isTest() {
		return nil
	}
	name, rule, found := layerOf(s.dir())
	if !found {
		return []string{fmt.Sprintf("%s: package %s is in no layer: add it to the rules", s.name, s.dir())}
	}

	var reports []string
	for _, spec := range s.file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			reports = append(reports, fmt.Sprintf("%s: %v", s.position(spec), err))
			continue
		}
		if !rule.allows(name, imported) {
			reports = append(reports, fmt.Sprintf("%s: %s must not import %s", s.position(spec), name, imported))
		}
	}
	return reports
}

func (l layer) allows(own, imported string) bool {
	target, isOurs := strings.CutPrefix(imported, module)
	if isOurs {
		return isBelow(target, own) || slices.ContainsFunc(l.allowed, func(p string) bool { return isBelow(target, p) })
	}
	return !slices.ContainsFunc(l.denied, func(pattern string) bool { return matches(imported, pattern) })
}

// matches tells whether a package is the one of a pattern or, if that ends with
// "/...", below it.
func matches(pkg, pattern string) bool {
	above, isTree := strings.CutSuffix(pattern, "...")
	if isTree {
		return strings.HasPrefix(pkg, above)
	}
	return pkg == pattern
}

// layerOf returns the rule of the longest path that a package begins with.
func layerOf(pkg string) (name string, rule layer, found bool) {
	for candidate, l := range layers {
		if isBelow(pkg, candidate) && len(candidate) > len(name) {
			name, rule, found = candidate, l, true
		}
	}
	return name, rule, found
}

// isBelow tells whether a package is the given one or below it.
func isBelow(pkg, above string) bool {
	return pkg == above || strings.HasPrefix(pkg, above+"/")
}

func TestImportsPointDownwards(t *testing.T) {
	t.Parallel()
	var reports []string
	for _, s := range sources(t) {
		reports = append(reports, forbiddenImports(s)...)
	}
	require.Empty(t, reports)
}

// TestForbiddenImportsAreReported is the control.
func TestForbiddenImportsAreReported(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file, imported string
		reported       bool
	}{
		{"lifecycle/a.go", "slices", false},
		{"lifecycle/a.go", "github.com/looplab/fsm", false},
		{"lifecycle/a.go", "os", true},
		{"lifecycle/a.go", "net/url", false},
		{"lifecycle/a.go", "go.temporal.io/sdk/workflow", true},
		{"lifecycle/a.go", module + "order", true},
		{"lifecycle/lifecycledoc/a.go", "os", false},
		{"order/a.go", module + "lifecycle", false},
		{"order/a.go", module + "store", true},
		{"order/a.go", "net/http", true},
		{"labs/molecular/a.go", module + "order", false},
		{"labs/molecular/a.go", module + "store", true},
		{"labs/simlab/a.go", module + "order", true},
		{"labs/simlab/a.go", module + "labs/molecular", true},
		{"store/a.go", module + "store/migrations", false},
		{"store/a.go", module + "labs/molecular", true},
		{"internal/documents/a.go", module + "order", false},
		{"internal/documents/a.go", module + "store", true},
		{"internal/documents/a.go", "os", true},
		{"webhooks/a.go", module + "store", true},
		{"activities/a.go", module + "store", false},
		{"activities/a.go", module + "workflows", true},
		{"workflows/a.go", module + "order", false},
		{"workflows/a.go", module + "internal/dispatch", false},
		{"workflows/a.go", "go.temporal.io/sdk/workflow", false},
		{"workflows/a.go", module + "store", true},
		{"workflows/a.go", module + "activities", true},
		{"workflows/a.go", "net/http", true},
		{"workflows/a.go", "database/sql", true},
		{"workflows/a_test.go", module + "store", false},
		{"worker/a.go", module + "activities", false},
		{"worker/a.go", module + "api", true},
		{"api/a.go", module + "internal/dispatch", false},
		{"api/a.go", module + "workflows", true},
		{"api/a.go", module + "worker", true},
		{"api/a.go", module + "activities", true},
		{"cmd/aliquot/a.go", module + "api", false},
		{"cmd/aliquot/a.go", module + "internal/testservers/postgrestest", true},
		{"internal/testrun/a.go", module + "internal/testservers/postgrestest", false},
		{"internal/devsystem/a.go", module + "api", true},
		{"e2e/a.go", module + "lifecycle", false},
		{"e2e/a.go", module + "e2e/scenario", false},
		{"e2e/scenario/a.go", module + "lifecycle", true},
		{"e2e/scenario/a.go", module + "store", true},
		{"e2e/scenario/a.go", module + "e2e", true},
		{"e2e/scenario/a.go", "database/sql", true},
		{"e2e/scenario/a.go", "net/http", false},
		{"util/a.go", "slices", true}, // in no layer
	}
	for _, test := range tests {
		t.Run(test.file+" imports "+test.imported, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf("package a\n\nimport %q\n", test.imported)
			reports := forbiddenImports(parseSource(t, test.file, []byte(text)))
			require.Equal(t, test.reported, len(reports) > 0, "%v", reports)
		})
	}
}
