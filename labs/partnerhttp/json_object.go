package partnerhttp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

var errNotAnObject = errors.New("not a JSON object")

// ParseObject decodes a body that is exactly one JSON object, in any encoding that bodytext.Decode reads. If a key
// occurs twice, the last one counts. Numbers stay as they are written (json.Number). A text that is the word null,
// which some partners write for nothing (molecular-api#d23), becomes nil, but never in a person's name: Null is a
// surname.
func ParseObject(body []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(bodytext.Decode("", body).UTF8))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil || object == nil {
		return nil, errNotAnObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotAnObject
	}
	dropNullWords(object)
	return object, nil
}

// WithoutNullWords returns a body as ParseObject reads it, for decoding into a struct. A body that is not one object
// stays as it is.
func WithoutNullWords(body []byte) []byte {
	object, err := ParseObject(body)
	if err != nil {
		return body
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		return body
	}
	return encoded
}

// personKeys are the keys of persons and of their names, in whose values null is a name.
var personKeys = map[string]bool{"patient": true, "first_name": true, "last_name": true, "middle_name": true,
	"full_name": true, "patient_name": true, "receiver_name": true, "contact": true, "physician": true}

// dropNullWords replaces the word null by nil in an object or list and everything in it.
func dropNullWords(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			if personKeys[strings.ToLower(key)] {
				continue
			}
			if text, ok := member.(string); ok && bodytext.IsNullWord(text) {
				v[key] = nil
			}
			dropNullWords(member)
		}
	case []any:
		for i, member := range v {
			if text, ok := member.(string); ok && bodytext.IsNullWord(text) {
				v[i] = nil
			}
			dropNullWords(member)
		}
	}
}

// ObjectHash returns the SHA-256 of an object in hexadecimal. It does not depend on the order of keys or on white
// space. A key that is null or an empty string counts as absent.
func ObjectHash(object map[string]any) string {
	return JSONHash(dropEmpty(object))
}

func dropEmpty(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for key, member := range v {
			if member != nil && member != "" {
				kept[key] = dropEmpty(member)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, member := range v {
			if member != "" {
				kept[i] = dropEmpty(member)
			}
		}
		return kept
	}
	return value
}

// JSONHash returns the SHA-256, in hexadecimal, of a value encoded as JSON with sorted keys. The value consists of
// strings, numbers, lists and objects, which can always be encoded.
func JSONHash(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return SHA256Hex(encoded)
}

// SHA256Hex returns the SHA-256 of b in hexadecimal.
func SHA256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
