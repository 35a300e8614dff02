package neutral

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/order"
)

// report is a partner's lab report. Whether it is a correction depends on its content, not on its version.
type report struct {
	Status         textValue     `json:"status"`
	ReportedAt     textValue     `json:"reported_at"`
	CollectedAt    textValue     `json:"collected_at"`
	ReceivedAt     textValue     `json:"received_at"`
	Laboratory     textValue     `json:"laboratory"`
	Interpretation textValue     `json:"interpretation"`
	Results        []result      `json:"results"`
	Missing        []missing     `json:"missing"`
	Patient        testedPatient `json:"patient"`
	PDF            string        `json:"pdf_base64"`
}

// FetchResults implements labs.Lab. A lab report with neither results nor missing markers counts as no results yet.
func (c *Client) FetchResults(ctx context.Context, number string) (labs.FetchedResults, error) {
	if len(c.settings.Methods) == 0 {
		return labs.FetchedResults{}, labs.ErrNotSupported
	}
	a, err := c.callOrder(ctx, number, partnerhttp.Call{Method: http.MethodGet, Path: orderPath(number, "results"),
		MaxAnswerBytes: partnerhttp.MaxReportBytes})
	if err != nil {
		return labs.FetchedResults{}, err
	}
	if a.Status == http.StatusNotFound && errorCode(a) == codeNoResults {
		return labs.FetchedResults{Raw: a.Raw}, nil
	}
	if !a.OK() {
		return labs.FetchedResults{}, answerError(a)
	}
	return readReport(a, c.caller.Now())
}

func readReport(a partnerhttp.Answer, now time.Time) (labs.FetchedResults, error) {
	object, err := partnerhttp.ParseObject(a.Body)
	if err != nil {
		return labs.FetchedResults{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	var r report
	err = json.Unmarshal(partnerhttp.WithoutNullWords(a.Body), &r)
	r.nameByCodes()
	if err != nil || !r.hasNames() {
		return labs.FetchedResults{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	pdf, err := partnerhttp.ReadPDF(r.PDF)
	// The results are not shown without their document.
	if err != nil {
		return labs.FetchedResults{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	reported := labs.FetchedResults{Raw: a.Raw}
	if len(pdf) > 0 {
		reported.PDF = pdf
	}
	if len(r.Results) > 0 || len(r.Missing) > 0 {
		reported.LabReport, reported.Hash = r.toLabReport(now), contentHash(object, pdf)
	}
	return reported, nil
}

// nameByCodes gives results and missing markers without a name their code as the name.
func (r report) nameByCodes() {
	for i, m := range r.Results {
		r.Results[i].Name = cmp.Or(m.Name, m.Code, m.LOINC)
	}
	for i, m := range r.Missing {
		r.Missing[i].Name = cmp.Or(m.Name, m.Code, m.LOINC)
	}
}

// hasNames reports whether every result and every missing marker has a name.
func (r report) hasNames() bool {
	return !slices.ContainsFunc(r.Results, func(m result) bool { return m.Name == "" }) &&
		!slices.ContainsFunc(r.Missing, func(m missing) bool { return m.Name == "" })
}

// toLabReport converts the lab report. An unknown status counts as partial, because completing an order cannot be
// undone and waiting can. Without a readable reported_at it is now. A critical result makes the whole lab report
// critical, whatever the partner states.
func (r report) toLabReport(now time.Time) *order.LabReport {
	out := &order.LabReport{
		Status: "partial", Interpretation: order.Interpretation(r.Interpretation.code()),
		CollectedAt: parseTime(r.CollectedAt),
		ReceivedAt:  parseTime(r.ReceivedAt), ReportedAt: now.UTC().Truncate(time.Microsecond),
		Laboratory: string(r.Laboratory), Patient: r.Patient.who,
	}
	if r.Status.code() == "final" {
		out.Status = "final"
	}
	if at := parseTime(r.ReportedAt); at != nil {
		out.ReportedAt = *at
	}
	worst := order.InterpretationNormal
	for _, m := range r.Results {
		measured := m.toOrderResult()
		out.Results = append(out.Results, measured)
		worst = order.WorseInterpretation(worst, measured.Interpretation)
	}
	for _, m := range r.Missing {
		out.Missing = append(out.Missing, m.toMissingMarker())
	}
	if !out.Interpretation.Valid() || worst == order.InterpretationCritical {
		out.Interpretation = worst
	}
	return out
}

// contentHash returns the hash of everything that makes a later lab report a correction: all but its version and its
// time. The order of results and missing markers does not matter. The PDF counts by its bytes, not by its encoding.
func contentHash(object map[string]any, pdf []byte) string {
	delete(object, "version")
	delete(object, "reported_at")
	object["pdf_base64"] = partnerhttp.SHA256Hex(pdf)
	for _, key := range []string{"results", "missing"} {
		list, _ := object[key].([]any)
		hashes := make([]string, len(list))
		for i, member := range list {
			hashes[i] = partnerhttp.ObjectHash(map[string]any{"": member})
		}
		slices.Sort(hashes)
		object[key] = strings.Join(hashes, " ")
	}
	return partnerhttp.ObjectHash(object)
}

func parseTime(written textValue) *time.Time {
	at, ok := partnerhttp.ParseInstant(string(written))
	if !ok {
		return nil
	}
	return &at
}
