package molecular

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/wire"
	"github.com/aliquot-labs/aliquot/order"
)

const laboratory = "Molecular Testing Labs"

// reportAnswer is the answer to the results call. MTL's own form is not documented; this is the simulated lab's, with MTL's
// names of an observation's parts where they are known.
type reportAnswer struct {
	OrderNumber  identifier    `json:"order_number"`
	Status       string        `json:"status"` // final, partial
	PDF          string        `json:"pdf_base64"`
	Tempstrip    text          `json:"tempstrip_status"`
	Observations []observation `json:"observations"`
	verdict
}

func (a reportAnswer) about() string { return string(a.OrderNumber) }

// text is text, or a number as it was written, or nothing.
type text string

// UnmarshalJSON accepts a string, a number or null.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*t = text(strings.TrimSpace(s))
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return wire.ErrUnreadable
	}
	*t = text(n)
	return nil
}

// Results implements labs.Lab. An order that MTL has no report on, or one without observations yet, has no results
// (molecular-api#d32). The report's time is that of the call, since MTL's answer has none.
func (c *Client) Results(ctx context.Context, number string) (labs.Reported, error) {
	path := c.settings.Endpoints.Results
	if path == "" {
		return labs.Reported{}, labs.ErrNotSupported
	}
	a, err := c.calls.Exchange(ctx, wire.Call{Method: http.MethodGet, Path: path, Query: url.Values{"order_number": {number}}, Limit: wire.MaxReport})
	if err != nil {
		return labs.Reported{}, err
	}
	if a.Status == http.StatusNotFound {
		return labs.Reported{Raw: a.Body}, nil
	}
	if !a.OK() {
		return labs.Reported{}, a.Refused()
	}
	return readReport(a, number, c.calls.Now())
}

func readReport(a wire.Answer, number string, now time.Time) (labs.Reported, error) {
	answered, err := decodeOne[reportAnswer](a.Body, number)
	if err != nil {
		return labs.Reported{}, a.Unanswered(err)
	}
	if answered.failed() {
		return labs.Reported{}, &labs.RefusedError{Code: labs.CodeRefused, Raw: a.Body}
	}
	pdf, err := base64.StdEncoding.DecodeString(strings.TrimSpace(answered.PDF))
	if err != nil {
		return labs.Reported{}, a.Unanswered(wire.ErrUnreadable) // rather than to show results without the document they came with
	}
	reported := labs.Reported{Raw: a.Body}
	if len(pdf) > 0 {
		reported.PDF = pdf
	}
	if len(answered.Observations) == 0 {
		return reported, nil
	}
	if slices.ContainsFunc(answered.Observations, func(o observation) bool { return o.TestName == "" }) {
		return labs.Reported{}, a.Unanswered(wire.ErrUnreadable) // nobody could tell what was measured
	}
	reported.Report = answered.report(now)
	reported.Hash = answered.hash(pdf)
	return reported, nil
}

func (a reportAnswer) report(now time.Time) *order.Report {
	r := &order.Report{
		Status:         a.status(),
		Interpretation: order.Normal,
		ReportedAt:     now.UTC().Truncate(time.Microsecond),
		Laboratory:     laboratory,
	}
	for _, o := range a.Observations {
		result := o.result()
		r.Results = append(r.Results, result)
		r.Interpretation = order.Worse(r.Interpretation, result.Interpretation)
	}
	return r
}

// status is final or partial. MTL documents no word for either; one that we do not know is taken for partial, because completing
// an order cannot be undone and waiting can.
func (a reportAnswer) status() string {
	switch strings.ToLower(strings.TrimSpace(a.Status)) {
	case "", "final":
		return "final"
	}
	return "partial"
}
