package neutral

import (
	"slices"
	"strconv"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/labs/quantity"
	"github.com/aliquot-labs/aliquot/order"
)

// result is the result of one marker.
type result struct {
	Code           textValue `json:"code"`
	Name           textValue `json:"name"`
	LOINC          textValue `json:"loinc"`
	Type           textValue `json:"type"`
	Result         textValue `json:"result"`
	Value          textValue `json:"value"`
	Unit           textValue `json:"unit"`
	ReferenceRange textValue `json:"reference_range"`
	Min            textValue `json:"min"`
	Max            textValue `json:"max"`
	Interpretation textValue `json:"interpretation"`
	Flag           textValue `json:"flag"`
	At             textValue `json:"at"`
}

// missing is a marker that was ordered and has no result.
type missing struct {
	Code    textValue `json:"code"`
	Name    textValue `json:"name"`
	LOINC   textValue `json:"loinc"`
	Failure textValue `json:"failure"`
	Note    textValue `json:"note"`
}

// typeCoded is the type of a result in client-api#17-enums that is a constant.
const typeCoded = "coded_value"

// toOrderResult converts the result. A comment and a coded value keep the type that the partner states; any other
// result gets the type that fits its text. A number may be in the text only. A result without an interpretation is
// judged by its bounds; an interpretation that is none of the four becomes "unknown".
func (m result) toOrderResult() order.Result {
	r := order.Result{
		Name: string(m.Name), Slug: partnerhttp.Slug(string(m.Name)), Unit: optionalText(m.Unit),
		Timestamp: parseTime(m.At), ReferenceRange: optionalText(m.ReferenceRange), SourceFlag: string(m.Flag),
		LOINC: optionalText(m.LOINC), ProviderID: optionalText(m.Code),
	}
	found := m.readValue(&r)
	normal, ok := m.normalRange(r.Unit)
	r.Min, r.Max = normal.Low, normal.High
	r.Interpretation = order.Interpretation(m.Interpretation.code())
	switch {
	case r.Interpretation.Valid():
	case m.Interpretation == "" && ok:
		r.Interpretation = m.judge(normal, found)
	default:
		r.Interpretation = order.InterpretationUnknown
	}
	return r
}

// readValue sets the type, the text and the value of the result, and returns what is known of the value.
func (m result) readValue(r *order.Result) quantity.Interval {
	value := m.Value.number(string(m.Unit))
	written := m.Result
	if written == "" {
		written = m.Value
	}
	if kind := m.Type.code(); kind == quantity.Comment || kind == typeCoded {
		r.Type, r.Text, r.Value = kind, string(written), value
		return quantity.Interval{}
	}
	reading := quantity.ParseResult(string(written), string(m.Unit))
	if value != nil && reading.Type != quantity.Range {
		reading = m.readNumber(reading, *value)
	}
	r.Type, r.Text, r.Value, r.Notes = reading.Type, reading.Text, reading.Value, optionalText(textValue(reading.Notes))
	if r.Unit == nil {
		r.Unit = optionalText(textValue(reading.Unit))
	}
	return reading.Found
}

// readNumber returns the reading of a result that has its number in the value. A text that is no number is a note. If
// the text is another number, the result is known to be one of the two or between them.
func (m result) readNumber(reading quantity.Reading, value float64) quantity.Reading {
	found := quantity.Point(value)
	if reading.Value != nil {
		low, high := min(*reading.Value, value), max(*reading.Value, value)
		found = quantity.Interval{Low: &low, High: &high}
	}
	if reading.Type != quantity.Numeric {
		reading = quantity.Reading{Type: quantity.Numeric, Text: strconv.FormatFloat(value, 'f', -1, 64),
			Notes: string(m.Result)}
	}
	if m.Result == "" {
		reading.Text = strconv.FormatFloat(value, 'f', -1, 64)
	}
	reading.Value, reading.Found = &value, found
	return reading
}

// normalFlags are the flags of a result that may be normal.
var normalFlags = []string{"", "n", "normal"}

// judge returns the interpretation of what is known of a value. A value within its bounds that the partner flags is
// unknown.
func (m result) judge(normal, found quantity.Interval) order.Interpretation {
	judged := normal.Judge(found)
	if judged == order.InterpretationNormal && !slices.Contains(normalFlags, m.Flag.code()) {
		return order.InterpretationUnknown
	}
	return judged
}

func (m missing) toMissingMarker() order.MissingMarker {
	out := order.MissingMarker{
		Name: string(m.Name), Slug: partnerhttp.Slug(string(m.Name)), FailureType: m.Failure.code(),
		Note:  optionalText(m.Note),
		LOINC: optionalText(m.LOINC), ProviderID: optionalText(m.Code),
	}
	if !slices.Contains(order.FailureTypes(), out.FailureType) {
		out.FailureType = "unknown_failure"
	}
	return out
}

func optionalText(text textValue) *string {
	if text == "" {
		return nil
	}
	s := string(text)
	return &s
}
