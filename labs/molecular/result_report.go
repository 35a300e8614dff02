package molecular

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/order"
)

const laboratory = "Molecular Testing Labs"

// reportAnswer is the answer to the results call. MTL does not document it. This is the simulated lab's format, with
// MTL's names for the parts of an observation where they are known.
type reportAnswer struct {
	OrderNumber    identifier    `json:"order_number"`
	Status         textValue     `json:"status"` // final, partial
	Interpretation textValue     `json:"interpretation"`
	PDF            string        `json:"pdf_base64"`
	Tempstrip      textValue     `json:"tempstrip_status"`
	Observations   []observation `json:"observations"`
	Missing        []missing     `json:"missing"`
	successFields
}

func (a reportAnswer) orderNumber() string { return string(a.OrderNumber) }

// textValue is a string, or a number or boolean as it was written. It is empty for the forms of nothing (see
// textOrEmpty).
type textValue string

// UnmarshalJSON accepts a string, a number, a boolean or null.
func (t *textValue) UnmarshalJSON(data []byte) error {
	text, err := partnerhttp.ReadText(data)
	*t = textValue(textOrEmpty(text))
	return err
}

// FetchResults implements labs.Lab. There are no results if MTL answers 404 or has no observations yet
// (molecular-api#d32). The lab report's time is that of the call, since MTL's answer has no time.
func (c *Client) FetchResults(ctx context.Context, number string) (labs.FetchedResults, error) {
	path := c.settings.Endpoints.Results
	if path == "" {
		return labs.FetchedResults{}, labs.ErrNotSupported
	}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodGet, Path: path,
		Query: url.Values{"order_number": {number}}, MaxAnswerBytes: partnerhttp.MaxReportBytes})
	if err != nil {
		return labs.FetchedResults{}, err
	}
	if isNothingYet(a, number) {
		return labs.FetchedResults{Raw: a.Raw}, nil
	}
	if !a.OK() {
		return labs.FetchedResults{}, errorOf(a, number)
	}
	return readReport(a, number, c.caller.Now())
}

func readReport(a partnerhttp.Answer, number string, now time.Time) (labs.FetchedResults, error) {
	answered, err := decodeOrderAnswer[reportAnswer](a.Body, number)
	if err != nil {
		return labs.FetchedResults{}, a.UnansweredError(err)
	}
	if answered.isFailure() {
		return labs.FetchedResults{}, &labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: a.Raw}
	}
	pdf, err := partnerhttp.ReadPDF(answered.PDF)
	if err != nil {
		// The results are not shown without their document.
		return labs.FetchedResults{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	reported := labs.FetchedResults{Raw: a.Raw}
	if len(pdf) > 0 {
		reported.PDF = pdf
	}
	if len(answered.Observations) == 0 && len(answered.Missing) == 0 {
		return reported, nil
	}
	for i, o := range answered.Observations {
		answered.Observations[i].TestName = cmp.Or(o.TestName, o.SNP, o.LOINC)
	}
	if !answered.hasNames() { // an observation without a name is useless
		return labs.FetchedResults{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	reported.LabReport = answered.toLabReport(now)
	reported.Hash = answered.contentHash(pdf)
	return reported, nil
}

func (a reportAnswer) toLabReport(now time.Time) *order.LabReport {
	r := &order.LabReport{
		Status:         a.reportStatus(),
		Interpretation: order.InterpretationNormal,
		ReportedAt:     now.UTC().Truncate(time.Microsecond),
		Laboratory:     laboratory,
	}
	for _, o := range a.Observations {
		result := o.toOrderResult()
		r.Results = append(r.Results, result)
		r.Interpretation = order.WorseInterpretation(r.Interpretation, result.Interpretation)
	}
	for _, m := range a.Missing {
		r.Missing = append(r.Missing, m.toMissingMarker())
	}
	if stated, ok := statedInterpretation(a.Interpretation); ok && r.Interpretation != order.InterpretationCritical {
		r.Interpretation = stated
	}
	return r
}

// reportStatus returns final or partial. MTL documents no values. An unknown value counts as partial, because
// completing an order cannot be undone and waiting can.
func (a reportAnswer) reportStatus() string {
	switch strings.ToLower(string(a.Status)) {
	case "", "final":
		return "final"
	}
	return "partial"
}
