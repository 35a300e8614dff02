package order

import (
	"slices"
	"strings"
)

// NameLikeness says how two names compare.
type NameLikeness int

// The degrees of likeness of names, the least first.
const (
	NamesUnknown   NameLikeness = iota // one of them has no word
	NamesDiffer                        // they share no word
	NamesShareWord                     // they share a word, as after a marriage
	NamesAlike                         // one is a shorter form of the other: initials, suffixes, a second surname
	NamesSame                          // they are the same but for case, accents and punctuation
)

// nameParticles are words of surnames that many people share. They do not make two names alike.
var nameParticles = []string{"de", "del", "della", "di", "da", "do", "dos", "das", "la", "las", "le", "les", "los",
	"el", "al", "bin", "ibn", "van", "von", "vom", "der", "den", "ter", "ten", "zu", "y", "e", "st", "san", "santa"}

// personName is a folded name.
type personName struct {
	words []NameWord // without titles and suffixes, and without particles where other words are left
	all   []NameWord
	runs  []NameRun
}

func newPersonName(first, last string) personName {
	given, family := FoldName(first), FoldName(last)
	p := personName{all: slices.Concat(given, family), runs: NameRuns(first, last)}
	for _, field := range [][]NameWord{given, family} {
		core := CoreWords(field)
		strong := slices.DeleteFunc(slices.Clone(core), func(w NameWord) bool {
			return w.IsInitial() || w.isAffix() || slices.Contains(nameParticles, w.Text)
		})
		if len(strong) == 0 {
			strong = core
		}
		p.words = append(p.words, strong...)
	}
	p.words = CoreWords(p.words)
	p.words = p.words[:min(len(p.words), maxNameWords)]
	return p
}

func (p personName) joined() string { return JoinWords(p.all...).Text }

// hasWord reports whether the name has the word, or neighbouring words that are it when they are joined.
func (p personName) hasWord(w NameWord) bool {
	return slices.ContainsFunc(p.runs, func(r NameRun) bool { return slices.Contains(w.Spellings(), r.Text) })
}

func (p personName) hasOnlyInitials() bool {
	return !slices.ContainsFunc(p.words, func(w NameWord) bool { return !w.IsInitial() })
}

// sharedWith counts the words that the other name has too.
func (p personName) sharedWith(other personName) (n int) {
	for _, w := range p.words {
		if other.hasWord(w) {
			n++
		}
	}
	return n
}

// sharesRun reports whether neighbouring words of one name are the joined words of the other.
func (p personName) sharesRun(other personName) bool {
	return p.sharedWith(other)+other.sharedWith(p) > 0
}

// abbreviates reports whether an initial of the name stands for a word of the other name.
func (p personName) abbreviates(other personName) bool {
	return slices.ContainsFunc(p.all, func(initial NameWord) bool {
		return initial.IsInitial() && slices.ContainsFunc(other.all, func(w NameWord) bool {
			return strings.HasPrefix(w.Text, initial.Text)
		})
	})
}

// isShortFormOf reports whether the other name has all words of the name: two of them, or one with an initial.
func (p personName) isShortFormOf(other personName) bool {
	shared := p.sharedWith(other)
	return shared == len(p.words) && (shared > 1 || p.abbreviates(other) || other.abbreviates(p))
}

// CompareNames compares two persons' names after folding. It does not matter which words are the first and which the
// last name.
func CompareNames(first, last, otherFirst, otherLast string) NameLikeness {
	a, b := newPersonName(first, last), newPersonName(otherFirst, otherLast)
	initials := a.hasOnlyInitials() || b.hasOnlyInitials()
	switch {
	case len(a.words) == 0 || len(b.words) == 0:
		return NamesUnknown
	case a.joined() == b.joined():
		return NamesSame
	case a.isShortFormOf(b) || b.isShortFormOf(a):
		return NamesAlike
	case a.sharesRun(b):
		return NamesShareWord
	case initials && (a.abbreviates(b) || b.abbreviates(a)):
		return NamesShareWord
	default:
		return NamesDiffer
	}
}

// PatientDifference says in what the person whom a lab report names differs from the patient of the order.
type PatientDifference string

// The differences. Both mean that the report is about somebody else.
const (
	PatientDiffersNot     PatientDifference = "" // or the lab named nobody
	PatientDiffersByName  PatientDifference = "name"
	PatientDiffersByBirth PatientDifference = "birth_date"
	PatientDiffersByBoth  PatientDifference = "both"
)

// DifferenceFrom compares the person whom the lab has tested with the patient of the order; nil: not known. What the
// lab did not say, or what is unreadable, does not differ.
func (t *TestedPatient) DifferenceFrom(p *Patient) PatientDifference {
	if t == nil || p == nil {
		return PatientDiffersNot
	}
	name := CompareNames(p.FirstName, p.LastName, t.FirstName, t.LastName) == NamesDiffer
	dates := t.BirthDates()
	born := len(dates) > 0 && !slices.Contains(dates, p.DOB)
	switch {
	case name && born:
		return PatientDiffersByBoth
	case name:
		return PatientDiffersByName
	case born:
		return PatientDiffersByBirth
	default:
		return PatientDiffersNot
	}
}
