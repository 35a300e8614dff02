package neutral

import (
	"encoding/json"
	"strings"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/labs/quantity"
)

// textValue is a string without white space around it, or a number or boolean as it was written; null is empty.
type textValue string

// UnmarshalJSON accepts a string, a number, a boolean or null.
func (t *textValue) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*t = textValue(strings.TrimSpace(s))
		return nil
	}
	var b bool
	if err := json.Unmarshal(data, &b); err == nil {
		*t = textValue(data)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return partnerhttp.ErrUnreadable
	}
	*t = textValue(n)
	return nil
}

// code returns a word of a fixed list, in small letters.
func (t textValue) code() string { return strings.ToLower(string(t)) }

// number returns the number of a value in a unit, and nil for any other text.
func (t textValue) number(unit string) *float64 {
	return quantity.ParseResult(string(t), unit).Value
}
