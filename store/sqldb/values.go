package sqldb

import (
	"database/sql"
	"time"
)

// ToMicros and FromMicros convert times to and from their stored form. The zero time is stored as 0.
func ToMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// The earliest and the latest time that JSON can hold (RFC 3339), in microseconds. The earliest one differs from the
// zero time.
var (
	earliestMicros = time.Time{}.UnixMicro() + 1
	latestMicros   = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

// FromMicros is the inverse of ToMicros. A stored time outside the years 1 to 9999 is read as the nearest one within
// them, because an answer that holds it could not be written.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(min(max(us, earliestMicros), latestMicros)).UTC()
}

// NullIfEmpty converts an empty text to NULL.
func NullIfEmpty(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

// EmptyIfNull returns the target of a scan that reads NULL as an empty text.
func EmptyIfNull(text *string) sql.Scanner { return emptyIfNull{text} }

type emptyIfNull struct{ text *string }

// Scan implements sql.Scanner.
func (e emptyIfNull) Scan(value any) error {
	var text sql.NullString
	err := text.Scan(value)
	*e.text = text.String
	return err
}
