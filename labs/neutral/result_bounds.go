package neutral

import (
	"strings"

	"github.com/aliquot-labs/aliquot/labs/quantity"
)

// normalRange returns the range of normal values: the partner's bounds, and where they are absent or equal, those of
// the reference range's text. It returns false if there are none, if one of them cannot be read, or if they contradict
// each other.
func (m result) normalRange(unit *string) (quantity.Interval, bool) {
	written := ""
	if unit != nil {
		written = *unit
	}
	text, readable := quantity.ParseRange(string(m.ReferenceRange), written)
	stated, complete := m.statedBounds(written)
	if stated.Low == nil && stated.High == nil {
		return text, readable
	}
	agrees := true
	if readable {
		stated, agrees = stated.Refine(text)
		complete = true
	}
	if stated.Low != nil && stated.High != nil && *stated.Low > *stated.High {
		agrees = false
	}
	return stated, agrees && complete
}

// statedBounds returns the bounds in min and max. It returns false if one of them is there and cannot be read: the
// other one alone does not say what is normal.
func (m result) statedBounds(unit string) (stated quantity.Interval, complete bool) {
	low, lowReadable := m.Min.bound(unit, ">")
	high, highReadable := m.Max.bound(unit, "<")
	return quantity.Interval{Low: low.Low, OpenLow: low.OpenLow, High: high.High, OpenHigh: high.OpenHigh},
		lowReadable && highReadable
}

// bound returns the bound that a number has, alone or behind its sign: > for the lower one, < for the upper one.
func (t textValue) bound(unit, sign string) (quantity.Interval, bool) {
	if t == "" {
		return quantity.Interval{}, true
	}
	reading := quantity.ParseResult(string(t), unit)
	if reading.Value == nil && !strings.HasPrefix(reading.Text, sign) {
		return quantity.Interval{}, false
	}
	return reading.Found, reading.Found != quantity.Interval{}
}
