package paper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/paper"
)

var flags = []string{"HIGH", "LOW", "ABNORMAL", "CRITICAL", "CRITICAL HIGH", "CRITICAL LOW"}

func TestFlags(t *testing.T) {
	t.Parallel()
	low, high := 3.0, 5.0
	for name, c := range map[string]struct {
		value          *float64
		interpretation order.Interpretation
		want           string // empty: none
	}{
		"within":              {ptr(4.0), order.Normal, ""},
		"at the lower limit":  {ptr(3.0), order.Normal, ""},
		"at the upper limit":  {ptr(5.0), order.Normal, ""},
		"above":               {ptr(5.1), order.Normal, "HIGH"},
		"below":               {ptr(2.9), order.Abnormal, "LOW"},
		"critical above":      {ptr(9.0), order.Critical, "CRITICAL HIGH"},
		"critical below":      {ptr(1.0), order.Critical, "CRITICAL LOW"},
		"critical within":     {ptr(4.0), order.Critical, "CRITICAL"},
		"critical text":       {nil, order.Critical, "CRITICAL"},
		"abnormal text":       {nil, order.Abnormal, "ABNORMAL"},
		"normal text":         {nil, order.Normal, ""},
		"nobody has said":     {nil, order.UnknownInterpretation, ""},
		"abnormal and within": {ptr(4.0), order.Abnormal, "ABNORMAL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := paper.Report(ordered(), order.ResultVersion{Report: order.Report{Results: []order.Result{{
				Name: "A", Text: "x", Type: "numeric", Value: c.value, Min: &low, Max: &high, Interpretation: c.interpretation,
			}}}})
			require.NoError(t, err)
			var drawn []string
			for _, text := range read(t, b)[0].texts {
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
