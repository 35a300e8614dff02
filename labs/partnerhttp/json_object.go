package partnerhttp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
)

var errNotAnObject = errors.New("not a JSON object")

// ParseObject reads a body that is one JSON object. Of a key that is given twice the last counts. Numbers stay as written.
func ParseObject(body []byte) (map[string]any, error) {
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

// ObjectHash is the SHA-256 of an object, hexadecimal, the same however its keys are ordered and blanks are set. A key that is
// null, an empty text or absent is the same.
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

// JSONHash is the SHA-256 of a value as JSON, whose keys are sorted. Hexadecimal. The value is made of texts, numbers, lists and
// objects: it can always be written.
func JSONHash(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return SHA256Hex(encoded)
}

// SHA256Hex is the SHA-256 of bytes, hexadecimal.
func SHA256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
