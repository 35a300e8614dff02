package documents

import (
	_ "embed" // the fonts
	"sync"
	"unicode"

	"golang.org/x/image/font/sfnt"
)

// The fonts are DejaVu Sans Condensed 2.37, which have Latin Extended, Vietnamese, Greek and Cyrillic. Their licence is
// fonts/LICENSE.
var (
	//go:embed fonts/DejaVuSansCondensed.ttf
	regularFont []byte
	//go:embed fonts/DejaVuSansCondensed-Bold.ttf
	boldFont []byte
)

// printedScripts are the scripts whose letters are drawn. The fonts have letters of others too, which would need to be
// joined or written from right to left.
var printedScripts = []*unicode.RangeTable{
	unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Georgian, unicode.Common, unicode.Inherited,
}

// hasGlyph returns the characters of the basic plane that both fonts have and that are drawn.
var hasGlyph = sync.OnceValue(func() map[rune]bool {
	known := make(map[rune]bool)
	for i, data := range [][]byte{regularFont, boldFont} {
		font, err := sfnt.Parse(data)
		if err != nil {
			panic("documents: a built-in font cannot be parsed: " + err.Error())
		}
		var buffer sfnt.Buffer
		for r := ' '; r <= '\uffff'; r++ {
			glyph, err := font.GlyphIndex(&buffer, r)
			has := err == nil && glyph != 0
			if i == 0 && has && unicode.IsGraphic(r) && unicode.In(r, printedScripts...) {
				known[r] = true
			} else if !has {
				delete(known, r)
			}
		}
	}
	return known
})
