package molecular

import (
	"regexp"
	"strings"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/order"
)

// A reference range has two bounds, which are normal themselves, or one bound with a sign.
var (
	twoBoundsPattern = regexp.MustCompile(`^(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)$`)
	oneBoundPattern  = regexp.MustCompile(`^([<>])\s*(=?)\s*(-?\d+(?:\.\d+)?)$`)
)

// referenceRange is the range of normal values.
type referenceRange struct {
	low, high         *float64 // nil: unbounded
	openLow, openHigh bool     // the bound itself is not normal
}

// parseReferenceRange parses the formats of client-api#biomarkerresult: 1-10, <5, <=10.5, >3, >=7.25 and < OR = 9.9.
func parseReferenceRange(written string) (referenceRange, bool) {
	written = strings.NewReplacer(" OR ", "", " or ", "").Replace(strings.TrimSpace(written))
	if m := twoBoundsPattern.FindStringSubmatch(written); m != nil {
		low, lowOK := partnerhttp.ParseNumber(m[1])
		high, highOK := partnerhttp.ParseNumber(m[2])
		return referenceRange{low: &low, high: &high}, lowOK && highOK && low <= high
	}
	m := oneBoundPattern.FindStringSubmatch(written)
	if m == nil {
		return referenceRange{}, false
	}
	bound, ok := partnerhttp.ParseNumber(m[3])
	if m[1] == "<" {
		return referenceRange{high: &bound, openHigh: m[2] == ""}, ok
	}
	return referenceRange{low: &bound, openLow: m[2] == ""}, ok
}

func (r referenceRange) contains(n float64) bool {
	if r.low != nil && (n < *r.low || r.openLow && n == *r.low) {
		return false
	}
	return r.high == nil || (n <= *r.high && (!r.openHigh || n != *r.high))
}

// interpretByRange sets the bounds and the interpretation of a number by its reference range. It does nothing if the
// range cannot be parsed.
func interpretByRange(r *order.Result, n float64, written string) {
	normal, ok := parseReferenceRange(written)
	if !ok {
		return
	}
	r.Min, r.Max = normal.low, normal.high
	r.Interpretation = order.InterpretationAbnormal
	if normal.contains(n) {
		r.Interpretation = order.InterpretationNormal
	}
}
