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

// layer lists what a package and the packages below it may import.
type layer struct {
	// allowed are packages of this module, including the packages below them.
	allowed []string
	// denied are packages of other modules. "net" is one package, "net/..." is all packages below it.
	denied []string
}

// What pure code must not import: packages with side effects outside the process, and Temporal.
var (
	sideEffectPackages = []string{"net", "net/http", "net/http/...", "os", "os/...", "database/sql", "database/sql/...",
		"github.com/jackc/pgx/...", "modernc.org/sqlite/..."}
	temporalPackages = []string{"go.temporal.io/..."}
)

// The lower packages that several layers import.
var (
	domainPackages  = []string{"order", "lifecycle"}
	adapterPackages = slices.Concat([]string{"internal/billing", "labs", "couriers", "webhooks", "internal/junction",
		"store", "internal/tracing", "internal/bodytext"}, domainPackages)

	upperLayers = slices.Concat([]string{"api", "internal/documents", "internal/rollout", "worker", "workflows",
		"activities", "internal/dispatch"}, adapterPackages)
)

// layers are the import rules of the design: imports point downwards only. The entry with the longest matching path
// applies to a package.
var layers = map[string]layer{
	"lifecycle": {denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// Generators of documents.
	"lifecycle/lifecycledoc":        {allowed: []string{"lifecycle", "internal/docgen"}},
	"internal/settings/settingsdoc": {allowed: []string{"internal/settings", "internal/docgen"}},
	"store/schemadoc":               {allowed: []string{"store", "internal/docgen"}},
	"api/openapidoc":                {allowed: []string{"api", "internal/docgen"}},
	"api/catalogueschemadoc":        {allowed: []string{"api", "internal/docgen"}},
	"order": {allowed: []string{"lifecycle"},
		denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// It reads files that the caller names.
	"internal/catalogue": {allowed: domainPackages, denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// Billing terms, and the file of a deployment's billing settings.
	"internal/billing": {allowed: []string{"internal/bodytext"}, denied: temporalPackages},
	// It plans the course of a simulated order in the terms of labs and couriers, without changing the order.
	"internal/simulation": {allowed: slices.Concat([]string{"couriers"}, domainPackages),
		denied: slices.Concat(sideEffectPackages, temporalPackages)},

	"labs": {allowed: slices.Concat([]string{"internal/tracing", "internal/bodytext"}, domainPackages),
		denied: temporalPackages},
	// It decodes bytes for whoever receives them.
	"internal/bodytext": {denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// It traces calls.
	"internal/tracing": {denied: temporalPackages},
	// It plays labs of other companies.
	"labs/simlab": {denied: temporalPackages},
	"couriers": {allowed: slices.Concat([]string{"internal/tracing", "internal/bodytext"}, domainPackages),
		denied: temporalPackages},
	"internal/junction": {allowed: domainPackages, denied: slices.Concat(sideEffectPackages, temporalPackages)},
	// It renders documents from the data that it is given.
	"internal/documents": {allowed: domainPackages, denied: slices.Concat(sideEffectPackages, temporalPackages)},
	"webhooks": {allowed: slices.Concat([]string{"internal/junction", "internal/tracing"}, domainPackages),
		denied: temporalPackages},
	// The transaction of a change also stores what follows from it: the courier of a tracking number, the clients' webhook
	// messages as JSON, and the times of their attempts.
	"store": {allowed: slices.Concat([]string{"internal/billing", "couriers", "webhooks", "internal/junction",
		"internal/bodytext", "internal/tracing"}, domainPackages),
		denied: slices.Concat([]string{"net/http"}, temporalPackages)},
	// SQL without the domain, and cryptography without SQL.
	"store/sqldb":    {denied: slices.Concat([]string{"net/http"}, temporalPackages)},
	"store/migrator": {allowed: []string{"store/sqldb"}, denied: slices.Concat([]string{"net/http"}, temporalPackages)},
	"store/keyring": {denied: slices.Concat([]string{"net", "net/http", "database/sql", "database/sql/...",
		"github.com/jackc/pgx/...", "modernc.org/sqlite/..."}, temporalPackages)},

	// Names, payloads and the client of the workflows, for the code on both sides.
	"internal/dispatch": {allowed: slices.Concat([]string{"internal/tracing"}, domainPackages)},
	"activities":        {allowed: slices.Concat([]string{"internal/dispatch"}, adapterPackages)},
	// Workflows name activities and do not import code with side effects.
	"workflows": {allowed: slices.Concat([]string{"internal/dispatch"}, domainPackages), denied: sideEffectPackages},
	"worker":    {allowed: slices.Concat([]string{"workflows", "activities", "internal/dispatch"}, adapterPackages)},
	// It queries Temporal for the orders of each build.
	"internal/rollout": {allowed: slices.Concat([]string{"internal/dispatch"}, domainPackages)},
	// The workflow of an order owns its side effects: the API sends it demands and calls no activity.
	"api": {allowed: slices.Concat([]string{"internal/dispatch", "internal/simulation", "internal/documents",
		"internal/catalogue"}, adapterPackages)},
	// Each part checks its own settings.
	"internal/settings": {allowed: []string{"internal/billing", "internal/bodytext", "labs", "webhooks", "store"}},
	// It uses only the HTTP API of a running system.
	"internal/apiclient": {denied: temporalPackages},
	// The supervisor of a development system starts the product's processes.
	"internal/devsystem": {allowed: slices.Concat([]string{"internal/apiclient", "internal/settings", "webhooks", "store",
		"internal/catalogue", "internal/bodytext"}, domainPackages), denied: temporalPackages},
	"cmd": {allowed: slices.Concat([]string{"internal/devsystem", "internal/apiclient", "internal/settings",
		"internal/catalogue"}, upperLayers)},
	// The scenarios know only the addresses of a system, so that they can prove the product's tables.
	"e2e/scenario": {denied: slices.Concat([]string{"database/sql", "database/sql/..."}, temporalPackages)},
	"e2e": {allowed: slices.Concat([]string{"cmd", "internal", "internal/devsystem", "internal/apiclient",
		"internal/settings", "internal/catalogue"}, upperLayers)},

	// Test servers and the rules themselves do not import the product.
	"internal": {},
	// It writes generated orders into the store for tests and benchmarks.
	"internal/bulkorders": {allowed: slices.Concat([]string{"store"}, domainPackages), denied: temporalPackages},
}

// forbiddenImports reports the imports of a file that break the rules. Tests may import anything.
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

// matches reports whether a package matches a pattern. A pattern that ends with "/..." matches the packages below its
// path.
func matches(pkg, pattern string) bool {
	above, isTree := strings.CutSuffix(pattern, "...")
	if isTree {
		return strings.HasPrefix(pkg, above)
	}
	return pkg == pattern
}

// layerOf returns the rule with the longest path that matches a package.
func layerOf(pkg string) (name string, rule layer, found bool) {
	for candidate, l := range layers {
		if isBelow(pkg, candidate) && len(candidate) > len(name) {
			name, rule, found = candidate, l, true
		}
	}
	return name, rule, found
}

// isBelow reports whether a package is the given one or below it.
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
