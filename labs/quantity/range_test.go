package quantity_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/quantity"
)

// closed, below and above are intervals: [low, high], up to a bound, from a bound.
func closed(low, high float64) quantity.Interval { return quantity.Interval{Low: &low, High: &high} }

func below(high float64, open bool) quantity.Interval {
	return quantity.Interval{High: &high, OpenHigh: open}
}

func above(low float64, open bool) quantity.Interval {
	return quantity.Interval{Low: &low, OpenLow: open}
}

func TestParseRange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		written, unit string
		want          quantity.Interval
	}{
		{"3.5-5.0", "", closed(3.5, 5)},
		{"(3.5 - 5.0)", "", closed(3.5, 5)},
		{"[3.5-5.0]", "", closed(3.5, 5)},
		{"(3.5 - 5.0) mmol/L", "mmol/L", closed(3.5, 5)},
		{"3.5 - 5.0 (mmol/L)", "mmol/L", closed(3.5, 5)},
		{"(< 5.0)", "", below(5, true)},
		{".5-1.5", "", closed(0.5, 1.5)},
		{".5 - .75", "", closed(0.5, 0.75)},
		{"0.50-1.50", "", closed(0.5, 1.5)},
		{"3.5 to 5.0", "", closed(3.5, 5)},
		{"from 3.5 to 5.0", "", closed(3.5, 5)},
		{"between 3.5 and 5.0", "", closed(3.5, 5)},
		{"3.5 ~ 5.0", "", closed(3.5, 5)},
		{"3.5\u00a0-\u00a05.0", "", closed(3.5, 5)},
		{"３．５－５．０", "", closed(3.5, 5)},
		{"-5-5", "", closed(-5, 5)},
		{"-2--1", "", closed(-2, -1)},
		{"−2 – −1", "", closed(-2, -1)},
		{"(-2) - (+3)", "mmol/L", closed(-2, 3)},
		{"-2 to +2", "", closed(-2, 2)},
		{"1,000-2,000", "", closed(1000, 2000)},
		{"150,000 - 450,000 /uL", "/uL", closed(150000, 450000)},
		{"1,234,567-2,345,678.5", "", closed(1234567, 2345678.5)},
		{"1’000 – 2’000", "", closed(1000, 2000)},
		{"1\u202f000-2\u00a0000", "", closed(1000, 2000)},
		{"1e5 - 2e5", "", closed(1e5, 2e5)},
		{"3.5-5.0 mmol/L", "mmol/L", closed(3.5, 5)},
		{"3.5-5.0 mmol/L", "", closed(3.5, 5)},
		{"3.5-5.0 MMOL/L", "mmol/l", closed(3.5, 5)},
		{"3.5 mmol/L - 5.0 mmol/L", "mmol/L", closed(3.5, 5)},
		{"4.0%-5.6%", "%", closed(4, 5.6)},
		{"<5.7%", "%", below(5.7, true)},
		{"10-20 µg/L", "μg/L", closed(10, 20)},
		{"10-20 ug/L", "µg/L", closed(10, 20)},
		{"3.8-10.8 x10^3/uL", "10*3/uL", closed(3.8, 10.8)},
		{"3.8-10.8 10³/µL", "", closed(3.8, 10.8)},
		{"60-120 mL/min/1.73m²", "mL/min/1.73m2", closed(60, 120)},
		{"<5", "", below(5, true)}, {"< 5", "", below(5, true)}, {"＜5", "", below(5, true)},
		{"&lt;5", "", below(5, true)}, {"&le; 5.0", "", below(5, false)}, {"3.5&ndash;5.0", "", closed(3.5, 5)},
		{"3.5&#8211;5.0 &micro;g/L", "ug/L", closed(3.5, 5)}, {"﹤5", "", below(5, true)}, {"﹥5", "", above(5, true)},
		{"≤5.0", "", below(5, false)}, {"≤ 5.0 mmol/L", "mmol/L", below(5, false)}, {"⩽5", "", below(5, false)},
		{"<=5", "", below(5, false)}, {"=<5", "", below(5, false)}, {"< =5", "", below(5, false)},
		{"< OR = 9.9", "", below(9.9, false)}, {"<or=9.9", "", below(9.9, false)},
		{">3", "", above(3, true)}, {"≥3", "", above(3, false)}, {"≧ 3", "", above(3, false)},
		{">/=60", "", above(60, false)},
		{">1,000", "", above(1000, true)}, {"<.5", "", below(0.5, true)}, {"<1e5", "", below(1e5, true)},
		{"≤1.5E3", "", below(1500, false)}, {"> -2", "", above(-2, true)}, {"<−2", "", below(-2, true)},
		{"up to 5", "", below(5, false)}, {"Up To 5.0 mmol/L", "mmol/L", below(5, false)},
		{"less than 5", "", below(5, true)}, {"less than or equal to 5", "", below(5, false)},
		{"greater than 5", "", above(5, true)}, {"not more than 5", "", below(5, false)}, {"at least 5", "", above(5, false)},
		{"5 or less", "", below(5, false)}, {"5 or higher", "", above(5, false)}, {"40 and above", "", above(40, false)},
		{"Normal: 3.5-5.0", "", closed(3.5, 5)}, {"Reference range: <5", "", below(5, true)},
		{"Ref. 3.5 - 5.0", "", closed(3.5, 5)},
		{">=3.5 - <=5.0", "", closed(3.5, 5)}, {"≥3.5 and ≤5.0", "", closed(3.5, 5)},
	} {
		got, ok := quantity.ParseRange(tt.written, tt.unit)
		require.True(t, ok, tt.written)
		require.Equal(t, tt.want, got, tt.written)
	}
}

