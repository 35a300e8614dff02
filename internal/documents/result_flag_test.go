package documents_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
)

var flags = []string{"HIGH", "LOW", "ABNORMAL", "CRITICAL", "CRITICAL HIGH", "CRITICAL LOW"}

func TestFlags(t *testing.T) {
	t.Parallel()
	low, high := 3.0, 5.0
	for name, c := range map[string]struct {
		value          *float64
		interpretation order.Interpretation
		want           string // empty: no flag
	}{
		"within":              {ptr(4.0), order.InterpretationNormal, ""},
		"at the lower limit":  {ptr(3.0), order.InterpretationNormal, ""},
		"at the upper limit":  {ptr(5.0), order.InterpretationNormal, ""},
		"above":               {ptr(5.1), order.InterpretationNormal, "HIGH"},
		"below":               {ptr(2.9), order.InterpretationAbnormal, "LOW"},
		"critical above":      {ptr(9.0), order.InterpretationCritical, "CRITICAL HIGH"},
		"critical below":      {ptr(1.0), order.InterpretationCritical, "CRITICAL LOW"},
		"critical within":     {ptr(4.0), order.InterpretationCritical, "CRITICAL"},
		"critical text":       {nil, order.InterpretationCritical, "CRITICAL"},
		"abnormal text":       {nil, order.InterpretationAbnormal, "ABNORMAL"},
		"normal text":         {nil, order.InterpretationNormal, ""},
		"no interpretation":   {nil, order.InterpretationUnknown, ""},
		"abnormal and within": {ptr(4.0), order.InterpretationAbnormal, "ABNORMAL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := documents.Report(fullOrder(), order.ResultVersion{Report: order.LabReport{Results: []order.Result{{
				Name: "A", Text: "x", Type: "numeric", Value: c.value, Min: &low, Max: &high, Interpretation: c.interpretation,
			}}}})
			require.NoError(t, err)
			var drawn []string
			for _, text := range readPDF(t, b)[0].texts {
				for _, f := range flags {
					if text == f {
						drawn = append(drawn, text)
					}
				}
			}
			if c.want == "" {
				require.Empty(t, drawn)
				return
			}
			require.Equal(t, []string{c.want}, drawn)
		})
	}
}
