package order

import (
	"fmt"
	"time"
)

// Date is a calendar day without a time or a zone, written YYYY-MM-DD.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads YYYY-MM-DD. Any other form, and a day that does not exist, is an error.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date of the form YYYY-MM-DD", s)
	}
	return DateOf(t), nil
}

// DateOf returns the day of t in t's own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{Year: y, Month: m, Day: d}
}

// String writes the date as YYYY-MM-DD.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Start returns the first instant of the day in loc, in UTC. If a clock change skips midnight, it is the first instant
// after the change. If a clock change repeats midnight, it is the earlier one.
func (d Date) Start(loc *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
	switch before := t.Add(-time.Hour); {
	case t.Day() != d.Day: // midnight does not exist: time.Date returned an hour before it
		t = t.Add(time.Hour)
	case before.Day() == d.Day: // midnight exists twice: time.Date returned the second one
		t = before
	}
	return t.UTC()
}

// Before reports whether d is earlier than other.
func (d Date) Before(other Date) bool { return d.String() < other.String() }

// YearsUntil returns the whole years from d to a later day: the age on that day of a person born on d.
func (d Date) YearsUntil(day Date) int {
	years := day.Year - d.Year
	if day.Month < d.Month || day.Month == d.Month && day.Day < d.Day {
		years--
	}
	return years
}

// MarshalText writes YYYY-MM-DD.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD.
func (d *Date) UnmarshalText(b []byte) error {
	parsed, err := ParseDate(string(b))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
