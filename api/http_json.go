package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// Errors of bodies that are JSON and are refused all the same; kinds says how callers see them.
var (
	errDuplicateKey    = errors.New("an object has a key twice")
	errNUL             = errors.New("a text has a NUL character")
	errNotUTF8         = errors.New("the body is not UTF-8")
	errNestedTooDeeply = errors.New("the body is nested too deeply")
	errTooManyValues   = errors.New("the body has too many values")
)

// Bounds of a body, far above what any request needs. Decoding costs many times the bytes where there are many small values.
const (
	maxJSONDepth  = 32
	maxJSONValues = 50_000
)

// jsonFormat is how huma reads and writes JSON. It refuses an object that has a key twice, in whatever case: huma validates one of
// the two values, encoding/json may use the other. It also refuses texts with a NUL character, which PostgreSQL does not store, and what
// is not UTF-8: encoding/json would take it, and put another character in the place of what it does not understand.
var jsonFormat = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshalStrict}

// unmarshalStrict is called twice for a body: first to validate it, which is when the value is an *any, and then to use it.
func unmarshalStrict(data []byte, v any) error {
	if err := checkBounds(data, maxJSONValues); err != nil {
		return err
	}
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	if _, validating := v.(*any); !validating {
		return nil
	}
	return checkUnambiguous(data)
}

// checkUnambiguous refuses JSON that has a key twice, or a NUL character. How deep it may be nested has been limited before.
func checkUnambiguous(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return checkNextValue(d)
}

// checkBounds looks at a body, good or bad, without decoding it: it is not nested too deeply, and has at most so many values.
func checkBounds(data []byte, most int) error {
	depth, values := 0, 1
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = endOfText(data, i)
		case '{', '[':
			depth++
			values++
		case '}', ']':
			depth--
		case ',':
			values++
		}
		if depth > maxJSONDepth {
			return errNestedTooDeeply
		}
		if values > most {
			return errTooManyValues
		}
	}
	return nil
}

// endOfText is where the text that begins at a quotation mark ends.
func endOfText(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

// checkNextValue checks the next value.
func checkNextValue(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if text, ok := token.(string); ok && strings.ContainsRune(text, 0) {
		return errNUL
	}
	if _, nested := token.(json.Delim); !nested {
		return nil
	}
	keys := map[string]bool{}
	for d.More() {
		if token == json.Delim('{') {
			if err := readNewKey(d, keys); err != nil {
				return err
			}
		}
		if err := checkNextValue(d); err != nil {
			return err
		}
	}
	_, err = d.Token() // the end of the object or list
	return err
}

// readNewKey reads a key that its object must not have had.
func readNewKey(d *json.Decoder, keys map[string]bool) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	key, _ := token.(string)
	folded := strings.ToLower(strings.ToUpper(key)) // as encoding/json compares keys: by Unicode, so that ſ is s
	if keys[folded] {
		return errDuplicateKey
	}
	keys[folded] = true
	return nil
}
