package molecular

import (
	"regexp"
	"strings"

	"github.com/aliquot-labs/aliquot/labs/wire"
	"github.com/aliquot-labs/aliquot/order"
)

// A reference range is written as two bounds, which belong to it, or as one with a sign.
var (
	twoBounds = regexp.MustCompile(`^(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)$`)
	oneBound  = regexp.MustCompile(`^([<>])\s*(=?)\s*(-?\d+(?:\.\d+)?)$`)
)

// refRange are the values that are normal.
type refRange struct {
	low, high         *float64 // nil: unbounded
	openLow, openHigh bool     // the bound itself is not normal
}

// parseRange reads the forms of client-api#biomarkerresult: 1-10, <5, <=10.5, >3, >=7.25 and < OR = 9.9.
func parseRange(written string) (refRange, bool) {
	written = strings.NewReplacer(" OR ", "", " or ", "").Replace(strings.TrimSpace(written))
	if m := twoBounds.FindStringSubmatch(written); m != nil {
		low, lowOK := wire.Number(m[1])
		high, highOK := wire.Number(m[2])
		return refRange{low: &low, high: &high}, lowOK && highOK && low <= high
	}
	m := oneBound.FindStringSubmatch(written)
	if m == nil {
		return refRange{}, false
	}
	bound, ok := wire.Number(m[3])
	if m[1] == "<" {
		return refRange{high: &bound, openHigh: m[2] == ""}, ok
	}
	return refRange{low: &bound, openLow: m[2] == ""}, ok
}

func (r refRange) contains(n float64) bool {
	if r.low != nil && (n < *r.low || r.openLow && n == *r.low) {
		return false
	}
	return r.high == nil || (n <= *r.high && (!r.openHigh || n != *r.high))
}

// judge sets the bounds and the interpretation of a number by its reference range. One that cannot be read judges nothing.
func judge(r *order.Result, n float64, written string) {
	normal, ok := parseRange(written)
	if !ok {
		return
	}
	r.Min, r.Max = normal.low, normal.high
	r.Interpretation = order.Abnormal
	if normal.contains(n) {
		r.Interpretation = order.Normal
	}
}
