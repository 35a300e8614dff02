package quantity

import (
	"regexp"
	"strings"
)

const (
	number     = `([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d{1,3})?)`
	plain      = `([-+]?(?:\d+(?:\.\d*)?|\.\d+))`
	unitText   = `((?: ?[a-z%°(\[×/][^<>=]*?| x? ?10[*^e]\d[^<>=]*?)??)`
	rangeSigns = `([<>]=?)`
)

var (
	onePattern = regexp.MustCompile(`^` + rangeSigns + ` ?` + number + unitText + `$`)
	// The sign between two bounds may touch them unless one of them has an exponent.
	twoPattern = regexp.MustCompile(
		`^(?:from |between )?` + plain + unitText + ` ?(?:-|~| to | and ) ?` + plain + unitText + `$`)
	twoWordsPattern = regexp.MustCompile(
		`^(?:from |between )?` + number + unitText + ` (?:-|~|to|and) ` + number + unitText + `$`)
	signedPattern = regexp.MustCompile(
		`^(>=?) ?` + number + unitText + ` ?(?:-|~|to|and|,)? ?(<=?) ?` + number + unitText + `$`)

	labelPattern = regexp.MustCompile(`^(?:normal|reference|ref\.?)(?: (?:range|interval|values?|limits?))?(?: ?:| ?=|) ?`)
	wrapped      = regexp.MustCompile(`^(?:\(([^()\[\]]*)\)|\[([^()\[\]]*)\])(.*)$`)
	wrappedBound = regexp.MustCompile(`\( ?([-+]?[\d.]+) ?\)`)
	orEqual      = regexp.MustCompile(`([<>]) ?(?:or|/) ?=`)
	blankInSign  = regexp.MustCompile(`([<>]) =`)
	afterPattern = regexp.MustCompile(`^` + number + unitText +
		` ?(?:or|and|&) ?(less|lower|below|under|fewer|more|greater|higher|above|over|up)$`)
)

// boundWords are words before one bound. A longer one comes before its beginning.
var boundWords = [][2]string{
	{"less than or equal to ", "<="}, {"lower than or equal to ", "<="}, {"smaller than or equal to ", "<="},
	{"greater than or equal to ", ">="}, {"higher than or equal to ", ">="}, {"more than or equal to ", ">="},
	{"equal to or less than ", "<="}, {"equal to or greater than ", ">="}, {"less or equal to ", "<="},
	{"not more than ", "<="}, {"no more than ", "<="}, {"not greater than ", "<="}, {"not exceeding ", "<="},
	{"not less than ", ">="}, {"no less than ", ">="}, {"less than ", "<"}, {"lower than ", "<"}, {"smaller than ", "<"},
	{"greater than ", ">"}, {"higher than ", ">"}, {"more than ", ">"}, {"larger than ", ">"},
	{"up to ", "<="}, {"at most ", "<="}, {"at least ", ">="}, {"below ", "<"}, {"under ", "<"}, {"above ", ">"},
	{"over ", ">"}, {"maximum ", "<="}, {"max. ", "<="}, {"max ", "<="}, {"minimum ", ">="}, {"min. ", ">="},
	{"min ", ">="},
}

// ParseRange parses a reference range of a result with a unit; an empty unit is unknown. It reads two bounds, which are
// normal themselves, and one bound with a sign or words. It returns false for a text with another meaning or with
// several meanings: a range in another unit, a bound with a decimal comma, ranges of several groups of people.
func ParseRange(written, unit string) (Interval, bool) {
	text, ok := normalize(written)
	if !ok {
		return Interval{}, false
	}
	text, rest := unwrap(labelPattern.ReplaceAllString(text, ""))
	if !matchesUnit(rest, unit) {
		return Interval{}, false
	}
	b, ok := parseBounds(labelPattern.ReplaceAllString(text, ""), unit)
	if !ok || b.isReversed() {
		return Interval{}, false
	}
	return b.interval, true
}

// unwrap returns what is in the brackets around a text, and the text after them.
func unwrap(text string) (inner, rest string) {
	m := wrapped.FindStringSubmatch(text)
	if m == nil {
		return text, ""
	}
	if _, ok := ParseNumber(strings.TrimSpace(m[1])); ok {
		return text, "" // brackets around the first bound only
	}
	return strings.TrimSpace(m[1] + m[2]), m[3]
}

// bounds are the bounds of a text as they are written. Low or high is empty where there is none.
type bounds struct {
	low, high string
	interval  Interval
	unit      string
}

func (b bounds) isReversed() bool {
	i := b.interval
	return i.Low != nil && i.High != nil && *i.Low > *i.High
}

// parseBounds parses a normalized text. The bounds may be reversed.
func parseBounds(text, unit string) (bounds, bool) {
	text = wrappedBound.ReplaceAllString(text, "$1")
	text = blankInSign.ReplaceAllString(orEqual.ReplaceAllString(text, "$1="), "$1=")
	for _, word := range boundWords {
		if after, ok := strings.CutPrefix(text, word[0]); ok {
			text = word[1] + strings.TrimSpace(after)
			break
		}
	}
	if m := afterPattern.FindStringSubmatch(text); m != nil {
		sign := ">="
		if strings.Contains("less lower below under fewer", m[3]) {
			sign = "<="
		}
		text = sign + m[1] + m[2]
	}
	if m := onePattern.FindStringSubmatch(text); m != nil {
		return oneBound(m[1], m[2], m[3], unit)
	}
	if m := signedPattern.FindStringSubmatch(text); m != nil {
		b, ok := twoBounds(m[2], m[3], m[5], m[6], unit)
		b.interval.OpenLow, b.interval.OpenHigh = m[1] == ">", m[4] == "<"
		return b, ok
	}
	for _, pattern := range []*regexp.Regexp{twoWordsPattern, twoPattern} {
		if m := pattern.FindStringSubmatch(text); m != nil {
			return twoBounds(m[1], m[2], m[3], m[4], unit)
		}
	}
	return bounds{}, false
}

func oneBound(sign, written, after, unit string) (bounds, bool) {
	n, ok := ParseNumber(written)
	b := bounds{unit: bareUnit(after)}
	if strings.HasPrefix(sign, "<") {
		b.high, b.interval = written, Interval{High: &n, OpenHigh: sign == "<"}
	} else {
		b.low, b.interval = written, Interval{Low: &n, OpenLow: sign == ">"}
	}
	return b, ok && matchesUnit(after, unit)
}

// twoBounds reads two bounds. A unit after the first one has to be that of the second one.
func twoBounds(low, lowUnit, high, highUnit, unit string) (bounds, bool) {
	from, lowOK := ParseNumber(low)
	to, highOK := ParseNumber(high)
	b := bounds{low: low, high: high, interval: Interval{Low: &from, High: &to}, unit: bareUnit(highUnit)}
	sameUnit := bareUnit(lowUnit) == "" || unitKey(bareUnit(lowUnit)) == unitKey(b.unit)
	return b, lowOK && highOK && sameUnit && matchesUnit(highUnit, unit)
}
