package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// Errors of bodies that encoding/json would accept and the API refuses. problemTypes maps them to problems.
var (
	errDuplicateKey    = errors.New("an object has a key twice")
	errNUL             = errors.New("a text has a NUL character")
	errNotUTF8         = errors.New("the body is not UTF-8")
	errWide            = errors.New("the body is UTF-16 or UTF-32")
	errNestedTooDeeply = errors.New("the body is nested too deeply")
	errTooManyValues   = errors.New("the body has too many values")
	errHalfCharacter   = errors.New("a text has half of a surrogate pair")
)

// Limits of a JSON body, far above what any request needs. Many small values take many times their bytes when decoded.
const (
	maxJSONDepth  = 32
	maxJSONValues = 50_000
)

// jsonFormat is how huma reads and writes JSON. It refuses an object that has a key twice, in any case of letters: huma
// validates one of the two values, encoding/json may use the other. It also refuses texts with a NUL character, which
// PostgreSQL does not store, and texts that encoding/json would change silently: bodies that are not UTF-8, and escapes
// of half a surrogate pair. Whole numbers may be written as decimal fractions, such as 75000.0.
var jsonFormat = huma.Format{Marshal: writeAnswer, Unmarshal: unmarshalStrict}

// unmarshalStrict decodes JSON and refuses what jsonFormat describes. huma calls it twice for a body: first with an
// *any to validate it, then with the body's type. Duplicate keys, NUL characters and half characters are looked for in
// the first call only.
func unmarshalStrict(data []byte, v any) error {
	if err := checkBounds(data, maxJSONValues); err != nil {
		return err
	}
	if bodytext.WideEncoding(data) != "" {
		return errWide
	}
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	data = bodytext.WithoutMark(data)
	if _, validating := v.(*any); !validating {
		return json.Unmarshal(writeWholeNumbersAsIntegers(data), v)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	return checkUnambiguous(data)
}

// checkUnambiguous refuses valid JSON with a duplicate key, a NUL character or half a character. checkBounds has
// limited its depth before.
func checkUnambiguous(data []byte) error {
	if hasHalfCharacter(data) {
		return errHalfCharacter
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return checkNextValue(d)
}

// checkBounds refuses a body that is nested too deeply or has more than maxValues values. It does not decode the body,
// which need not be valid JSON.
func checkBounds(data []byte, maxValues int) error {
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
		if values > maxValues {
			return errTooManyValues
		}
	}
	return nil
}

// endOfText returns the index of the quotation mark that ends the string that begins at index i.
func endOfText(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

// checkNextValue reads the next value of d, with all values in it, and checks it for duplicate keys and NUL characters.
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

// readNewKey reads the next key of an object and adds it to keys. It refuses a key that keys holds.
func readNewKey(d *json.Decoder, keys map[string]bool) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	key, _ := token.(string)
	folded := strings.ToLower(strings.ToUpper(key)) // as encoding/json compares keys: by Unicode, so that ſ equals s
	if keys[folded] {
		return errDuplicateKey
	}
	keys[folded] = true
	return nil
}
