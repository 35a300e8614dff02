package molecular_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/order"
)

// simulatedReport returns the lab report that the simulated lab publishes for the steps, as the client reads it.
func (s *simulatedLab) simulatedReport(t *testing.T, steps ...simlab.Step) *order.LabReport {
	t.Helper()
	steps = append(steps, simlab.Step{Kind: simlab.KindReport})
	body, err := json.Marshal(map[string]any{"steps": steps})
	require.NoError(t, err)
	s.controlLab(t, "/sandbox/orders/"+number+"/script", string(body))
	require.Equal(t, order.FactReportReady, s.nextMessage(t).Fact.Kind)
	reported, err := s.FetchResults(t.Context(), number)
	require.NoError(t, err)
	return reported.LabReport
}

// Every interpretation, every type and missing results reach the client's report, in a first and a corrected version.
func TestSimulatedResultsOfEveryShape(t *testing.T) {
	t.Parallel()
	for _, interpretation := range []string{"normal", "abnormal", "critical", "unknown"} {
		for _, types := range [][]string{nil, {"numeric"}, {"range"}, {"comment"}, {"coded_value"}, {"comment", "numeric"}} {
			for _, missing := range []string{"", "quantity_not_sufficient_failure"} {
				lab := startSimulatedLab(t, simlab.Config{})
				_, err := lab.place(t, "silent")
				require.NoError(t, err)
				step := simlab.Step{Kind: simlab.KindResults, Interpretation: interpretation, ResultTypes: types,
					Missing: missing}
				for _, r := range []*order.LabReport{lab.simulatedReport(t, step), lab.simulatedReport(t, step, step)} {
					require.Equal(t, "final", r.Status)
					require.EqualValues(t, interpretation, r.Interpretation)
					requireShape(t, r, interpretation, types)
					if missing == "" {
						require.Empty(t, r.Missing)
						continue
					}
					require.Len(t, r.Missing, 1)
					require.Equal(t, missing, r.Missing[0].FailureType)
				}
			}
		}
	}
}

func requireShape(t *testing.T, r *order.LabReport, interpretation string, types []string) {
	t.Helper()
	require.NotEmpty(t, len(r.Results)+len(r.Missing))
	for i, result := range r.Results {
		want := "normal"
		if i == 0 {
			want = interpretation
		}
		require.EqualValues(t, want, result.Interpretation, "result %d", i)
		require.NotEmpty(t, result.Text)
		if len(types) > 0 {
			require.Equal(t, types[i%len(types)], result.Type, "result %d: %+v", i, result)
		}
	}
}

func TestSimulatedPartialResults(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{})
	_, err := lab.place(t, "silent")
	require.NoError(t, err)
	partial := lab.simulatedReport(t, simlab.Step{Kind: simlab.KindResults, Partial: true, Interpretation: "critical"})
	require.Equal(t, "partial", partial.Status)
	require.Equal(t, order.InterpretationCritical, partial.Interpretation)
	final := lab.simulatedReport(t, simlab.Step{Kind: simlab.KindResults})
	require.Equal(t, "final", final.Status)
	require.Greater(t, len(final.Results), len(partial.Results))
}