// Each dash separates two bounds, and is a minus before one.
func TestEveryDash(t *testing.T) {
	t.Parallel()
	for _, dash := range "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d" {
		for _, written := range []string{"3.5" + string(dash) + "5.0", "3.5 " + string(dash) + " 5.0"} {
			got, ok := quantity.ParseRange(written, "")
			require.True(t, ok, "%q", written)
			require.Equal(t, closed(3.5, 5), got)
		}
		got, ok := quantity.ParseRange(string(dash)+"2 to "+string(dash)+"1", "")
		require.True(t, ok, "%q", dash)
		require.Equal(t, closed(-2, -1), got)
	}
}

func TestRangesWithoutOneMeaning(t *testing.T) {
	t.Parallel()
	for _, written := range []string{
		"", " ", "-", "negative", "NOT_DETECTED", "see note", "5", "(5)", "3.5-", "-5.0-", "1-10-20", "1-10, 20-30", "<",
		"≤",
		"10-1", "5.0–3.5", "<5 or >10", "< 5 fasting", "<5 H", "3.5-5.0 H", "3.5-5.0*", "M: 13-17, F: 12-15", "M 13-17",
		"Adult: 3.5-5.0", "Desirable: <200", "1e5-2e5", "0x1-0x2", "NaN-1", "1-inf", "3,5-5,0", "0,500-1,500", "1,00-2,00",
		"1,000,00-2", "1.234,567-2", "12,3456-20,000", "0,5", "1 000-2 000", "1,000'000-2,000'000", "[3.5-5.0)", "(3.5-5.0",
		"3.5-5.0)", "(3.5, 5.0)", "1:64", "<1:64", "3.5--5.0", "3.5-5.0 mmol/L fasting", "2026-03-01", "3.8 - 10.8 x10",
		"3.5 mmol/L - 5.0 mg/dL", "< 5 / > 10", "3.5..5.0", "3.5/5.0", ">5 <3", "5+", "~5", "<1e999",
	} {
		got, ok := quantity.ParseRange(written, "")
		require.False(t, ok, "%q is read as %+v", written, got)
		require.Zero(t, got, "%q has no bounds", written)
	}
	for written, unit := range map[string]string{
		"3.5-5.0 mmol/L": "mg/dL", "<5 %": "mg/dL", "3.5-5.0 mg/dL (adults)": "mg/dL", "(3.5-5.0) mg/dL": "mmol/L",
		"3.5 g/L - 5.0 g/L": "mg/L",
	} {
		_, ok := quantity.ParseRange(written, unit)
		require.False(t, ok, "%q for %s", written, unit)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ normal, found, want string }{
		{"3.5–5.0", "7.5", "abnormal"}, {"3.5–5.0", "3.4", "abnormal"}, {"3.5–5.0", "4", "normal"},
		{"3.5-5.0", "3.5", "normal"}, {"3.5-5.0", "5.0", "normal"}, {"<5", "5", "abnormal"}, {"≤5", "5", "normal"},
		{"≤5.0", "5.1", "abnormal"}, {">3", "3", "abnormal"}, {"≥3", "3", "normal"}, {">=3.5 - <5.0", "5", "abnormal"},
		{"0.5-1.5", "< 0.41", "abnormal"}, {"0.5-1.5", "<0.5", "abnormal"}, {"0.5-1.5", "≤0.5", "unknown"},
		{"0.2-1.5", "<0.41", "unknown"}, {"<5", "<0.41", "normal"}, {"<5", "<5", "normal"}, {"<5", "≤5", "unknown"},
		{"≤5", "≤5", "normal"}, {"<5", "<6", "unknown"}, {"≤5", ">5", "abnormal"}, {"≤5", "≥5", "unknown"},
		{"<5", "≥5", "abnormal"}, {"0-5", "<0.41", "normal"}, {"0-5", "<6", "unknown"}, {"3-5", ">1,000", "abnormal"},
		{">60", ">90", "normal"}, {"≥60", ">59", "unknown"}, {"60-120", ">90", "unknown"}, {"1-10", "2-3", "normal"},
		{"1-10", "9-11", "unknown"}, {"1-10", "11-12", "abnormal"}, {"1-10", "10-12", "unknown"},
		{"-5-5", "−7", "abnormal"},
		{"-5-5", "<-6", "abnormal"}, {"1-10", "12-11", "unknown"}, {"1-10", "positive", "unknown"},
	} {
		normal, ok := quantity.ParseRange(tt.normal, "")
		require.True(t, ok, tt.normal)
		require.EqualValues(t, tt.want, normal.Judge(quantity.ParseResult(tt.found, "").Found), "%s for %s", tt.found,
			tt.normal)
	}
}
