package sqldb

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// NilID is the UUID before all others. No row has it, so a list that continues after an id begins after this one.
const NilID = "00000000-0000-0000-0000-000000000000"

// NewID returns a new id. Ids sort by their time of creation.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// IsID reports whether a text is a UUID in its stored form: 36 characters, lower case. No other text is found by either
// engine.
func IsID(text string) bool {
	_, ok := parseUUID(text)
	return ok
}

// parseUUID reads a UUID in its stored form.
func parseUUID(text string) (id uuid.UUID, ok bool) {
	id, err := uuid.Parse(text)
	return id, err == nil && len(text) == len(NilID) && strings.ToLower(text) == text
}

// RequireIDs returns an error unless each text is a UUID in its stored form, and not NilID. Writers call it for the ids
// that their callers chose, because SQLite would store any text. The texts are names and ids in turn.
func RequireIDs(namesAndIDs ...string) error {
	for i := 0; i+1 < len(namesAndIDs); i += 2 {
		if name, id := namesAndIDs[i], namesAndIDs[i+1]; !IsID(id) || id == NilID {
			return fmt.Errorf("%w: %s is %q, no UUID in lower case", ErrInvalidID, name, id)
		}
	}
	return nil
}

// IDOrNull returns the parameter for an id that may be NULL: NULL for an empty text, else the id. On both engines the
// statement fails with ErrInvalidID when the text is not a UUID in its stored form.
func IDOrNull(id string) driver.Valuer { return nullableID{id} }

type nullableID struct{ id string }

// Value implements driver.Valuer.
func (n nullableID) Value() (driver.Value, error) {
	if n.id == "" {
		return nil, nil
	}
	return n.id, RequireIDs("it", n.id)
}

// UUIDRange returns the smallest and the greatest UUID that begin with a prefix of hexadecimal digits, with or without
// dashes, in any case. It is not ok when the prefix has another character, has no digit, or is longer than a UUID.
func UUIDRange(prefix string) (low, high string, ok bool) {
	const size = 32 // digits of a UUID
	digits := strings.ToLower(strings.ReplaceAll(prefix, "-", ""))
	if digits == "" || len(digits) > size || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", "", false
	}
	missing := size - len(digits)
	return withDashes(digits + strings.Repeat("0", missing)), withDashes(digits + strings.Repeat("f", missing)), true
}

// withDashes writes the 32 digits of a UUID in its stored form.
func withDashes(d string) string {
	return strings.Join([]string{d[:8], d[8:12], d[12:16], d[16:20], d[20:]}, "-")
}
