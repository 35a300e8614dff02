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

// FromMicros is the inverse of ToMicros.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
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
