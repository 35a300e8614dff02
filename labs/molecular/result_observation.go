package molecular

import (
	"regexp"
	"strings"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/labs/quantity"
	"github.com/aliquot-labs/aliquot/order"
)

// observation is one measurement. ResultValue is the value that was found; Result is the lab's word about it, which may
// be the same text.
type observation struct {
	TestName       textValue `json:"test_name"`
	Result         textValue `json:"result"`
	ResultValue    textValue `json:"result_value"`
	SNP            textValue `json:"snp"`
	AssayedAt      textValue `json:"assay_datetime"`
	Units          textValue `json:"units"`
	ReferenceRange textValue `json:"reference_range"`
	LOINC          textValue `json:"loinc"`
	Interpretation textValue `json:"interpretation"` // the simulated lab's; MTL documents none
}

// typeCoded is the type of a result in client-api#17-enums that is a constant.
const typeCoded = "coded_value"

// codedResults maps the words whose meaning is known (molecular-api#56-results) to the constants of
// client-api#biomarkerresult.
var codedResults = map[string]struct {
	name           string
	interpretation order.Interpretation
}{
	"detected":     {"DETECTED", order.InterpretationAbnormal},
	"not detected": {"NOT_DETECTED", order.InterpretationNormal},
}

// toOrderResult converts the observation. A number with a unit or a reference range is a measurement, which its range
// interprets. Without them, "Detected" and "Not Detected" are coded results, whose value is in the notes. Any other
// word is stored verbatim with an unknown interpretation.
func (o observation) toOrderResult() order.Result {
	r := order.Result{
		Name:           string(o.TestName),
		Slug:           partnerhttp.Slug(string(o.TestName)),
		Unit:           optionalText(o.Units),
		ReferenceRange: optionalText(o.ReferenceRange),
		LOINC:          optionalText(o.LOINC),
		Interpretation: order.InterpretationUnknown,
	}
	if at, ok := partnerhttp.ParseInstant(string(o.AssayedAt)); ok {
		r.Timestamp = &at
	}
	word, known := codedResults[strings.ToLower(strings.Join(strings.Fields(string(o.Result)), " "))]
	if known {
		r.Interpretation = word.interpretation
	}
	found, flag := o.valueAndFlag()
	stated, isStated := statedInterpretation(o.Interpretation)
	if isStated {
		r.Interpretation = stated
	}
	reading := quantity.ParseResult(found, string(o.Units))
	measured := reading.Type == quantity.Numeric && (o.Units != "" || o.ReferenceRange != "" || reading.Unit != "")
	if known && !measured {
		r.Type, r.Text = typeCoded, word.name
		if found != string(o.Result) {
			r.Notes = &found
		}
		return r
	}
	r.Type, r.Text, r.Value, r.SourceFlag = reading.Type, reading.Text, reading.Value, flag
	r.Notes = optionalText(textValue(reading.Notes))
	if r.Unit == nil {
		r.Unit = optionalText(textValue(reading.Unit))
	}
	interpretByRange(&r, reading.Found, string(o.ReferenceRange))
	if isStated {
		r.Interpretation = stated
	}
	return r
}

// interpretByRange sets the bounds, and the interpretation of what is known of the value by its reference range. It
// does nothing if the range cannot be parsed. A value within its range that the lab flags is unknown.
func interpretByRange(r *order.Result, found quantity.Interval, written string) {
	unit := ""
	if r.Unit != nil {
		unit = *r.Unit
	}
	normal, ok := quantity.ParseRange(written, unit)
	if !ok {
		return
	}
	r.Min, r.Max = normal.Low, normal.High
	switch judged := normal.Judge(found); {
	case judged == order.InterpretationNormal && abnormalFlag.MatchString(r.SourceFlag):
		r.Interpretation = order.InterpretationUnknown
	case judged != order.InterpretationUnknown:
		r.Interpretation = judged
	}
}

// abnormalFlag matches the lab's words about a value that is not normal.
var abnormalFlag = regexp.MustCompile(`(?i)^\W*(?:h{1,2}|l{1,2}|a{1,2}|\*+|` +
	`.*\b(?:high|low|abnormal|critical|panic|out of range)\b.*)\W*$`)

// valueAndFlag returns the value, and the lab's word about it if the two differ.
func (o observation) valueAndFlag() (value, flag string) {
	if o.ResultValue == "" || o.ResultValue == o.Result {
		return string(o.Result), ""
	}
	return string(o.ResultValue), string(o.Result)
}

func optionalText(t textValue) *string {
	if t == "" {
		return nil
	}
	s := string(t)
	return &s
}
