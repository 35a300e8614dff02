package order

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// travels are the types that hold ids, statuses, times, numbers and codes only, or what a lab offers to everybody.
var travels = []string{
	"Answer", "Appointment", "AppointmentEvent", "AppointmentStep", "Attention", "Booked", "Booking", "Correcting", "CancellationReason", "Candidate",
	"Catalogue", "Choice", "Coverage", "Date", "Deadline", "Deadlines", "Decision", "Demand", "Event", "ExpectedResult", "Fact", "Fasting", "Fetch", "Fetched", "LOINC", "Lab", "LabTest", "Leg", "LegReports",
	"Marker", "Match", "Overlap", "Placement", "Point", "Policy", "Price", "PriceModifier", "Question", "Recorded", "Recording", "Recovery", "RecoveryState", "Release", "ReviewTest", "Site", "Slot", "State",
	"Step", "Transaction", "TransactionOrder", "Trigger", "ZipCenter",
}

// unclassified are the exported structs of Go files that are in neither list.
func unclassified(t *testing.T, sources map[string]string, lists ...[]string) []string {
	t.Helper()
	known := slices.Concat(lists...)
	var found []string
	for name, text := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			general, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				typed, ok := spec.(*ast.TypeSpec)
				if !ok || !typed.Name.IsExported() || slices.Contains(known, typed.Name.Name) {
					continue
				}
				if _, ok := typed.Type.(*ast.StructType); ok {
					found = append(found, typed.Name.Name)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestEveryTypeIsConfidentialOrKnownToTravel(t *testing.T) {
	t.Parallel()
	var secret []string
	for _, c := range Confidential() {
		require.NotContains(t, travels, c.Name())
		secret = append(secret, c.Name())
	}
	require.True(t, slices.IsSorted(secret))
	sources := map[string]string{}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(e.Name())
		require.NoError(t, err)
		sources[e.Name()] = string(text)
	}
	require.Empty(t, unclassified(t, sources, secret, travels), "list the type in confidential.go, or here if it never holds anything about a patient")

	// The control: without the lists, types are found.
	require.Contains(t, unclassified(t, sources, travels), "Patient")
	require.Contains(t, unclassified(t, sources, secret), "State")
}
