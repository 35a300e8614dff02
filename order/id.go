package order

import "github.com/google/uuid"

// idLength is the length of an id in characters.
const idLength = 36

// ParseID returns an id in the form in which ids are stored and compared: the 36 characters of a UUID, in lower case.
// It accepts both cases of letters. ok is false for any other text, also for the other forms in which UUIDs are
// written: in braces, with the prefix urn:uuid:, without hyphens. Every id that enters Aliquot is parsed where it
// enters, so that both engines of the store answer alike.
func ParseID(text string) (id string, ok bool) {
	if len(text) != idLength {
		return "", false
	}
	parsed, err := uuid.Parse(text)
	if err != nil {
		return "", false
	}
	return parsed.String(), true
}

// IsID reports whether a text is an id in the form in which ids are stored.
func IsID(text string) bool {
	id, ok := ParseID(text)
	return ok && id == text
}
