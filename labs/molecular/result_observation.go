package molecular

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
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
// interprets. Without them, "Detected" and "Not Detected" are coded results, whose value is in the notes. Any other word is
// stored verbatim with an unknown interpretation.
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
	return r
}

// interpretByRange sets the bounds, and the interpretation of what is known of the value by its reference range. It
// does nothing if the range cannot be parsed.
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
	if judged := normal.Judge(found); judged != order.InterpretationUnknown {
		r.Interpretation = judged
	}
}

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

// contentHash returns the hash of everything that makes a later lab report a correction: the status, the observations
// in any order, and the PDF, because a lab may correct the PDF only. The lab's version number is not included.
func (a reportAnswer) contentHash(pdf []byte) string {
	document := sha256.Sum256(pdf)
	lines := make([]string, 0, len(a.Observations))
	for _, o := range a.Observations {
		lines = append(lines, joinTexts(
			o.TestName, o.Result, o.ResultValue, o.SNP, o.AssayedAt, o.Units, o.ReferenceRange, o.LOINC))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(joinTexts(textValue(a.reportStatus()), a.Tempstrip,
		textValue(hex.EncodeToString(document[:]))) + strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// joinTexts encodes texts so that two different lists never have the same encoding.
func joinTexts(list ...textValue) string {
	encoded, err := json.Marshal(list)
	if err != nil {
		panic(err) // a list of strings can always be encoded
	}
	return string(encoded)
}
