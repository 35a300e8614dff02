package order

import (
	"cmp"
	"slices"
)

// The bounds of what is made of one name. A partner may send a name of any length.
const (
	maxNameWords    = 20 // the words by which a name is found: its first ones
	maxJoinedParts  = 6  // a name with more parts is found by its words only
	longestRun      = 3  // the most parts that are written as one word
	maxNameReadings = 8  // the ways to read a name that is searched for
)

// NameRun is one spelling of a word of a name, or of neighbouring words that may be written as one.
type NameRun struct {
	Text     string
	from, to int // its parts of the name
}

// Overlaps reports whether two runs have a part in common.
func (r NameRun) Overlaps(other NameRun) bool { return r.from < other.to && other.from < r.to }

// NameRuns returns all spellings under which a person with that first and last name is looked for: each word, the parts
// of a word with an apostrophe, and neighbouring words joined, because García-López is written garcia lopez and
// garcialopez. It joins a first with a last name only if there are more than these two words.
func NameRuns(first, last string) []NameRun {
	given, family := FoldName(first), FoldName(last)
	words := slices.Concat(given, family)
	words = words[:min(len(words), maxNameWords)]
	parts, boundary := divideWords(words, len(given))
	var runs []NameRun
	add := func(w NameWord, from, to int) {
		for _, text := range w.Spellings() {
			runs = append(runs, NameRun{text, from, to})
		}
	}
	if len(parts) > maxJoinedParts {
		for i, w := range words {
			add(w, i, i+1)
		}
		return runs
	}
	for size := 1; size <= longestRun; size++ {
		for from := 0; from+size <= len(parts); from++ {
			to := from + size
			if len(words) == 2 && from < boundary && boundary < to {
				continue
			}
			add(JoinWords(parts[from:to]...), from, to)
		}
	}
	return runs
}

// divideWords returns the parts of words, and how many of them the first words have.
func divideWords(words []NameWord, first int) (parts []NameWord, boundary int) {
	for i, w := range words {
		if i == first {
			boundary = len(parts)
		}
		if w.Parts == nil {
			parts = append(parts, w)
		}
		parts = append(parts, w.Parts...)
	}
	return parts, boundary
}

// NameReadings returns the ways to read a name that somebody looks for. Each is a list of words, all of which a person
// has under one of the spellings of NameRuns. The first reading is the name as written, without initials, titles and
// suffixes. In the others, neighbouring words are one, or letters stand for marks. The result is empty for a text
// without a word.
func NameReadings(name string) [][]string {
	words := CoreWords(FoldName(name))
	words = words[:min(len(words), maxNameWords)]
	if len(words) == 0 {
		return nil
	}
	joined := [][]NameWord{words}
	for size := 2; size <= longestRun && len(words) <= maxJoinedParts; size++ {
		for from := 0; from+size <= len(words); from++ {
			joined = append(joined, slices.Concat(words[:from], []NameWord{JoinWords(words[from : from+size]...)},
				words[from+size:]))
		}
	}
	var readings [][]string
	add := func(reading []string) {
		slices.Sort(reading)
		reading = slices.Compact(reading)
		same := func(other []string) bool { return slices.Equal(reading, other) }
		if len(readings) < maxNameReadings && !slices.ContainsFunc(readings, same) {
			readings = append(readings, reading)
		}
	}
	for _, each := range joined {
		plain, expanded := make([]string, len(each)), make([]string, len(each))
		for i, w := range each {
			plain[i], expanded[i] = w.Text, cmp.Or(w.Expanded, w.Text)
		}
		add(plain)
		add(expanded)
	}
	return readings
}
