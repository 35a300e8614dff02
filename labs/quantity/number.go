package quantity

import (
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// ParseNumber parses a decimal number. It rejects what strconv accepts beyond that: hexadecimal, infinity and
// underscores.
func ParseNumber(s string) (float64, bool) {
	if strings.Trim(s, "+-.0123456789eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0)
}

// maxWritten is the greatest length of a text that is read as a number or range, in bytes.
const maxWritten = 200

// normalize returns the text in small letters, with single blanks, ASCII signs and digits, and without thousands
// separators. It returns false for a text whose separators do not have one meaning.
func normalize(written string) (string, bool) {
	if len(written) > maxWritten {
		return "", false
	}
	text, ok := dropThousands(strings.ToLower(strings.Map(foldRune, html.UnescapeString(written))))
	for _, pair := range signs {
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return strings.Join(strings.Fields(text), " "), ok
}

// signs are signs of more than one ASCII character.
var signs = [][2]string{
	{"≤", "<="}, {"⩽", "<="}, {"≦", "<="}, {"≥", ">="}, {"⩾", ">="}, {"≧", ">="},
	{"﹤", "<"}, {"﹥", ">"}, {"﹦", "="}, {"=<", "<="}, {"=>", ">="}, {"≪", "<"}, {"≫", ">"}, {"‹", "<"}, {"›", ">"},
	{"⁰", "^0"}, {"¹", "^1"}, {"²", "^2"}, {"³", "^3"}, {"⁴", "^4"}, {"⁵", "^5"}, {"⁶", "^6"}, {"⁷", "^7"}, {"⁸", "^8"},
	{"⁹", "^9"},
}

// foldRune replaces the forms of dashes, minus signs, wide characters and micro signs by one each. Invisible characters
// are removed.
func foldRune(r rune) rune {
	switch {
	case r >= '\u2010' && r <= '\u2015', r == '\u2212', r == '\u2043', r == '\ufe58', r == '\ufe63', r == '\uff0d',
		r == '\u207b':
		return '-'
	case r >= '\uff01' && r <= '\uff5e':
		return r - '\uff01' + '!'
	case r == 'µ', r == 'μ':
		return 'u'
	case r == '∼', r == '〜':
		return '~'
	case r == '’', r == '‘':
		return '\''
	case unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// groupedPattern matches digits with separators between them, and thousandsPattern those whose separators are between
// groups of three digits after a first group that is not zero.
var (
	groupedPattern   = regexp.MustCompile(`\d+(?:[,'\x{a0}\x{2009}\x{202f}]\d+)+`)
	thousandsPattern = regexp.MustCompile(
		`^[1-9]\d{0,2}(?:(?:,\d{3})+|(?:'\d{3})+|(?:\x{a0}\d{3})+|(?:\x{2009}\d{3})+|(?:\x{202f}\d{3})+)$`)
)

// dropThousands removes thousands separators. It returns false if a separator between digits is something else, such as
// a decimal comma.
func dropThousands(text string) (string, bool) {
	var out strings.Builder
	end := 0
	for _, at := range groupedPattern.FindAllStringIndex(text, -1) {
		group := text[at[0]:at[1]]
		if !thousandsPattern.MatchString(group) || at[0] > 0 && text[at[0]-1] == '.' {
			return "", false
		}
		out.WriteString(text[end:at[0]])
		out.WriteString(strings.Map(onlyDigits, group))
		end = at[1]
	}
	return out.String() + text[end:], true
}

func onlyDigits(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}

// numeral returns a number's digits for a result of the client API: without a plus sign, an exponent and a trailing
// point.
func numeral(written string) string {
	written = strings.TrimSuffix(strings.TrimPrefix(written, "+"), ".")
	if n, ok := ParseNumber(written); ok && strings.Contains(written, "e") {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return written
}
