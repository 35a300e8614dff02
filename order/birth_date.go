package order

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// birthDateForms are the forms in which labs write a date of birth, after foldBirthDate. Of a date with two numbers
// before the year, the month may be first or second.
var birthDateForms = []string{"2006-1-2", "20060102", "1-2-2006", "2-1-2006", "2-Jan-2006", "Jan-2-2006",
	"2-January-2006", "January-2-2006", "02Jan2006", "20060102150405", "200601021504"}

// shortBirthDateForms are those with a year of two digits.
var shortBirthDateForms = []string{"1-2-06", "2-1-06", "2-Jan-06", "Jan-2-06"}

// BirthDates returns the dates that the lab's date of birth can mean, the likeliest first. It is empty if the lab gave
// none, or none that can be read. A year of two digits is one of either century.
func (t *TestedPatient) BirthDates() (dates []Date) {
	written := foldBirthDate(t.DOB)
	add := func(at time.Time) {
		if day := DateOf(at); !slices.Contains(dates, day) {
			dates = append(dates, day)
		}
	}
	for _, form := range birthDateForms {
		if at, err := time.Parse(form, written); err == nil {
			add(at)
		}
	}
	for _, form := range shortBirthDateForms {
		if at, err := time.Parse(form, written); err == nil {
			add(at.AddDate(-100*((at.Year()-1900)/100), 0, 0))
			add(at.AddDate(100*((2099-at.Year())/100), 0, 0))
		}
	}
	return dates
}

// beforeClock matches a date with a time of day behind it.
var beforeClock = regexp.MustCompile(`^(.*?\d)(?:T| +)\d{1,2}:\d\d`)

// foldBirthDate returns a date without its time of day and invisible characters, and with one hyphen between its parts.
func foldBirthDate(written string) string {
	written = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Pd, r), r == '\u2212', strings.ContainsRune("/.,", r):
			return '-'
		}
		return r
	}, written)
	written = strings.TrimSpace(written)
	if day := beforeClock.FindStringSubmatch(written); day != nil {
		written = day[1]
	}
	parts := strings.FieldsFunc(written, func(r rune) bool { return r == ' ' || r == '-' })
	return strings.Join(parts, "-")
}
