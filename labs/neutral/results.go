package neutral

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/wire"
	"github.com/aliquot-labs/aliquot/order"
)

// report is a partner's report. Its version only tells a partner's reports apart: what decides about a correction is the content.
type report struct {
	Status         string               `json:"status"`
	ReportedAt     string               `json:"reported_at"`
	CollectedAt    string               `json:"collected_at"`
	ReceivedAt     string               `json:"received_at"`
	Laboratory     string               `json:"laboratory"`
	Interpretation order.Interpretation `json:"interpretation"`
	Results        []result             `json:"results"`
	Missing        []missing            `json:"missing"`
	Patient        *order.Tested        `json:"patient"`
	PDF            string               `json:"pdf_base64"`
}

// Results implements labs.Lab. A report with neither results nor anything missing is none yet.
func (c *Client) Results(ctx context.Context, number string) (labs.Reported, error) {
	if len(c.settings.Methods) == 0 {
		return labs.Reported{}, labs.ErrNotSupported
	}
	a, err := c.about(ctx, number, wire.Call{Method: http.MethodGet, Path: orderPath(number, "results"), Limit: wire.MaxReport})
	if err != nil {
		return labs.Reported{}, err
	}
	if a.Status == http.StatusNotFound && codeOf(a) == codeNoResults {
		return labs.Reported{Raw: a.Body}, nil
	}
	if !a.OK() {
		return labs.Reported{}, failed(a)
	}
	return readReport(a, c.calls.Now())
}

func readReport(a wire.Answer, now time.Time) (labs.Reported, error) {
	object, err := wire.ParseObject(a.Body)
	if err != nil {
		return labs.Reported{}, a.Unanswered(wire.ErrUnreadable)
	}
	var r report
	if err := json.Unmarshal(a.Body, &r); err != nil || !r.named() {
		return labs.Reported{}, a.Unanswered(wire.ErrUnreadable)
	}
	pdf, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.PDF))
	if err != nil { // rather than to show results without the document that they came with
		return labs.Reported{}, a.Unanswered(wire.ErrUnreadable)
	}
	reported := labs.Reported{Raw: a.Body}
	if len(pdf) > 0 {
		reported.PDF = pdf
	}
	if len(r.Results) > 0 || len(r.Missing) > 0 {
		reported.Report, reported.Hash = r.port(now), contentHash(object, pdf)
	}
	return reported, nil
}

// named reports whether it can be told of everything what it is.
func (r report) named() bool {
	return !slices.ContainsFunc(r.Results, func(m result) bool { return m.Name == "" }) &&
		!slices.ContainsFunc(r.Missing, func(m missing) bool { return m.Name == "" })
}

// port is the report in our own words. A status that is not known is taken for partial, because completing an order cannot be
// undone and waiting can. A report without a time was made when it was read.
func (r report) port(now time.Time) *order.Report {
	out := &order.Report{
		Status: "partial", Interpretation: r.Interpretation, CollectedAt: moment(r.CollectedAt), ReceivedAt: moment(r.ReceivedAt),
		ReportedAt: now.UTC().Truncate(time.Microsecond), Laboratory: r.Laboratory, Patient: r.Patient,
	}
	if r.Status == "final" {
		out.Status = r.Status
	}
	if at := moment(r.ReportedAt); at != nil {
		out.ReportedAt = *at
	}
	worst := order.Normal
	for _, m := range r.Results {
		measured := m.port()
		out.Results = append(out.Results, measured)
		worst = order.Worse(worst, measured.Interpretation)
	}
	for _, m := range r.Missing {
		out.Missing = append(out.Missing, m.port())
	}
	if !known(out.Interpretation) || worst == order.Critical { // which whoever called the whole better must not hide
		out.Interpretation = worst
	}
	return out
}

// contentHash is over all that decides whether a later report is a correction: everything but its version and when it was made.
// Results, and what is missing, may come in any order. The document counts by what it is, however it is written.
func contentHash(object map[string]any, pdf []byte) string {
	delete(object, "version")
	delete(object, "reported_at")
	object["pdf_base64"] = wire.Sum(pdf)
	for _, key := range []string{"results", "missing"} {
		list, _ := object[key].([]any)
		hashes := make([]string, len(list))
		for i, member := range list {
			hashes[i] = wire.CanonicalHash(map[string]any{"": member})
		}
		slices.Sort(hashes)
		object[key] = strings.Join(hashes, " ")
	}
	return wire.CanonicalHash(object)
}

func moment(written string) *time.Time {
	at, ok := wire.Instant(written)
	if !ok {
		return nil
	}
	return &at
}

func known(i order.Interpretation) bool {
	return i == order.Normal || i == order.Abnormal || i == order.Critical || i == order.UnknownInterpretation
}
