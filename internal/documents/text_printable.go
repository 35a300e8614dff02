package documents

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// replacementRune stands for a character that the fonts have no picture of.
const replacementRune = '?'

// fractionSlash is what Unicode writes the fractions with that are one character.
const fractionSlash = '⁄'

// hasGlyph tells of which characters of the basic plane the fonts have a picture. Regular and bold have the same ones.
var hasGlyph = sync.OnceValue(func() map[rune]bool {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		panic("paper: the font that is built in does not parse: " + err.Error())
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

// printable is a text as the fonts can show it: accents that they lack fall off their letters, units and fractions in one character are
// written out, other characters that they lack become question marks, and of what directs a printer nothing stays but the line breaks.
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
		return "" // controls, marks of direction, accents without their letter
	case unicode.Is(unicode.Pd, r):
		return "-"
	}
	return decompose(r)
}

// decompose is a character written in several that the fonts have: a unit in its letters, a fraction in its numbers. An accent falls off
// its letter, but what strikes a sign through is its meaning.
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
		return " " + out.String() // two and a third is not twenty-one thirds
	}
	return out.String()
}

// oneLine is a text that is to stand on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }
