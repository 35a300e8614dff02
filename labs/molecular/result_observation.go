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

// The types of a result in client-api#17-enums.
const (
	typeNumeric = "numeric"
	typeRange   = "range"
	typeComment = "comment"
	typeCoded   = "coded_value"
)

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
// interprets. Without them, "Detected" and "Not Detected" are coded results. Any other word is stored verbatim with an
// unknown interpretation.
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
