package molecular

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/labs/wire"
	"github.com/aliquot-labs/aliquot/order"
)

// observation is one thing that was measured. Result is a word about it, ResultValue what was found, which may be the word again.
type observation struct {
	TestName       text `json:"test_name"`
	Result         text `json:"result"`
	ResultValue    text `json:"result_value"`
	SNP            text `json:"snp"`
	AssayedAt      text `json:"assay_datetime"`
	Units          text `json:"units"`
	ReferenceRange text `json:"reference_range"`
	LOINC          text `json:"loinc"`
}

// The types of a result in client-api#17-enums.
const (
	typeNumeric = "numeric"
	typeRange   = "range"
	typeComment = "comment"
	typeCoded   = "coded_value"
)

// coded are the words whose meaning is known (molecular-api#56-results), with the constant names of
// client-api#biomarkerresult.
var coded = map[string]struct {
	name           string
	interpretation order.Interpretation
}{
	"detected":     {"DETECTED", order.Abnormal},
	"not detected": {"NOT_DETECTED", order.Normal},
}

// result is the observation in our own words. A number with a unit or a reference range is a measurement, which its range judges;
// otherwise "Detected" and "Not Detected" are what was found. Any other word is kept verbatim, and its meaning unknown.
func (o observation) result() order.Result {
	r := order.Result{
		Name:           string(o.TestName),
		Slug:           wire.Slug(string(o.TestName)),
		Unit:           optional(o.Units),
		ReferenceRange: optional(o.ReferenceRange),
		LOINC:          optional(o.LOINC),
		Interpretation: order.UnknownInterpretation,
	}
	if at, ok := wire.Instant(string(o.AssayedAt)); ok {
		r.At = &at
	}
	word, known := coded[strings.ToLower(strings.Join(strings.Fields(string(o.Result)), " "))]
	if known {
		r.Interpretation = word.interpretation
	}
	found, flag := o.found()
	number, numeric := wire.Number(found)
	measured := numeric && (o.Units != "" || o.ReferenceRange != "")
	switch {
	case known && !measured:
		r.Type, r.Text = typeCoded, word.name
		return r
	case numeric:
		r.Type, r.Text, r.Value = typeNumeric, found, &number
		judge(&r, number, string(o.ReferenceRange))
	case wire.IsRange(found):
		r.Type, r.Text = typeRange, found
	default:
		r.Type, r.Text = typeComment, found
	}
	r.SourceFlag = flag
	return r
}

// found is the value, and the lab's word about it where that is something else.
func (o observation) found() (value, flag string) {
	if o.ResultValue == "" || o.ResultValue == o.Result {
		return string(o.Result), ""
	}
	return string(o.ResultValue), string(o.Result)
}

func optional(t text) *string {
	if t == "" {
		return nil
	}
	s := string(t)
	return &s
}

// hash is over all that decides whether a later report is a correction: the status, the observations in any order, and the
// document, since a lab may correct what only the document says. The lab's count of versions is left out.
func (a reportAnswer) hash(pdf []byte) string {
	document := sha256.Sum256(pdf)
	lines := make([]string, 0, len(a.Observations))
	for _, o := range a.Observations {
		lines = append(lines, fields(
			o.TestName, o.Result, o.ResultValue, o.SNP, o.AssayedAt, o.Units, o.ReferenceRange, o.LOINC))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(fields(text(a.status()), a.Tempstrip, text(hex.EncodeToString(document[:]))) + strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// fields writes texts so that no two lists of them look the same.
func fields(list ...text) string {
	encoded, err := json.Marshal(list)
	if err != nil {
		panic(err) // a list of strings can always be written
	}
	return string(encoded)
}
