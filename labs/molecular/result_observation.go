package molecular

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/order"
)

// observation is one thing that was measured. Result is a word about it, ResultValue what was found, which may be the word again.
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

// The types of a result in client-api#17-enums.
const (
	typeNumeric = "numeric"
	typeRange   = "range"
	typeComment = "comment"
	typeCoded   = "coded_value"
)

// codedResults are the words whose meaning is known (molecular-api#56-results), with the constant names of
// client-api#biomarkerresult.
var codedResults = map[string]struct {
	name           string
	interpretation order.Interpretation
}{
	"detected":     {"DETECTED", order.InterpretationAbnormal},
	"not detected": {"NOT_DETECTED", order.InterpretationNormal},
}

// toOrderResult is the observation in our own words. A number with a unit or a reference range is a measurement, which its range judges;
// otherwise "Detected" and "Not Detected" are what was found. Any other word is kept verbatim, and its meaning unknown.
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
	number, numeric := partnerhttp.ParseNumber(found)
	measured := numeric && (o.Units != "" || o.ReferenceRange != "")
	switch {
	case known && !measured:
		r.Type, r.Text = typeCoded, word.name
		return r
	case numeric:
		r.Type, r.Text, r.Value = typeNumeric, found, &number
		interpretByRange(&r, number, string(o.ReferenceRange))
	case partnerhttp.IsRange(found):
		r.Type, r.Text = typeRange, found
	default:
		r.Type, r.Text = typeComment, found
	}
	r.SourceFlag = flag
	return r
}

// valueAndFlag is the value, and the lab's word about it where that is something else.
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

// contentHash is over all that decides whether a later report is a correction: the status, the observations in any order, and the
// document, since a lab may correct what only the document says. The lab's count of versions is left out.
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

// joinTexts writes texts so that no two lists of them look the same.
func joinTexts(list ...textValue) string {
	encoded, err := json.Marshal(list)
	if err != nil {
		panic(err) // a list of strings can always be written
	}
	return string(encoded)
}
