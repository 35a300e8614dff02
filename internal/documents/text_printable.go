package documents

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"
)

// replacementRune replaces a character that the fonts do not have.
const replacementRune = '?'

// fractionSlash is the slash in Unicode's decomposition of fraction characters.
const fractionSlash = '⁄'

// UnprintableError says that a document cannot be drawn, because a letter of the patient's name has neither a glyph nor
// a romanised form. Its text has the letter's code only.
type UnprintableError struct{ letter rune }

func (e *UnprintableError) Error() string {
	return fmt.Sprintf("The patient's name has a letter that cannot be printed (%U); correct the name", e.letter)
}

// checkName returns an *UnprintableError if a name would lose a letter in print.
func checkName(names ...string) error {
	for _, r := range norm.NFC.String(strings.Join(names, " ")) {
		if unicode.IsLetter(r) && !hasGlyph()[r] && decompose(r) == "" && romanize(r) == "" {
			return &UnprintableError{r}
		}
	}
	return nil
}

// printable converts a text to characters that the fonts have. Letters of scripts that are not drawn are romanised,
// units and fractions in one character are written out, other missing characters become question marks, and control
// characters except line breaks are removed.
func printable(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var out strings.Builder
	roman := false // the text ends with a romanised letter
	for _, r := range norm.NFC.String(strings.ToValidUTF8(text, string(replacementRune))) {
		written := printableRune(r)
		if written != "" {
			out.WriteString(written)
			roman = false
			continue
		}
		if written = romanize(r); written == "" {
			continue
		}
		if !roman {
			first, size := utf8.DecodeRuneInString(written)
			written = string(unicode.ToUpper(first)) + written[size:]
		}
		out.WriteString(written)
		roman = true
	}
	return out.String()
}

// printableRune returns the character as it is drawn. It is empty for a letter that has to be romanised, and for what
// is not drawn.
func printableRune(r rune) string {
	switch {
	case r == '\n' || r == '\u00a0':
		return string(r)
	case unicode.IsSpace(r):
		return " "
	case r >= '\u2010' && r <= '\u2012':
		return "-" // hyphens, so that a copied text can be searched
	case r >= '\u2100' && r <= '\u214f' || r >= '\ufb00' && r <= '\ufb06':
		if parts := decompose(r); parts != "" {
			return parts // units and ligatures in one character
		}
	}
	switch {
	case hasGlyph()[r]:
		return string(r)
	case unicode.Is(unicode.C, r) || unicode.Is(unicode.M, r):
		return "" // control characters, directional marks, accents without a letter
	case unicode.Is(unicode.Pd, r):
		return "-"
	}
	if parts := decompose(r); parts != "" {
		return parts
	}
	if romanize(r) == "" {
		return string(replacementRune)
	}
	return ""
}

// romanize returns a letter in Latin letters: a Chinese one as its syllable with a blank after it. The vowel signs of
// Indian and other scripts are marks, and are romanised as letters are. It is empty for what has no such form.
func romanize(r rune) string {
	if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) {
		return ""
	}
	if letter, ok := silentLetters[r]; ok {
		return letter
	}
	roman := unidecode.Unidecode(string(r))
	if !unicode.Is(unicode.Han, r) {
		roman = strings.ToLower(roman)
	}
	return roman
}

// silentLetters are letters whose romanised form would be nothing.
var silentLetters = map[rune]string{
	'ا': "a", 'أ': "a", 'آ': "a", 'إ': "i", 'ٱ': "a", 'ء': "'", 'א': "a", 'ع': "'", 'ע': "'",
}

// decompose returns a character as several that the fonts have: a unit as letters, a fraction as numbers. Accents are
// removed, but a stroke through a sign is part of its meaning. It is empty for what has no such parts.
func decompose(r rune) string {
	var out strings.Builder
	for _, part := range norm.NFKD.String(string(r)) {
		switch {
		case unicode.Is(unicode.M, part) && unicode.IsLetter(r):
			continue
		case !hasGlyph()[part]:
			return ""
		}
		out.WriteRune(part)
	}
	if strings.ContainsRune(out.String(), fractionSlash) {
		return " " + out.String() // "2⅓" must not become "21/3"
	}
	return out.String()
}

// oneLine returns a printable text on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }
