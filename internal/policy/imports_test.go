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
	// ours are the packages of this module, with what is below them.
	ours []string
	// denied are packages of others. "net" is one package, "net/..." what is below.
	denied []string
}

// What pure code does not import: what reaches outside the process, and Temporal.
var (
	sideEffects = []string{"net", "net/http", "net/http/...", "os", "os/...", "database/sql", "database/sql/...",
		"github.com/jackc/pgx/...", "modernc.org/sqlite/..."}
	temporal = []string{"go.temporal.io/..."}
)

// What the layers import from below them.
var (
	domain   = []string{"order", "lifecycle"}
	adapters = slices.Concat([]string{"billing", "labs", "couriers", "webhooks", "junction", "store", "tracing"}, domain)

	everything = slices.Concat([]string{"api", "paper", "rollout", "worker", "workflows", "activities", "dispatch"}, adapters)
)

// layers are the import rules of the design: imports point downwards only. The
// rule of a package is that of the longest path which it begins with.
var layers = map[string]layer{
	"lifecycle": {denied: slices.Concat(sideEffects, temporal)},
	// These write documents from the code.
	"lifecycle/lifecycledoc": {ours: []string{"lifecycle", "internal/document"}},
	"settings/settingsdoc":   {ours: []string{"settings", "internal/document"}},
	"api/openapidoc":         {ours: []string{"api", "internal/document"}},
	"api/catalogueschemadoc": {ours: []string{"api", "internal/document"}},
	"order":                  {ours: []string{"lifecycle"}, denied: slices.Concat(sideEffects, temporal)},
	// It reads files that it is given.
	"catalogue": {ours: domain, denied: slices.Concat(sideEffects, temporal)},
	// What bills name, and the file that a deployment has of it.
	"billing": {denied: temporal},
	// What a simulated order goes through is planned without touching it, in the words of labs and couriers.
	"simulation": {ours: slices.Concat([]string{"couriers"}, domain), denied: slices.Concat(sideEffects, temporal)},

	"labs": {ours: slices.Concat([]string{"tracing"}, domain), denied: temporal},
	// Whoever makes a call says so.
	"tracing": {denied: temporal},
	// The simulated lab stands for somebody else's.
	"labs/sandbox": {denied: temporal},
	"couriers":     {ours: slices.Concat([]string{"tracing"}, domain), denied: temporal},
	"junction":     {ours: domain, denied: slices.Concat(sideEffects, temporal)},
	// It draws what it is given.
	"paper":    {ours: domain, denied: slices.Concat(sideEffects, temporal)},
	"webhooks": {ours: slices.Concat([]string{"junction", "tracing"}, domain), denied: temporal},
	// The transaction of a change also writes what it means for others: the courier
	// behind a tracking number, the messages in the JSON of clients, when to try them.
	"store": {ours: slices.Concat([]string{"billing", "couriers", "webhooks", "junction", "tracing"}, domain), denied: slices.Concat([]string{"net/http"}, temporal)},

	// Names, messages and the client of the workflows, for those on both sides.
	"dispatch":   {ours: slices.Concat([]string{"tracing"}, domain)},
	"activities": {ours: slices.Concat([]string{"dispatch"}, adapters)},
	// Workflows name activities and never touch what has side effects.
	"workflows": {ours: slices.Concat([]string{"dispatch"}, domain), denied: sideEffects},
	"worker":    {ours: slices.Concat([]string{"workflows", "activities", "dispatch"}, adapters)},
	// It asks Temporal which build works on what.
	"rollout": {ours: slices.Concat([]string{"dispatch"}, domain)},
	// The side effects of an order belong to its workflow: the API asks it, and
	// calls no activity.
	"api": {ours: slices.Concat([]string{"dispatch", "simulation", "paper", "catalogue"}, adapters)},
	// What the parts accept is checked by the parts.
	"settings": {ours: []string{"billing", "labs", "webhooks", "store"}},
	// It knows a running system by its HTTP API only.
	"client": {denied: temporal},
	// The supervisor of a development system starts the product's processes; it is none of them.
	"dev": {ours: slices.Concat([]string{"client", "settings", "webhooks", "store", "catalogue"}, domain), denied: temporal},
	"cmd": {ours: slices.Concat([]string{"dev", "client", "settings", "catalogue"}, everything)},
	// What drives a system from outside knows nothing of it but its addresses, so that it can prove the product's tables.
	"e2e/drive": {denied: slices.Concat([]string{"database/sql", "database/sql/..."}, temporal)},
	"e2e":       {ours: slices.Concat([]string{"cmd", "internal", "dev", "client", "settings", "catalogue"}, everything)},

	// Servers for tests and the rules themselves know nothing of the product.
	"internal": {},
	// Generated orders, written into the store for tests and benchmarks.
	"internal/seed": {ours: slices.Concat([]string{"store"}, domain), denied: temporal},
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
			reports = append(reports, fmt.Sprintf("%s: %v", s.at(spec), err))
			continue
		}
		if !rule.allows(name, imported) {
			reports = append(reports, fmt.Sprintf("%s: %s must not import %s", s.at(spec), name, imported))
		}
	}
	return reports
}

