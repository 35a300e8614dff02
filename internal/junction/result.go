package junction

import (
	"strconv"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// ClientFacingCriticalResult is the data of a webhook message about critical results.
type ClientFacingCriticalResult struct {
	OrderID        string               `json:"order_id" format:"uuid"`
	SampleID       string               `json:"sample_id"`
	Status         string               `json:"status" doc:"final or partial."`
	Interpretation order.Interpretation `json:"interpretation"`
	TeamID         string               `json:"team_id" format:"uuid"`
	UserID         string               `json:"user_id" format:"uuid"`
	CreatedAt      time.Time            `json:"created_at" doc:"When the results were fetched."`
	UpdatedAt      time.Time            `json:"updated_at" doc:"When the order got them."`
}

// RenderCriticalResult returns the JSON of the data of a webhook message about a critical result version. Its time of
// change is that of the order.
func RenderCriticalResult(o order.Order, v order.ResultVersion) ([]byte, error) {
	return renderJSON("a critical result", ClientFacingCriticalResult{
		OrderID:        o.ID,
		SampleID:       o.SampleID,
		Status:         v.Report.Status,
		Interpretation: v.Report.Interpretation,
		TeamID:         o.TeamID,
		UserID:         o.UserID,
		CreatedAt:      v.FetchedAt.UTC(),
		UpdatedAt:      o.UpdatedAt.UTC(),
	})
}

// The result types of client-api#17-enums that are treated specially.
const (
	typeNumeric = "numeric"
	typeRange   = "range"
	typeComment = "comment"
)

// valueNotNumeric is the deprecated `value` of a result that is not numeric.
const valueNotNumeric = -1

// LabResultsRaw is the newest lab report of an order, or of all orders of an order transaction.
type LabResultsRaw struct {
	Metadata          LabResultsMetadata            `json:"metadata"`
	Results           []BiomarkerResult             `json:"results" nullable:"false"`
	MissingResults    []MissingResult               `json:"missing_results" nullable:"false"`
	SampleInformation map[string]SampleData         `json:"sample_information" doc:"By sample id."`
	OrderTransaction  *ClientFacingOrderTransaction `json:"order_transaction"`
}

// LabResultsMetadata describes the lab report as a whole. Age is a string, because the SDKs refuse a number.
type LabResultsMetadata struct {
	Age            string  `json:"age"`
	DOB            string  `json:"dob"`
	CLIA           *string `json:"clia_#"`
	Patient        string  `json:"patient"`
	Provider       *string `json:"provider"`
	Laboratory     *string `json:"laboratory"`
	DateReported   string  `json:"date_reported"`
	DateCollected  *string `json:"date_collected"`
	SpecimenNumber string  `json:"specimen_number"`
	DateReceived   *string `json:"date_received"`
	Status         string  `json:"status"`
	Interpretation *string `json:"interpretation"`
	PatientID      *string `json:"patient_id"`
	AccountID      *string `json:"account_id"`
}

// BiomarkerResult is one measured marker.
type BiomarkerResult struct {
	Name                 string         `json:"name"`
	Slug                 string         `json:"slug"`
	Value                float64        `json:"value" doc:"The value of a numeric result, else -1."`
	Result               string         `json:"result"`
	Type                 string         `json:"type"`
	Unit                 *string        `json:"unit"`
	Timestamp            *time.Time     `json:"timestamp"`
	Notes                *string        `json:"notes"`
	ReferenceRange       *string        `json:"reference_range"`
	MinRangeValue        *float64       `json:"min_range_value"`
	MaxRangeValue        *float64       `json:"max_range_value"`
	IsAboveMaxRange      *bool          `json:"is_above_max_range"`
	IsBelowMinRange      *bool          `json:"is_below_min_range"`
	Interpretation       string         `json:"interpretation"`
	SourceInterpretation string         `json:"source_interpretation"`
	LOINC                *string        `json:"loinc"`
	LOINCSlug            *string        `json:"loinc_slug"`
	ProviderID           *string        `json:"provider_id"`
	SourceMarkers        []SourceMarker `json:"source_markers" doc:"Null for a result that was not ordered."`
	PerformingLaboratory *string        `json:"performing_laboratory"`
	SourceSampleID       *string        `json:"source_sample_id"`
}

// MissingResult is a marker that was expected and not reported.
type MissingResult struct {
	Name                string         `json:"name"`
	Slug                string         `json:"slug"`
	InferredFailureType string         `json:"inferred_failure_type"`
	Note                *string        `json:"note"`
	LOINC               *string        `json:"loinc"`
	LOINCSlug           *string        `json:"loinc_slug"`
	ProviderID          *string        `json:"provider_id"`
	SourceMarkers       []SourceMarker `json:"source_markers"`
}

// SourceMarker is an ordered marker that a result belongs to.
type SourceMarker struct {
	MarkerID   int64   `json:"marker_id"`
	Name       string  `json:"name"`
	Slug       string  `json:"slug"`
	ProviderID *string `json:"provider_id"`
}

// FromResultVersion returns the client-facing form of a stored lab report of an order.
func FromResultVersion(o order.Order, v order.ResultVersion) LabResultsRaw {
	r := v.Report
	out := LabResultsRaw{
		Metadata:         fromMetadata(o, r),
		Results:          make([]BiomarkerResult, len(r.Results)),
		MissingResults:   make([]MissingResult, len(r.Missing)),
		OrderTransaction: fromTransaction(o.Transaction),
	}
	for i, m := range r.Results {
		out.Results[i] = fromResult(o, m)
	}
	for i, m := range r.Missing {
		out.MissingResults[i] = MissingResult{
			Name: m.Name, Slug: m.Slug, InferredFailureType: m.FailureType, Note: m.Note, LOINC: m.LOINC,
			ProviderID:    m.ProviderID,
			SourceMarkers: sourceMarkers(o.LabTest.Markers, m.Slug, m.ProviderID, m.LOINC),
		}
	}
	if o.SampleID != "" {
		out.SampleInformation = map[string]SampleData{o.SampleID: {
			SampleID: &o.SampleID, DateCollected: sampleTime(r.CollectedAt), DateReceived: sampleTime(r.ReceivedAt),
			DateReported: sampleTime(&r.ReportedAt),
		}}
	}
	return out
}

func fromMetadata(o order.Order, r order.LabReport) LabResultsMetadata {
	m := LabResultsMetadata{
		Laboratory:     nilIfEmpty(r.Laboratory),
		DateReported:   order.DateOf(r.ReportedAt.UTC()).String(),
		DateCollected:  formatDay(r.CollectedAt),
		DateReceived:   formatDay(r.ReceivedAt),
		SpecimenNumber: o.SampleID,
		Status:         r.Status,
		Interpretation: nilIfEmpty(string(r.Interpretation)),
	}
	if p := o.Patient; p != nil {
		m.Age = strconv.Itoa(p.DOB.YearsUntil(order.DateOf(r.ReportedAt.UTC())))
		m.DOB = p.DOB.String()
		m.Patient = strings.TrimSpace(p.FirstName + " " + p.LastName)
	}
	if p := o.Physician; p != nil {
		m.Provider = nilIfEmpty(strings.TrimSpace(p.FirstName + " " + p.LastName))
	}
	return m
}

func fromResult(o order.Order, m order.Result) BiomarkerResult {
	b := BiomarkerResult{
		Name:                 m.Name,
		Slug:                 m.Slug,
		Value:                valueNotNumeric,
		Result:               m.Text,
		Type:                 m.Type,
		Unit:                 m.Unit,
		Timestamp:            m.Timestamp,
		ReferenceRange:       m.ReferenceRange,
		MinRangeValue:        m.Min,
		MaxRangeValue:        m.Max,
		Interpretation:       string(m.Interpretation),
		SourceInterpretation: m.SourceFlag,
		LOINC:                m.LOINC,
		ProviderID:           m.ProviderID,
		SourceMarkers:        sourceMarkers(o.LabTest.Markers, m.Slug, m.ProviderID, m.LOINC),
		SourceSampleID:       nilIfEmpty(o.SampleID),
		Notes:                m.Notes,
	}
	if m.Notes == nil && (m.Type == typeRange || m.Type == typeComment) {
		b.Notes = &m.Text
	}
	if m.Type == typeNumeric && m.Value != nil {
		b.Value = *m.Value
		b.IsAboveMaxRange = compareToLimit(m.Max, func(limit float64) bool { return *m.Value > limit })
		b.IsBelowMinRange = compareToLimit(m.Min, func(limit float64) bool { return *m.Value < limit })
	}
	return b
}

// compareToLimit returns what the comparison with the limit returns, or nil without a limit.
func compareToLimit(limit *float64, compare func(float64) bool) *bool {
	if limit == nil {
		return nil
	}
	result := compare(*limit)
	return &result
}

// sourceMarkers returns the ordered markers that a result belongs to, including panels that contain it.
func sourceMarkers(ordered []order.Marker, slug string, providerID, loinc *string) []SourceMarker {
	var out []SourceMarker
	for _, m := range ordered {
		if m.CoversResult(slug, providerID, loinc) {
			out = append(out, SourceMarker{MarkerID: m.ID, Name: m.Name, Slug: m.Slug, ProviderID: m.ProviderID})
		}
	}
	return out
}

func formatDay(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := order.DateOf(t.UTC()).String()
	return &s
}
