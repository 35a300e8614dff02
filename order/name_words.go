package order

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NameWord is a word of a person's name in the spelling by which names are compared: lower case, without accents,
// apostrophes and other punctuation.
type NameWord struct {
	// Text is the word without its marks: Müller is muller.
	Text string
	// Expanded is the word with the letters that stand for its marks, as in mueller; empty: it has no such mark.
	Expanded string
	// Parts are the parts of a word that an apostrophe divides, as o and brien; nil: it has none.
	Parts []NameWord
}

// FoldName returns the words of a name. Blanks, hyphens and other punctuation divide words. Apostrophes do not, in
// whatever form they were typed. All searches and comparisons of names use this function.
func FoldName(name string) []NameWord {
	var words []NameWord
	for _, written := range strings.FieldsFunc(norm.NFC.String(name), dividesName) {
		var w NameWord
		for part := range strings.FieldsFuncSeq(written, isApostrophe) {
			p := foldWord(part)
			if p.Text == "" {
				continue
			}
			if p.Expanded != "" || w.Expanded != "" {
				w.Expanded = w.longest() + p.longest()
			}
			w.Text += p.Text
			w.Parts = append(w.Parts, p)
		}
		if len(w.Parts) == 1 {
			w.Parts = nil
		}
		if w.Text != "" {
			words = append(words, w)
		}
	}
	return words
}

func (w NameWord) longest() string {
	if w.Expanded != "" {
		return w.Expanded
	}
	return w.Text
}

// Spellings returns the spellings of a word, one or two.
func (w NameWord) Spellings() []string {
	if w.Expanded == "" || w.Expanded == w.Text {
		return []string{w.Text}
	}
	return []string{w.Text, w.Expanded}
}

// JoinWords returns the word that several words are when they are written as one.
func JoinWords(words ...NameWord) NameWord {
	var out NameWord
	for _, w := range words {
		if w.Expanded != "" || out.Expanded != "" {
			out.Expanded = out.longest() + w.longest()
		}
		out.Text += w.Text
	}
	return out
}

// letterSpellings are the letters that Unicode does not divide into a letter and a mark, and the letters that are
// written instead of a mark.
var letterSpellings = map[rune]struct{ text, expanded string }{
	'ß': {"ss", ""}, 'æ': {"ae", ""}, 'œ': {"oe", ""}, 'ø': {"o", "oe"}, 'ł': {"l", ""}, 'đ': {"d", ""}, 'ð': {"d", ""},
	'þ': {"th", ""}, 'ı': {"i", ""}, 'ħ': {"h", ""}, 'ŧ': {"t", ""}, 'ŋ': {"n", ""}, 'ĸ': {"k", ""}, 'ſ': {"s", ""},
	'ä': {"a", "ae"}, 'ö': {"o", "oe"}, 'ü': {"u", "ue"}, 'å': {"a", "aa"}, 'ς': {"σ", ""},
}

// foldWord folds a word without apostrophes.
func foldWord(written string) NameWord {
	var text, expanded strings.Builder
	add := func(plain, long string) {
		text.WriteString(plain)
		if long == "" {
			long = plain
		}
		expanded.WriteString(long)
	}
	for _, r := range norm.NFC.String(strings.ToLower(norm.NFKC.String(written))) {
		if l, ok := letterSpellings[r]; ok {
			add(l.text, l.expanded)
			continue
		}
		for _, d := range norm.NFKD.String(string(r)) {
			if isAccent(d) || unicode.Is(unicode.Cf, d) || isApostrophe(d) {
				continue
			}
			add(string(d), "")
		}
	}
	w := NameWord{Text: norm.NFC.String(text.String())}
	if long := norm.NFC.String(expanded.String()); long != w.Text {
		w.Expanded = long
	}
	return w
}

// isAccent reports whether a mark is one that people leave out: an accent of Latin, Greek and Cyrillic letters, or a
// vowel point of Hebrew and Arabic. The marks of other scripts are letters.
func isAccent(r rune) bool {
	return '\u0300' <= r && r <= '\u036f' || '\u0591' <= r && r <= '\u05c7' || '\u064b' <= r && r <= '\u065f'
}

// apostrophes are the characters that are typed or printed as one.
const apostrophes = "'`´‘’‚‛ʹʻʼʽʾʿˈ′‵＇՚ꞌ"

func isApostrophe(r rune) bool { return strings.ContainsRune(apostrophes, r) }

func dividesName(r rune) bool {
	if isApostrophe(r) || unicode.Is(unicode.Cf, r) { // a soft hyphen, or a mark of direction
		return false
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
}

// IsInitial reports whether the word is one letter that stands for a name. A character of a script without capital
// letters is a whole name.
func (w NameWord) IsInitial() bool {
	letters := []rune(w.Text)
	return len(letters) == 1 && unicode.ToUpper(letters[0]) != letters[0]
}

// nameAffixes are the words around a name that people leave out.
var nameAffixes = []string{"jr", "jnr", "sr", "snr", "ii", "iii", "iv", "junior", "senior", "mr", "mrs", "ms", "miss",
	"mx", "dr", "prof", "md", "phd", "esq"}

// isAffix reports whether the word is a title or a suffix.
func (w NameWord) isAffix() bool { return slices.Contains(nameAffixes, w.Text) }

// CoreWords returns the words without initials, titles and suffixes. If nothing else is there, it returns all words.
func CoreWords(words []NameWord) []NameWord {
	core := slices.DeleteFunc(slices.Clone(words), func(w NameWord) bool { return w.IsInitial() || w.isAffix() })
	if len(core) == 0 {
		return words
	}
	return core
}
