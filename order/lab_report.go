package order

import "time"

// Interpretation rates a whole lab report or one result.
type Interpretation string

// The interpretations of client-api#17-enums.
const (
	InterpretationNormal   Interpretation = "normal"
	InterpretationAbnormal Interpretation = "abnormal"
	InterpretationCritical Interpretation = "critical"
	InterpretationUnknown  Interpretation = "unknown"
)

// WorseInterpretation returns the interpretation of a lab report with results of both interpretations. One unknown
// result is enough for the report not to be normal.
func WorseInterpretation(a, b Interpretation) Interpretation {
	for _, i := range []Interpretation{InterpretationCritical, InterpretationAbnormal, InterpretationUnknown} {
		if a == i || b == i {
			return i
		}
	}
	return InterpretationNormal
}

// LabReport is one version of an order's results, decoded from the lab's answer.
type LabReport struct {
	Status         string          `json:"status"` // final, partial
	Interpretation Interpretation  `json:"interpretation"`
	CollectedAt    *time.Time      `json:"collected_at,omitempty"`
	ReceivedAt     *time.Time      `json:"received_at,omitempty"`
	ReportedAt     time.Time       `json:"reported_at"`
	Laboratory     string          `json:"laboratory,omitempty"`
	Results        []Result        `json:"results"`
	Missing        []MissingMarker `json:"missing,omitempty"`
	Patient        *TestedPatient  `json:"patient,omitempty"` // nil: the lab did not say
}

// TestedPatient is the patient as the lab names it.
type TestedPatient struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	DOB       string `json:"dob"` // YYYY-MM-DD, as sent
}

// isLabFault reports whether a marker is missing through the lab's fault, so that the sample may be drawn again
// (order-lifecycle#redraw).
func (m MissingMarker) isLabFault() bool {
	return m.FailureType == "internal_lab_failure" || m.FailureType == "order_entry_failure"
}

// MissingByLabFault returns the markers that are missing through the lab's fault.
func (r LabReport) MissingByLabFault() []MissingMarker {
	var out []MissingMarker
	for _, m := range r.Missing {
		if m.isLabFault() {
			out = append(out, m)
		}
	}
	return out
}

// Result is one measured marker.
type Result struct {
	Name           string         `json:"name"`
	Slug           string         `json:"slug"`
	Value          *float64       `json:"value,omitempty"` // set for numeric results
	Text           string         `json:"result"`
	Type           string         `json:"type"` // numeric, range, comment, coded_value
	Unit           *string        `json:"unit,omitempty"`
	Timestamp      *time.Time     `json:"timestamp,omitempty"`
	ReferenceRange *string        `json:"reference_range,omitempty"`
	Min            *float64       `json:"min_range_value,omitempty"`
	Max            *float64       `json:"max_range_value,omitempty"`
	Interpretation Interpretation `json:"interpretation"`
	SourceFlag     string         `json:"source_interpretation,omitempty"`
	LOINC          *string        `json:"loinc,omitempty"`
	ProviderID     *string        `json:"provider_id,omitempty"`
	Notes          *string        `json:"notes,omitempty"` // the lab's words, where Text has another form
}

// MissingMarker is a marker that was expected and not reported.
type MissingMarker struct {
	Name        string  `json:"name"`
	Slug        string  `json:"slug"`
	FailureType string  `json:"inferred_failure_type"`
	Note        *string `json:"note,omitempty"`
	LOINC       *string `json:"loinc,omitempty"`
	ProviderID  *string `json:"provider_id,omitempty"`
}

// ResultVersion is a stored version of a lab report.
type ResultVersion struct {
	ID        string
	OrderID   string
	Version   int    // from 1, per order
	Visible   bool   // shown to the client; false: held, because the order ended otherwise
	Hash      string // SHA-256 of the content that a correction is compared by
	Report    LabReport
	HasPDF    bool
	FetchedAt time.Time
}

// ResultSummary is what the order document shows of its newest visible results.
type ResultSummary struct {
	Version        int
	Interpretation Interpretation
	HasMissing     bool
}
