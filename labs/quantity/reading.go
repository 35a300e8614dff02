package quantity

import (
	"regexp"
	"strings"
)

// The types of a result in client-api#17-enums that a text can have.
const (
	Numeric = "numeric"
	Range   = "range"
	Comment = "comment"
)

// Reading is what a lab's text of a result means.
type Reading struct {
	Type  string   // Numeric, Range or Comment
	Text  string   // in the form of client-api#biomarkerresult; a comment as the lab wrote it
	Value *float64 // of a number
	Found Interval // what is known of the value; unbounded: nothing
	Unit  string   // the unit in the text; empty: none
	// Notes are the lab's words where Text is another text; empty: none.
	Notes string
}

// rangePattern is the part of client-api#biomarkerresult's pattern for a range that has digits.
var rangePattern = regexp.MustCompile(
	`^(?:[<>]=?(?:\d+(?:\.\d+)?|\.\d+)|(?:\d+(?:\.\d+)?|\.\d+)-(?:\d+(?:\.\d+)?|\.\d+))$`)

var numberPattern = regexp.MustCompile(`^` + number + unitText + `$`)

// ParseResult reads the text of a result with a unit; an empty unit is unknown. A text that has no meaning, or several,
// is a comment.
func ParseResult(written, unit string) Reading {
	written = strings.TrimSpace(written)
	if n, ok := ParseNumber(written); ok {
		return Reading{Type: Numeric, Text: written, Value: &n, Found: Point(n)}
	}
	comment := Reading{Type: Comment, Text: written}
	text, ok := normalize(written)
	if !ok {
		return comment
	}
	if m := numberPattern.FindStringSubmatch(text); m != nil {
		n, ok := ParseNumber(m[1])
		if !ok || !matchesUnit(m[2], unit) {
			return comment
		}
		return Reading{Type: Numeric, Text: numeral(m[1]), Value: &n, Found: Point(n),
			Unit: writtenUnit(written, bareUnit(m[2])), Notes: written}
	}
	text, rest := unwrap(text)
	b, ok := parseBounds(text, unit)
	if !ok || !matchesUnit(rest, unit) {
		return comment
	}
	return b.toReading(written)
}

// toReading returns the reading of bounds. Bounds that the client API's pattern cannot hold, such as negative ones, are
// a comment with a known interval. Nothing is known of a value whose bounds are reversed.
func (b bounds) toReading(written string) Reading {
	r := Reading{Type: Range, Text: b.text(), Found: b.interval, Unit: writtenUnit(written, b.unit)}
	if !rangePattern.MatchString(r.Text) {
		r.Type, r.Text = Comment, written
	}
	if b.isReversed() {
		r.Found = Interval{}
	}
	if r.Text != written {
		r.Notes = written
	}
	return r
}

// writtenUnit returns a unit in small letters as the lab wrote it at the end of a text.
func writtenUnit(written, unit string) string {
	from := max(len(written)-len(unit), 0)
	if strings.EqualFold(written[from:], unit) {
		return written[from:]
	}
	return unit
}

// text returns the bounds in the form of the client API.
func (b bounds) text() string {
	equal := func(open bool) string {
		if open {
			return ""
		}
		return "="
	}
	switch {
	case b.low == "":
		return "<" + equal(b.interval.OpenHigh) + numeral(b.high)
	case b.high == "":
		return ">" + equal(b.interval.OpenLow) + numeral(b.low)
	}
	return numeral(b.low) + "-" + numeral(b.high)
}
