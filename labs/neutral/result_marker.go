package neutral

import (
	"slices"
	"strconv"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/order"
)

// result is the result of one marker.
type result struct {
	Code           string               `json:"code"`
	Name           string               `json:"name"`
	LOINC          string               `json:"loinc"`
	Type           string               `json:"type"`
	Result         string               `json:"result"`
	Value          *float64             `json:"value"`
	Unit           string               `json:"unit"`
	ReferenceRange string               `json:"reference_range"`
	Min            *float64             `json:"min"`
	Max            *float64             `json:"max"`
	Interpretation order.Interpretation `json:"interpretation"`
	Flag           string               `json:"flag"`
	At             string               `json:"at"`
}

// missing is a marker that was ordered and has no result.
type missing struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	LOINC   string `json:"loinc"`
	Failure string `json:"failure"`
	Note    string `json:"note"`
}

// The types of a result and of a failure in client-api#17-enums.
var (
	resultTypes  = []string{"numeric", "range", "comment", "coded_value"}
	failureTypes = []string{
		"quantity_not_sufficient_failure", "collection_process_failure", "drop_off_failure", "internal_lab_failure",
		"order_entry_failure", "non_failure", "unknown_failure", "patient_condition_failure",
		"missing_result_calc_failure", "missing_demo_aoe_calc_failure", "insufficient_volume",
	}
)

// toOrderResult converts the result. A number may be in the text only. A numeric result without a number, and a result
// of an unknown type, get the type that fits their text. An unknown interpretation becomes "unknown".
func (m result) toOrderResult() order.Result {
	r := order.Result{
		Name: m.Name, Slug: partnerhttp.Slug(m.Name), Value: m.Value, Text: m.Result, Type: m.Type,
		Unit: optionalText(m.Unit), Timestamp: parseTime(m.At),
		ReferenceRange: optionalText(m.ReferenceRange), Min: m.Min, Max: m.Max, Interpretation: m.Interpretation,
		SourceFlag: m.Flag, LOINC: optionalText(m.LOINC), ProviderID: optionalText(m.Code),
	}
	if r.Text == "" && m.Value != nil {
		r.Text = strconv.FormatFloat(*m.Value, 'f', -1, 64)
	}
	if n, ok := partnerhttp.ParseNumber(r.Text); ok && r.Value == nil && r.Type == "numeric" {
		r.Value = &n
	}
	if !slices.Contains(resultTypes, r.Type) || r.Type == "numeric" && r.Value == nil {
		r.Type = resultTypeOf(r)
	}
	if !isKnownInterpretation(r.Interpretation) {
		r.Interpretation = order.InterpretationUnknown
	}
	return r
}

func resultTypeOf(r order.Result) string {
	switch {
	case r.Value != nil:
		return "numeric"
	case partnerhttp.IsRange(r.Text):
		return "range"
	default:
		return "comment"
	}
}

func (m missing) toMissingMarker() order.MissingMarker {
	out := order.MissingMarker{
		Name: m.Name, Slug: partnerhttp.Slug(m.Name), FailureType: m.Failure, Note: optionalText(m.Note),
		LOINC: optionalText(m.LOINC), ProviderID: optionalText(m.Code),
	}
	if !slices.Contains(failureTypes, out.FailureType) {
		out.FailureType = "unknown_failure"
	}
	return out
}

func optionalText(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
