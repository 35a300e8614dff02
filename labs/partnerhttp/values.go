package partnerhttp

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// maxCode is longer than any number or code in use: partners' ids have some 10 characters, tracking numbers at most 34.
const maxCode = 64

// SafeCode is text that may leave the encrypted store: short, and of the characters that numbers and codes are made of. Anything else
// may be free text and becomes empty; it stays in the verbatim report.
func SafeCode(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxCode || strings.ContainsFunc(text, isNotCodeRune) {
		return ""
	}
	return text
}

func isNotCodeRune(r rune) bool {
	letterOrDigit := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	return !letterOrDigit && !strings.ContainsRune(" -_./:#", r)
}

// SafeOrderNumber is an order number as sent; empty when it is too long for any order number, or has characters that cannot be stored
// and searched for.
func SafeOrderNumber(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxCode || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

// TextValue is a text, and empty for anything else.
func TextValue(value any) string {
	s, _ := value.(string)
	return s
}

// IdentifierValue is a code that may be written as a number (molecular-api#d23).
func IdentifierValue(value any) string {
	if n, ok := value.(json.Number); ok {
		return SafeCode(n.String())
	}
	return SafeCode(TextValue(value))
}

// ParseInstant reads a time of RFC 3339 in any zone and precision, blanks around it ignored, as UTC in microseconds. A time without a
// zone is no instant, nor is one in a year that cannot be written again with four digits.
func ParseInstant(written string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(written))
	at = at.UTC().Truncate(time.Microsecond)
	if err != nil || at.IsZero() || at.Year() < 0 || at.Year() > 9999 {
		return time.Time{}, false
	}
	return at, true
}

// Slug is a name in lower case, with hyphens between its words.
func Slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name),
		func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// ParseNumber reads a decimal number, as against the forms that only programs write (hexadecimal, infinite, with underscores).
func ParseNumber(s string) (float64, bool) {
	if strings.Trim(s, "+-.0123456789eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0)
}

var rangePattern = regexp.MustCompile(`^([<>]=?\d+(\.\d+)?|\d+(\.\d+)?-\d+(\.\d+)?)$`)

// IsRange reports whether a result is one of the client API's type range, such as <5 or 1-10.
func IsRange(result string) bool { return rangePattern.MatchString(result) }
