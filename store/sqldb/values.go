package sqldb

import (
	"database/sql"
	"time"

	"github.com/google/uuid"
)

// NewID returns a new id. Ids sort by their time of creation.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

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
