package junction_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
)

// The first order lacks two markers, because its sample was too old. The redraw reports one of them, and a marker that
// the first order has reported already.
func TestCombine(t *testing.T) {
	t.Parallel()
	first, second := testkitOrder(), testkitOrder()
	first.SampleID, second.SampleID = "S1", "S2"
	old, redrawn := labReport(), labReport()
	old.Report.Results = []order.Result{
		{Name: "A", Slug: "a", Text: "1", ProviderID: ptr("10")}, {Name: "B", Slug: "b", Text: "2", LOINC: ptr("2-2")},
		{Name: "Z", Slug: "z", Text: "9"},
	}
	old.Report.Missing = []order.MissingMarker{
		{Name: "C", Slug: "c", ProviderID: ptr("30"), FailureType: "internal_lab_failure"},
		{Name: "D", Slug: "d", FailureType: "internal_lab_failure"},
	}
	redrawn.Report.Status, redrawn.Report.Interpretation = "partial", order.InterpretationNormal
	redrawn.Report.Results = []order.Result{
		{Name: "C", Slug: "other", Text: "3", ProviderID: ptr("30")}, {Name: "B", Slug: "x", Text: "4", LOINC: ptr("2-2")},
	}
	redrawn.Report.Missing = []order.MissingMarker{{Name: "D", Slug: "d", FailureType: "non_failure"}}

	got := junction.CombineResults([]junction.OrderResult{{first, old}, {second, redrawn}})
	var results []string
	for _, r := range got.Results {
		results = append(results, r.Name+"="+r.Result+" "+*r.SourceSampleID)
	}
	require.Equal(t, []string{"A=1 S1", "Z=9 S1", "C=3 S2", "B=4 S2"}, results)
	require.Len(t, got.MissingResults, 1)
	require.Equal(t, "non_failure", got.MissingResults[0].InferredFailureType, "the newer order's word")
	require.Equal(t, "partial", got.Metadata.Status)
	require.Equal(t, "normal", *got.Metadata.Interpretation)
	require.Equal(t, "S2", got.Metadata.SpecimenNumber)
	require.Contains(t, got.SampleInformation, "S1")
	require.Contains(t, got.SampleInformation, "S2")

	alone := junction.CombineResults([]junction.OrderResult{{first, old}})
	require.Equal(t, junction.FromResultVersion(first, old), alone)
}

// A result of an older order counts until a newer order has a result of the same marker.
func TestCombinedInterpretationIsTheWorst(t *testing.T) {
	t.Parallel()
	first, second := testkitOrder(), testkitOrder()
	old, redrawn := labReport(), labReport()
	old.Report.Results = []order.Result{
		{Name: "A", Slug: "a", Interpretation: order.InterpretationCritical},
		{Name: "B", Slug: "b", Interpretation: order.InterpretationAbnormal},
	}
	redrawn.Report.Interpretation = order.InterpretationNormal
	redrawn.Report.Results = []order.Result{{Name: "C", Slug: "c", Interpretation: order.InterpretationNormal}}
	combined := func() string {
		return *junction.CombineResults([]junction.OrderResult{{first, old}, {second, redrawn}}).Metadata.Interpretation
	}
	require.Equal(t, "critical", combined())
	redrawn.Report.Results = append(redrawn.Report.Results,
		order.Result{Name: "A", Slug: "a", Interpretation: order.InterpretationNormal})
	require.Equal(t, "abnormal", combined(), "the redraw has replaced the critical result")
}

// Two different names in another script are two markers, although neither has a slug.
func TestCombineKeepsResultsWithoutASlug(t *testing.T) {
	t.Parallel()
	first, second := testkitOrder(), testkitOrder()
	old, redrawn := labReport(), labReport()
	old.Report.Results, old.Report.Missing = []order.Result{{Name: "鉄"}}, nil
	redrawn.Report.Results, redrawn.Report.Missing = []order.Result{{Name: "銅"}}, nil
	require.Len(t, junction.CombineResults([]junction.OrderResult{{first, old}, {second, redrawn}}).Results, 2)
}
