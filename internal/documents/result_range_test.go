package documents_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
)

// The pointer is at the value's position between the limits, which are at the ends of the green part of the bar.
func TestPointerPosition(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value     float64
		low, high *float64
		of        float64 // the expected position, in widths of the bar
	}{
		"in the middle":           {140, ptr(135.0), ptr(145.0), 0.5},
		"at the lower limit":      {135, ptr(135.0), ptr(145.0), 0.25},
		"at the upper limit":      {145, ptr(135.0), ptr(145.0), 0.75},
		"a little above":          {147.5, ptr(135.0), ptr(145.0), 0.875},
		"half of the upper limit": {50, nil, ptr(100.0), 0.25},
		"at the only limit":       {39, ptr(39.0), nil, 0.5},
		"a limit below zero":      {-2, ptr(-2.0), nil, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := drawnResult(t, c.value, c.low, c.high)
			require.Len(t, page.pointerTips, 1)
			bar := page.rects[len(page.rects)-2]
			require.InDelta(t, bar.x+c.of*bar.width, page.pointerTips[0].x, 0.01)
			green := page.rects[len(page.rects)-1]
			within := (c.low == nil || c.value >= *c.low) && (c.high == nil || c.value <= *c.high)
			require.Equal(t, within, page.pointerTips[0].x > green.x-0.01 && page.pointerTips[0].x < green.x+green.width+0.01)
		})
	}
}

// A value far beyond a limit is drawn at the end of the bar, not outside it.
func TestPointerBeyondTheRange(t *testing.T) {
	t.Parallel()
	for _, value := range []float64{-1e9, 1e9} {
		page := drawnResult(t, value, ptr(3.0), ptr(5.0))
		bar := page.rects[len(page.rects)-2]
		end := bar.x
		if value > 0 {
			end += bar.width
		}
		require.InDelta(t, end, page.pointerTips[0].x, 4)
	}
}

// drawnResult returns the page of a lab report with one result, without a barcode.
func drawnResult(t *testing.T, value float64, low, high *float64) pageContent {
	t.Helper()
	b, err := documents.Report(order.Order{}, order.ResultVersion{Report: order.LabReport{Results: []order.Result{{
		Name: "A", Text: "x", Type: "numeric", Value: &value, Min: low, Max: high,
	}}}})
	require.NoError(t, err)
	return readPDF(t, b)[0]
}
