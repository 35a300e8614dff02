package partnerhttp

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
)

// SafeOrderNumber returns the order number without white space around it and without invisible characters. It is empty
// if the number is longer than any order number or contains control characters, which cannot be stored and searched.
func SafeOrderNumber(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if len(text) > maxCode || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

// UsableInPath reports whether a number can be a part of a path, where every character that has a meaning is escaped.
// The numbers of imported orders come from the lab, and may hold blanks and slashes. Names of folders cannot be
// escaped: a server would take them out of the path.
func UsableInPath(number string) bool {
	if number == "" || SafeOrderNumber(number) != number {
		return false
	}
	return !slices.ContainsFunc(strings.FieldsFunc(number, func(r rune) bool { return r == '/' || r == '\\' }),
		func(part string) bool { return part == "." || part == ".." })
}

// TextValue returns a value that is a string, and an empty string for any other value.
func TextValue(value any) string {
	s, _ := value.(string)
	return s
}

// ReadText returns the text of a JSON value that is a string, or a number or boolean as it was written; null is empty.
// The error is ErrUnreadable for an object or a list.
func ReadText(data []byte) (string, error) {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		return s, nil
	}
	var b bool
	if err := json.Unmarshal(data, &b); err == nil {
		return string(data), nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return "", ErrUnreadable
	}
	return n.String(), nil
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
