package documents

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// replacementRune replaces a character that the fonts do not have.
const replacementRune = '?'

// fractionSlash is the slash in Unicode's decomposition of fraction characters.
const fractionSlash = '⁄'

// hasGlyph returns the characters of the basic plane that the fonts have. Regular and bold have the same characters.
var hasGlyph = sync.OnceValue(func() map[rune]bool {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		panic("documents: a built-in font cannot be parsed: " + err.Error())
	}
	known := make(map[rune]bool)
	var buffer sfnt.Buffer
	for r := ' '; r <= unicode.MaxRune>>5; r++ {
		glyph, err := font.GlyphIndex(&buffer, r)
		if err == nil && glyph != 0 && unicode.IsGraphic(r) {
			known[r] = true
		}
	}
	return known
})

// printable converts a text to characters that the fonts have. Accents that are missing are removed, units and
// fractions in one character are written out, other missing characters become question marks, and control characters
// except line breaks are removed.
func printable(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var out strings.Builder
	for _, r := range norm.NFC.String(strings.ToValidUTF8(text, string(replacementRune))) {
		out.WriteString(printableRune(r))
	}
	return out.String()
}

func printableRune(r rune) string {
	switch {
	case r == '\n' || hasGlyph()[r]:
		return string(r)
	case unicode.IsSpace(r):
		return " "
	case unicode.Is(unicode.C, r) || unicode.Is(unicode.M, r):
		return "" // control characters, directional marks, accents without a letter
	case unicode.Is(unicode.Pd, r):
		return "-"
	}
	return decompose(r)
}

// decompose returns a character as several that the fonts have: a unit as letters, a fraction as numbers. Accents are
// removed, but a stroke through a sign is part of its meaning.
func decompose(r rune) string {
	var out strings.Builder
	for _, part := range norm.NFKD.String(string(r)) {
		switch {
		case unicode.Is(unicode.M, part) && unicode.IsLetter(r):
			continue
		case !hasGlyph()[part]:
			return string(replacementRune)
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
