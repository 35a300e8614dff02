package neutral

import (
	"strings"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/labs/quantity"
)

// textValue is a string without white space around it, or a number or boolean as it was written; null is empty.
type textValue string

// UnmarshalJSON accepts a string, a number, a boolean or null.
func (t *textValue) UnmarshalJSON(data []byte) error {
	text, err := partnerhttp.ReadText(data)
	*t = textValue(strings.TrimSpace(text))
	return err
}

// code returns a word of a fixed list, in small letters.
func (t textValue) code() string { return strings.ToLower(string(t)) }

// number returns the number of a value in a unit, and nil for any other text.
func (t textValue) number(unit string) *float64 {
	return quantity.ParseResult(string(t), unit).Value
}
