package simlab

import (
	"encoding/base64"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	statusFinal   = "final"
	statusPartial = "partial"
)

const laboratoryName = "Simulated Laboratory"

// The failure types of client-api#17-enums. The first two are the lab's fault.
var failureTypes = []string{
	"internal_lab_failure", "order_entry_failure", "quantity_not_sufficient_failure", "collection_process_failure",
	"drop_off_failure",
	"non_failure", "unknown_failure", "patient_condition_failure", "missing_result_calc_failure",
	"missing_demo_aoe_calc_failure",
	"insufficient_volume",
}

// neutralReport is a version of an order's results (docs/partners.md, report). A published one is not changed.
type neutralReport struct {
	Status         string           `json:"status"`
	Version        int              `json:"version"`
	ReportedAt     string           `json:"reported_at"`
	CollectedAt    string           `json:"collected_at,omitempty"`
	ReceivedAt     string           `json:"received_at,omitempty"`
	Laboratory     string           `json:"laboratory,omitempty"`
	Interpretation string           `json:"interpretation"`
	Results        []neutralResult  `json:"results"`
	Missing        []missingResult  `json:"missing,omitempty"`
	Patient        *reportedPatient `json:"patient,omitempty"` // only when put by hand: the lab keeps nobody's name
	PDF            string           `json:"pdf_base64,omitempty"`

	viaControl bool // put through the control endpoint: no script overwrites it
}

type neutralResult struct {
	Code           string   `json:"code"`
	Name           string   `json:"name"`
	LOINC          string   `json:"loinc,omitempty"`
	Type           string   `json:"type"`
	Result         string   `json:"result"`
	Value          *float64 `json:"value,omitempty"`
	Unit           string   `json:"unit,omitempty"`
	ReferenceRange string   `json:"reference_range,omitempty"`
	Min            *float64 `json:"min,omitempty"`
	Max            *float64 `json:"max,omitempty"`
	Interpretation string   `json:"interpretation"`
	Flag           string   `json:"flag,omitempty"`
	At             string   `json:"at,omitempty"`
}

type missingResult struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	LOINC   string `json:"loinc,omitempty"`
	Failure string `json:"failure"`
	Note    string `json:"note,omitempty"`
}

type reportedPatient struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	DOB       string `json:"dob"`
}

// handleNeutralResults is GET /neutral/orders/{number}/results.
func (s *Server) handleNeutralResults(c *neutralCall) {
	s.respond(c, neutralExchange{
		operation: opResults,
		run: func() neutralReply {
			o := s.orders.byNumber[c.number()]
			switch {
			case o == nil || o.neutral == nil:
				return refusedReply(codeUnknownOrder, "there is no order with this number")
			case o.neutral.report == nil:
				return refusedReply(codeNoResults, "results are not ready")
			}
			c.record.setResultsVersion(o.neutral.report.Version)
			return neutralReply{status: http.StatusOK, answer: o.neutral.report}
		},
	})
}

// generateReport makes results exist, or corrects those that exist already. Results put by hand stand.
func (s *Server) generateReport(o *order, step Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.neutral.report != nil && o.neutral.report.viaControl {
		return
	}
	next := &neutralReport{Results: s.newResults(o, step)}
	switch {
	case step.Empty:
		next.Results = nil
	case step.Partial:
		next.Status = statusPartial
		next.Results = next.Results[:(len(next.Results)+1)/2]
	case step.Missing != "":
		next.moveLastToMissing(step.Missing)
	}
	s.publishReport(o, next)
}

// newResults returns generated results: other ones than before if the order had final results. The caller holds the mutex.
func (s *Server) newResults(o *order, step Step) []neutralResult {
	results := generateNeutralResults(o.number, o.neutral.tests, step.Interpretation,
		s.cfg.Now().UTC().Format(stampFormat))
	for i := range results {
		if n := len(step.ResultTypes); n > 0 {
			results[i] = results[i].convertTo(step.ResultTypes[i%n])
		}
	}
	if before := o.neutral.report; before != nil && before.Status == statusFinal {
		results[0].changeValue(before.Version)
	}
	return results
}

// changeValue changes a result, differently for each version that is corrected.
func (r *neutralResult) changeValue(version int) {
	switch r.Type {
	case typeNumeric:
		_, decimals, _ := strings.Cut(r.Result, ".")
		r.setValue(*r.Value+float64(version)*math.Pow10(-len(decimals)), len(decimals))
	case typeCoded:
		if version%2 == 1 {
			r.Result = map[string]string{"DETECTED": "NOT_DETECTED", "NOT_DETECTED": "DETECTED"}[r.Result]
		}
	default:
		r.Flag = "C" + strconv.Itoa(version)
	}
}

// moveLastToMissing lets the last result be missing.
func (r *neutralReport) moveLastToMissing(failure string) {
	last := r.Results[len(r.Results)-1]
	r.Results = r.Results[:len(r.Results)-1]
	r.Missing = []missingResult{{Code: last.Code, Name: last.Name, LOINC: last.LOINC, Failure: failure,
		Note: "Test not performed."}}
}

// publishReport completes a report and makes it the order's newest version. The caller holds the mutex.
func (s *Server) publishReport(o *order, next *neutralReport) {
	n := o.neutral
	if next.Version == 0 {
		next.Version = 1
		if n.report != nil {
			next.Version = n.report.Version + 1
		}
	}
	if next.Status == "" {
		next.Status = statusFinal
	}
	if next.Laboratory == "" {
		next.Laboratory = laboratoryName
	}
	if next.ReportedAt == "" {
		next.ReportedAt = s.cfg.Now().UTC().Format(stampFormat)
	}
	if next.CollectedAt == "" && !n.collectedAt.IsZero() {
		next.CollectedAt = n.collectedAt.UTC().Format(stampFormat)
	}
	if next.ReceivedAt == "" && !n.receivedAt.IsZero() {
		next.ReceivedAt = n.receivedAt.UTC().Format(stampFormat)
	}
	if next.Interpretation == "" {
		next.Interpretation = worstInterpretation(next.Results)
	}
	if next.Results == nil {
		next.Results = []neutralResult{}
	}
	if next.PDF == "" && next.Status == statusFinal { // the lab prints final reports only
		next.PDF = base64.StdEncoding.EncodeToString(reportPDF(o.number, n.accession, next.Version))
	}
	n.report = next
}

// worstInterpretation is the interpretation of the whole: that of the result that is furthest from normal.
func worstInterpretation(results []neutralResult) string {
	rank := 0
	for _, r := range results {
		rank = max(rank, slices.Index(interpretations, r.Interpretation))
	}
	return interpretations[rank]
}
