package neutral

import (
	"slices"
	"strconv"

	"github.com/aliquot-labs/aliquot/labs/wire"
	"github.com/aliquot-labs/aliquot/order"
)

// result is one measured marker.
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

// missing is a marker that was expected and not reported.
type missing struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	LOINC   string `json:"loinc"`
	Failure string `json:"failure"`
	Note    string `json:"note"`
}

// The types of a result and of a failure in client-api#17-enums.
var (
	types    = []string{"numeric", "range", "comment", "coded_value"}
	failures = []string{
		"quantity_not_sufficient_failure", "collection_process_failure", "drop_off_failure", "internal_lab_failure", "order_entry_failure",
		"non_failure", "unknown_failure", "patient_condition_failure", "missing_result_calc_failure", "missing_demo_aoe_calc_failure",
		"insufficient_volume",
	}
)

// port is the result in our own words. A number may stand in the text alone. What is called numeric and is no number is what its text
// looks like, and so is what has a type that is not known.
func (m result) port() order.Result {
	r := order.Result{
		Name: m.Name, Slug: wire.Slug(m.Name), Value: m.Value, Text: m.Result, Type: m.Type, Unit: optional(m.Unit), At: moment(m.At),
		ReferenceRange: optional(m.ReferenceRange), Min: m.Min, Max: m.Max, Interpretation: m.Interpretation, SourceFlag: m.Flag,
		LOINC: optional(m.LOINC), ProviderID: optional(m.Code),
	}
	if r.Text == "" && m.Value != nil {
		r.Text = strconv.FormatFloat(*m.Value, 'f', -1, 64)
	}
	if n, ok := wire.Number(r.Text); ok && r.Value == nil && r.Type == "numeric" {
		r.Value = &n
	}
	if !slices.Contains(types, r.Type) || r.Type == "numeric" && r.Value == nil {
		r.Type = typeOf(r)
	}
	if !known(r.Interpretation) {
		r.Interpretation = order.UnknownInterpretation
	}
	return r
}

func typeOf(r order.Result) string {
	switch {
	case r.Value != nil:
		return "numeric"
	case wire.IsRange(r.Text):
		return "range"
	default:
		return "comment"
	}
}

func (m missing) port() order.Missing {
	out := order.Missing{
		Name: m.Name, Slug: wire.Slug(m.Name), FailureType: m.Failure, Note: optional(m.Note), LOINC: optional(m.LOINC), ProviderID: optional(m.Code),
	}
	if !slices.Contains(failures, out.FailureType) {
		out.FailureType = "unknown_failure"
	}
	return out
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
