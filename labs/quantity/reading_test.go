package quantity_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/quantity"
)

// contractPattern is the pattern of a range result in client-api#biomarkerresult.
var contractPattern = regexp.MustCompile(`^([<>]=?\d*(\.\d+)?|(\d*(\.\d+)?-\d*(\.\d+)?))$`)

func TestParseResult(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		written, unit, kind, text string
		value                     *float64
	}{
		{"7.5", "", "numeric", "7.5", new(7.5)},
		{" 7.50 ", "", "numeric", "7.50", new(7.5)},
		{"-3e2", "", "numeric", "-3e2", new(-300.0)},
		{".5", "", "numeric", ".5", new(0.5)},
		{"1,234", "", "numeric", "1234", new(1234.0)},
		{"1,234,567.5", "", "numeric", "1234567.5", new(1234567.5)},
		{"−3.5", "", "numeric", "-3.5", new(-3.5)},
		{"７.５", "", "numeric", "7.5", new(7.5)},
		{"7.5 mmol/L", "mmol/L", "numeric", "7.5", new(7.5)},
		{"7.5 mmol/L", "", "numeric", "7.5", new(7.5)},
		{"5.6%", "%", "numeric", "5.6", new(5.6)},
		{"< 0.41", "", "range", "<0.41", nil},
		{"<0.41", "", "range", "<0.41", nil},
		{"<.5", "", "range", "<.5", nil},
		{"≤5", "", "range", "<=5", nil},
		{"≥ 5", "", "range", ">=5", nil},
		{">1,000", "", "range", ">1000", nil},
		{"> 1,000.5", "", "range", ">1000.5", nil},
		{"<1.5E3", "", "range", "<1500", nil},
		{"< 20 copies/mL", "copies/mL", "range", "<20", nil},
		{"less than 0.41", "", "range", "<0.41", nil},
		{"< or = 0.41", "", "range", "<=0.41", nil},
		{"1-3", "", "range", "1-3", nil},
		{"1 – 3", "", "range", "1-3", nil},
		{"(1.0 - 3.0)", "", "range", "1.0-3.0", nil},
		{"1,000-2,000", "", "range", "1000-2000", nil},
		{"10-5", "", "range", "10-5", nil},
	} {
		got := quantity.ParseResult(tt.written, tt.unit)
		require.Equal(t, tt.kind, got.Type, tt.written)
		require.Equal(t, tt.text, got.Text, tt.written)
		require.Equal(t, tt.value, got.Value, tt.written)
		want := strings.TrimSpace(tt.written)
		if want == tt.text {
			want = ""
		}
		require.Equal(t, want, got.Notes, "the lab's words of %s", tt.written)
		if got.Type == quantity.Range {
			require.Regexp(t, contractPattern, got.Text)
		}
	}
}

func TestResultsThatAreComments(t *testing.T) {
	t.Parallel()
	for _, written := range []string{
		"", "-", "—", "Positive", "1:64", "NaN", "inf", "0x1F", "1e999", "3,5", "0,123", "1,23", "1.234,5", "12,3456",
		"7.5 H",
		"7.5 L", "7.5*", "+++", "~5", "<", "≤", "<5 or >10", "see note 5", "5 (H)", "1 000", "(5)", "<-5", "-5 - -3",
		"1-2-3",
		"< 5 fasting", "INCONCLUSIVE*", strings.Repeat("9", 300) + "x",
	} {
		got := quantity.ParseResult(written, "")
		require.Equal(t, quantity.Comment, got.Type, written)
		require.Equal(t, written, got.Text)
		require.Nil(t, got.Value)
		require.Empty(t, got.Notes)
	}
	require.Equal(t, quantity.Comment, quantity.ParseResult("7.5 mmol/L", "mg/dL").Type, "in another unit")
	require.NotContains(t, "≤5", "<", "the control: a sign of its own")
}

// Whatever a lab writes, its words are in the text or in the notes, and a range follows client-api#biomarkerresult.
func FuzzParseResult(f *testing.F) {
	for _, written := range []string{"7.5", "< 0.41", "1,000", "≤5 mg/dL", "(3.5 – 5.0)", "up to 5", "-3e2",
		"1’000"} {
		f.Add(written, "mg/dL")
		f.Add(written, "")
	}
	f.Fuzz(func(t *testing.T, written, unit string) {
		got := quantity.ParseResult(written, unit)
		written = strings.TrimSpace(written)
		require.True(t, got.Text == written || got.Notes == written)
		require.Equal(t, got.Type == quantity.Numeric, got.Value != nil)
		if got.Type == quantity.Range {
			require.Regexp(t, contractPattern, got.Text)
		}
		_, _ = quantity.ParseRange(written, unit)
	})
}
