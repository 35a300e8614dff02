package documents

import (
	"strings"
	"unicode"
)

// width returns the width of a line in a style, in millimetres.
func (s *canvas) width(line string, st style) float64 {
	s.setFont(st)
	return s.pdf.GetStringWidth(line)
}

// splitLines splits a text into lines of at most a width, between words. A word that is longer than a line is split as
// well, after a hyphen if it has one.
func (s *canvas) splitLines(text string, st style, width float64) []string {
	lines, _ := s.wrap(text, st, width)
	return lines
}

// wrap splits a text as splitLines does, and reports whether all words stayed whole. A text without words has one empty
// line per paragraph.
func (s *canvas) wrap(text string, st style, width float64) (lines []string, whole bool) {
	whole = true
	blank := s.width(" ", st)
	for _, paragraph := range strings.Split(strings.TrimRight(printable(text), "\n"), "\n") {
		line, used := "", 0.0
		for _, word := range lineWords(paragraph) {
			size := s.width(word, st)
			if line != "" && used+blank+size <= width {
				line, used = line+" "+word, used+blank+size
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			if size > width {
				parts := s.splitWord(word, st, width)
				lines, whole = append(lines, parts[:len(parts)-1]...), false
				word = parts[len(parts)-1]
				size = s.width(word, st)
			}
			line, used = word, size
		}
		lines = append(lines, line)
	}
	return lines, whole
}

// lineWords returns the parts of a line between its blanks. A no-break space is part of a word.
func lineWords(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return r == ' ' })
}

// splitWord splits a word into parts of at most a width. A part has at least one letter with its marks.
func (s *canvas) splitWord(word string, st style, width float64) []string {
	s.setFont(st)
	var parts []string
	start, hyphen, used := 0, 0, 0.0
	for i, r := range word {
		size := s.pdf.GetStringWidth(string(r))
		if used+size > width && i > start && !unicode.Is(unicode.M, r) {
			end := i
			if hyphen > start {
				end = hyphen
			}
			parts = append(parts, word[start:end])
			start, used = end, s.pdf.GetStringWidth(word[end:i])
		}
		used += size
		if r == '-' {
			hyphen = i + 1
		}
	}
	return append(parts, word[start:])
}

// fitLines splits a text into at most a number of lines of at most a width, in the largest type between the style's
// size and the smallest one in which no word is split. If there is none, the smallest type is used, and words are
// split; ok is false if the text has more lines even so.
func (s *canvas) fitLines(text string, st style, width float64, most int,
	smallest float64) (lines []string, _ style, ok bool) {
	const step = 0.5
	for ; st.size > smallest; st.size -= step {
		if lines, whole := s.wrap(text, st, width); whole && len(lines) <= most {
			return lines, st, true
		}
	}
	st.size = smallest
	lines = s.splitLines(text, st, width)
	return lines, st, len(lines) <= most
}

// shrinkToWords returns the style in a smaller type, down to a smallest one, if a word is longer than a width.
func (s *canvas) shrinkToWords(text string, st style, width float64) style {
	const smallest, step = 6.0, 0.5
	for _, word := range lineWords(strings.ReplaceAll(printable(text), "\n", " ")) {
		for st.size > smallest && s.width(word, st) > width {
			st.size -= step
		}
	}
	return st
}

// truncate shortens a line to at most a width and ends it with an ellipsis. It is for lines that name nobody.
func (s *canvas) truncate(line string, st style, width float64) string {
	s.setFont(st)
	if s.pdf.GetStringWidth(line) <= width {
		return line
	}
	room := width - s.pdf.GetStringWidth(ellipsis)
	for i, letter := range line {
		room -= s.pdf.GetStringWidth(string(letter))
		if room < 0 {
			return line[:i] + ellipsis
		}
	}
	return line
}
