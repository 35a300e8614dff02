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

// travellingTypes are the types that hold only ids, statuses, times, numbers and codes, or what a lab offers to
// everybody.
var travellingTypes = []string{
	"Agenda", "Appointment", "AppointmentEvent", "AppointmentRelease", "AppointmentStep", "Attention",
	"BookTask", "CallOutcome", "CancellationReason", "Candidate", "Catalogue", "Cause", "Choice", "Date",
	"Deadline", "DeadlinePolicy", "Decision", "Demand", "DemandAnswer", "DemandTask", "Event", "ExpectedResult",
	"Fact", "FastingAnswers", "Fetch", "FetchOutcome", "FetchTask", "LOINC", "Lab", "LabTest", "LegProgress",
	"Marker", "Match", "Overlap", "ParkedFact", "PendingBooking", "PendingCorrection", "PhlebotomyArea",
	"PlaceTask", "Placement", "Point", "Policy", "Price", "PriceModifier", "Question", "Recording",
	"RecordingResult", "RecoveryPolicy", "RecoveryState", "ReportedAppointment", "ReviewTestCase",
	"ShipmentLeg", "Site", "Slot", "State", "Step", "TrackTask", "Transaction", "TransactionOrder", "Trigger",
	"ZipCenter",
}

// unclassifiedTypes returns the exported structs of Go files that are in neither list.
func unclassifiedTypes(t *testing.T, sources map[string]string, lists ...[]string) []string {
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
	for _, c := range ConfidentialTypes() {
		require.NotContains(t, travellingTypes, c.Name())
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
	require.Empty(t, unclassifiedTypes(t, sources, secret, travellingTypes),
		"list the type in confidential.go, or here if it never holds anything about a patient")

	// The control: without the lists there are unclassified types.
	require.Contains(t, unclassifiedTypes(t, sources, travellingTypes), "Patient")
	require.Contains(t, unclassifiedTypes(t, sources, secret), "State")
}
