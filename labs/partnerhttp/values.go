package partnerhttp

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
)

// maxCode is the greatest length of a number or code. Partners' ids have about 10 characters, tracking numbers at most
// 34.
const maxCode = 64

// SafeCode returns text that may be stored outside the encrypted store: at most 64 characters, all of which occur in
// numbers and codes. Any other text might be free text, so it becomes empty; the verbatim body still has it.
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

// SafeOrderNumber returns the order number without white space around it. It is empty if the number is longer than any
// order number or contains control characters, which cannot be stored and searched.
func SafeOrderNumber(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxCode || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

// TextValue returns a value that is a string, and an empty string for any other value.
func TextValue(value any) string {
	s, _ := value.(string)
	return s
}

// IdentifierValue returns a code that may be a string or a number (molecular-api#d23), checked by SafeCode.
func IdentifierValue(value any) string {
	if n, ok := value.(json.Number); ok {
		return SafeCode(n.String())
	}
	return SafeCode(TextValue(value))
}

// ParseInstant parses an RFC 3339 time and ignores white space around it. It returns UTC, truncated to microseconds. It
// returns false for a time without a zone, and for a year that does not have four digits.
func ParseInstant(written string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(written))
	at = at.UTC().Truncate(time.Microsecond)
	if err != nil || at.IsZero() || at.Year() < 0 || at.Year() > 9999 {
		return time.Time{}, false
	}
	return at, true
}

// Slug returns a name in lower case, with hyphens between its words.
func Slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name),
		func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}
