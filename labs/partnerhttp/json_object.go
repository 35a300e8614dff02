package partnerhttp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

var errNotAnObject = errors.New("not a JSON object")

// ParseObject decodes a body that is exactly one JSON object, in any encoding that bodytext.Decode reads. If a key
// occurs twice, the last one counts. Numbers stay as they are written (json.Number).
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
	return object, nil
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