func (l layer) allows(own, imported string) bool {
	target, isOurs := strings.CutPrefix(imported, module)
	if isOurs {
		return within(target, own) || slices.ContainsFunc(l.ours, func(p string) bool { return within(target, p) })
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
		if within(pkg, candidate) && len(candidate) > len(name) {
			name, rule, found = candidate, l, true
		}
	}
	return name, rule, found
}

// within tells whether a package is the given one or below it.
func within(pkg, above string) bool {
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
		{"labs/sandbox/a.go", module + "order", true},
		{"labs/sandbox/a.go", module + "labs/molecular", true},
		{"store/a.go", module + "store/migrations", false},
		{"store/a.go", module + "labs/molecular", true},
		{"paper/a.go", module + "order", false},
		{"paper/a.go", module + "store", true},
		{"paper/a.go", "os", true},
		{"webhooks/a.go", module + "store", true},
		{"activities/a.go", module + "store", false},
		{"activities/a.go", module + "workflows", true},
		{"workflows/a.go", module + "order", false},
		{"workflows/a.go", module + "dispatch", false},
		{"workflows/a.go", "go.temporal.io/sdk/workflow", false},
		{"workflows/a.go", module + "store", true},
		{"workflows/a.go", module + "activities", true},
		{"workflows/a.go", "net/http", true},
		{"workflows/a.go", "database/sql", true},
		{"workflows/a_test.go", module + "store", false},
		{"worker/a.go", module + "activities", false},
		{"worker/a.go", module + "api", true},
		{"api/a.go", module + "dispatch", false},
		{"api/a.go", module + "workflows", true},
		{"api/a.go", module + "worker", true},
		{"api/a.go", module + "activities", true},
		{"cmd/aliquot/a.go", module + "api", false},
		{"cmd/aliquot/a.go", module + "internal/pgtest", true},
		{"internal/testrun/a.go", module + "internal/pgtest", false},
		{"dev/a.go", module + "api", true},
		{"e2e/a.go", module + "lifecycle", false},
		{"e2e/a.go", module + "e2e/drive", false},
		{"e2e/drive/a.go", module + "lifecycle", true},
		{"e2e/drive/a.go", module + "store", true},
		{"e2e/drive/a.go", module + "e2e", true},
		{"e2e/drive/a.go", "database/sql", true},
		{"e2e/drive/a.go", "net/http", false},
		{"util/a.go", "slices", true}, // in no layer
	}
	for _, test := range tests {
		t.Run(test.file+" imports "+test.imported, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf("package a\n\nimport %q\n", test.imported)
			reports := forbiddenImports(parse(t, test.file, []byte(text)))
			require.Equal(t, test.reported, len(reports) > 0, "%v", reports)
		})
	}
}
