package molecular

import (
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/order"
)

// missing is a test that was ordered and has no observation. MTL documents no such list; it is the simulated lab's.
type missing struct {
	TestName textValue `json:"test_name"`
	LOINC    textValue `json:"loinc"`
	Failure  textValue `json:"failure"`
	Note     textValue `json:"note"`
}

// unknownFailure is the failure type of client-api#17-enums for what the lab does not say.
const unknownFailure = "unknown_failure"

func (m missing) toMissingMarker() order.MissingMarker {
	failure := strings.ToLower(string(m.Failure))
	if !slices.Contains(order.FailureTypes(), failure) {
		failure = unknownFailure
	}
	return order.MissingMarker{Name: string(m.TestName), Slug: partnerhttp.Slug(string(m.TestName)), FailureType: failure,
		Note: optionalText(m.Note), LOINC: optionalText(m.LOINC)}
}

// hasNames reports whether every observation and every missing test has a name.
func (a reportAnswer) hasNames() bool {
	return !slices.ContainsFunc(a.Observations, func(o observation) bool { return o.TestName == "" }) &&
		!slices.ContainsFunc(a.Missing, func(m missing) bool { return m.TestName == "" })
}

// statedInterpretation returns the interpretation that an answer states. It returns false if there is none that is
// known.
func statedInterpretation(written textValue) (order.Interpretation, bool) {
	stated := order.Interpretation(strings.ToLower(string(written)))
	return stated, stated.Valid()
}
