package bodytext

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// symbologyPrefix is what scanners put before a barcode to say which kind it is, such as ]C1 (ISO/IEC 15424).
var symbologyPrefix = regexp.MustCompile(`^\][A-Za-z][0-9A-Za-z]`)

// controlNames are the written forms of the separator FNC1 of barcodes.
var controlNames = regexp.MustCompile(`(?i)<(gs|fnc1)>|\{(gs|fnc1)\}`)

// CleanCode returns the text of a number or code as it is meant: without control and invisible characters, which
// scanners and spreadsheets leave in it, with ASCII digits, letters, blanks and hyphens in place of their variants, and
// without blanks around it.
func CleanCode(text string) string {
	text = controlNames.ReplaceAllString(norm.NFKC.String(text), "")
	text = strings.TrimSpace(strings.Map(plainCodeRune, text))
	return strings.TrimSpace(symbologyPrefix.ReplaceAllString(text, ""))
}

func plainCodeRune(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Z, r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r >= 0x2400 && r <= 0x2426: // pictures of control characters
		return -1
	case unicode.Is(unicode.Pd, r), r == '\u2212':
		return '-'
	}
	return r
}

// IsNullWord reports whether a text is the word null, with blanks around it or without, in any case of letters: some
// partners write it for nothing. It must not be asked about a person's name, because Null is a surname.
func IsNullWord(text string) bool {
	return strings.EqualFold(strings.TrimSpace(text), "null")
}
