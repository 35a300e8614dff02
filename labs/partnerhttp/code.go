package partnerhttp

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// maxCode is the greatest length of a number or code. Partners' ids have about 10 characters, tracking numbers at most
// 34.
const maxCode = 64

// SafeCode returns text that may be stored outside the encrypted store: at most 64 characters, all of which occur in
// numbers and codes. It is cleaned first (bodytext.CleanCode). Any other text might be free text, so it becomes empty;
// the verbatim body still has it. The word null is nothing.
func SafeCode(text string) string {
	code, _ := readCodeText(text)
	return code
}

// spreadsheetNumber matches a long number as a spreadsheet writes it, without its last digits.
var spreadsheetNumber = regexp.MustCompile(`^\d(?:[.,]\d+)?[eE]\+\d+$`)

// readCodeText returns the code in a text, and whether the text is one or is empty.
func readCodeText(text string) (code string, readable bool) {
	text = bodytext.CleanCode(text)
	switch {
	case text == "" || bodytext.IsNullWord(text):
		return "", true
	case len(text) > maxCode || strings.ContainsFunc(text, isNotCodeRune),
		spreadsheetNumber.MatchString(text):
		return "", false
	}
	return text, true
}

func isNotCodeRune(r rune) bool {
	letterOrDigit := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	return !letterOrDigit && !strings.ContainsRune(" -_./:#()+&,", r)
}

// wholeNumber matches a JSON number whose digits are those of a code.
var wholeNumber = regexp.MustCompile(`^(\d+)(\.0+)?$`)

// ReadCode returns the code in a value: a text, a number (molecular-api#d23), or a list of one of them. It is
// empty and readable for nothing: null, an empty text, the word null, an empty list. It is not readable for anything
// else; words is then the text, which may be free text, and is empty for a value that is no text.
func ReadCode(value any) (code string, readable bool, words string) {
	switch v := value.(type) {
	case nil:
		return "", true, ""
	case string:
		if code, readable = readCodeText(v); !readable {
			words = strings.TrimSpace(v)
		}
		return code, readable, words
	case json.Number:
		if digits := wholeNumber.FindStringSubmatch(v.String()); digits != nil && len(digits[1]) <= maxCode {
			return digits[1], true, ""
		}
		return SafeCode(v.String()), true, ""
	case []any:
		if len(v) == 0 {
			return "", true, ""
		}
		if _, list := v[0].([]any); len(v) == 1 && !list {
			return ReadCode(v[0])
		}
	}
	return "", false, ""
}

// IdentifierValue returns the code in a value, as ReadCode does; empty: there is none, or it cannot be read.
func IdentifierValue(value any) string {
	code, _, _ := ReadCode(value)
	return code
}

// CodeReader reads the codes of one message, and notes the names of those that it cannot read.
type CodeReader struct {
	Unreadable []string
}

// Read returns the code in a value, as ReadCode does, but no number with an exponent or a fraction, whose last digits
// may be lost. name is the name of the code in the fact.
func (r *CodeReader) Read(name string, value any) string {
	code, readable, _ := ReadCode(value)
	if n, ok := value.(json.Number); ok && !wholeNumber.MatchString(n.String()) {
		code, readable = "", false
	}
	if !readable {
		r.Unreadable = append(r.Unreadable, name)
	}
	return code
}
