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

// failureTypes are the failure types of client-api#17-enums. The first two are the lab's fault.
var failureTypes = []string{
	"internal_lab_failure", "order_entry_failure", "quantity_not_sufficient_failure", "collection_process_failure",
	"drop_off_failure", "non_failure", "unknown_failure", "patient_condition_failure",
	"missing_result_calc_failure", "missing_demo_aoe_calc_failure", "insufficient_volume",
}

// neutralReport is a version of an order's lab report (docs/partners.md#report). A published one is not changed.
type neutralReport struct {
	Status         string          `json:"status"`
	Version        int             `json:"version"`
	ReportedAt     string          `json:"reported_at"`
	CollectedAt    string          `json:"collected_at,omitempty"`
	ReceivedAt     string          `json:"received_at,omitempty"`
	Laboratory     string          `json:"laboratory,omitempty"`
	Interpretation string          `json:"interpretation"`
	Results        []neutralResult `json:"results"`
	Missing        []missingResult `json:"missing,omitempty"`
	// Patient is set by the control endpoint only, because the lab does not store names.
	Patient *reportedPatient `json:"patient,omitempty"`
	PDF     string           `json:"pdf_base64,omitempty"`

	viaControl bool // set by the control endpoint; scripts do not overwrite it
	fetched    bool
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
			o.neutral.report.fetched = true
			o.notifyChange()
			return neutralReply{status: http.StatusOK, answer: o.neutral.report}
		},
	})
}

// generateReport generates the order's results, or a corrected version of them. Results from the control endpoint stay
// unchanged.
func (s *Server) generateReport(o *order, step Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.neutral.report != nil && o.neutral.report.viaControl {
		return
	}
	next := &neutralReport{Results: s.newResults(o, step), Interpretation: step.Interpretation}
	if step.Empty {
		next.Results, next.Interpretation = nil, ""
	}
	if step.Partial && !step.Empty {
		next.Status = statusPartial
		next.Results = next.Results[:(len(next.Results)+1)/2]
	}
	if step.Missing != "" && !step.Empty {
		next.moveLastToMissing(step.Missing)
	}
	s.publishReport(o, next)
}

// newResults generates results. They differ from those of the present lab report if that is final. The caller holds the
// mutex.
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

// changeValue changes a result, differently for every version.
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

// moveLastToMissing replaces the last result by a missing one.
func (r *neutralReport) moveLastToMissing(failure string) {
	last := r.Results[len(r.Results)-1]
	r.Results = r.Results[:len(r.Results)-1]
	r.Missing = []missingResult{{Code: last.Code, Name: last.Name, LOINC: last.LOINC, Failure: failure,
		Note: "Test not performed."}}
}

// publishReport fills in missing parts of a lab report and makes it the order's newest version. The caller holds the
// mutex.
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
	// Only final lab reports have a document.
	if next.PDF == "" && next.Status == statusFinal {
		next.PDF = base64.StdEncoding.EncodeToString(next.document(o).render())
	}
	n.report = next
}

// worstInterpretation returns the most severe interpretation of the results.
func worstInterpretation(results []neutralResult) string {
	rank := 0
	for _, r := range results {
		rank = max(rank, slices.Index(interpretations, r.Interpretation))
	}
	return interpretations[rank]
}
