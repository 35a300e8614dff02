package molecular

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
)

var errNotAnObject = errors.New("not a JSON object")

// parseObject reads a body that is one JSON object. Of a key that is given twice the last counts. Numbers stay as written.
func parseObject(body []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil || object == nil {
		return nil, errNotAnObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotAnObject
	}
	return object, nil
}

// canonicalHash is the SHA-256 of an object, the same however its keys are ordered and blanks are set. A key that is null, an
// empty text or absent is the same (D12).
func canonicalHash(object map[string]any) string {
	encoded, err := json.Marshal(withoutEmpty(object)) // sorts the keys
	if err != nil {
		panic(err) // what was read from JSON can be written as JSON
	}
	return hashOf(encoded)
}

func withoutEmpty(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for key, member := range v {
			if member != nil && member != "" {
				kept[key] = withoutEmpty(member)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, member := range v {
			if member != "" {
				kept[i] = withoutEmpty(member)
			}
		}
		return kept
	}
	return value
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// instant reads a time of RFC 3339 in any zone and precision, blanks around it ignored, as UTC in microseconds. A time without a
// zone is no instant, nor is one in a year that cannot be written again with four digits.
func instant(written string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(written))
	at = at.UTC().Truncate(time.Microsecond)
	if err != nil || at.IsZero() || at.Year() < 0 || at.Year() > 9999 {
		return time.Time{}, false
	}
	return at, true
}
