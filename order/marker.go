package order

import "slices"

// Marker is one thing that a lab can be asked to measure: a single analyte, or a panel of several. Its expected results
// are the results that a lab report has for it.
type Marker struct {
	ID               int64   `json:"id"`
	Name             string  `json:"name"`
	Slug             string  `json:"slug"`
	Description      *string `json:"description,omitempty"`
	LabID            *int    `json:"lab_id,omitempty"`
	ProviderID       *string `json:"provider_id,omitempty"` // the lab's own code
	Type             *string `json:"type,omitempty"`        // biomarker, panel
	Unit             *string `json:"unit,omitempty"`
	Price            *string `json:"price,omitempty"`
	Pricing          *Price  `json:"pricing,omitempty"` // nil: by contract
	LOINC            *string `json:"loinc,omitempty"`
	SampleType       string  `json:"sample_type,omitempty"`
	CommonTATDays    *int    `json:"common_tat_days,omitempty"`
	WorstCaseTATDays *int    `json:"worst_case_tat_days,omitempty"`
	ALaCarte         bool    `json:"a_la_carte_enabled,omitempty"` // can be ordered without a lab test
	// the lab adds it itself after the result of another marker; it cannot be ordered
	Reflex          bool             `json:"reflex,omitempty"`
	Inactive        bool             `json:"inactive,omitempty"`  // not offered any more
	Questions       []Question       `json:"questions,omitempty"` // asked on order entry
	ExpectedResults []ExpectedResult `json:"expected_results,omitempty"`
}

// Orderable reports whether a new order can have the marker.
func (m Marker) Orderable() bool { return !m.Reflex && !m.Inactive }

// CoversResult reports whether a reported result belongs to the marker: to the marker itself, or to one of its expected
// results. They are compared by slug, by the lab's own code and by LOINC code.
func (m Marker) CoversResult(slug string, providerID, loinc *string) bool {
	if sameSlug(m.Slug, slug) || equalKnown(m.ProviderID, providerID) || equalKnown(m.LOINC, loinc) {
		return true
	}
	return slices.ContainsFunc(m.ExpectedResults, func(e ExpectedResult) bool {
		return sameSlug(e.Slug, slug) || equalKnown(e.ProviderID, providerID) || e.LOINC != nil &&
			equalKnown(&e.LOINC.Code, loinc)
	})
}

// sameSlug reports whether two slugs are equal. A name without letters and digits has no slug, and so equals none.
func sameSlug(a, b string) bool { return a != "" && a == b }

// equalKnown reports whether both values are known and equal.
func equalKnown(a, b *string) bool { return a != nil && b != nil && *a != "" && *a == *b }

// withoutQuestions returns the marker as an order stores it. The questions are stored with their answers.
func (m Marker) withoutQuestions() Marker {
	m.Questions = nil
	return m
}

// ExpectedResult is a result that a lab report has for a marker.
type ExpectedResult struct {
	ID         int64   `json:"id"`
	Name       string  `json:"name"`
	Slug       string  `json:"slug"`
	ProviderID *string `json:"provider_id,omitempty"` // the lab's own code of the result
	Required   bool    `json:"required"`              // a lab report without it is not complete
	LOINC      *LOINC  `json:"loinc,omitempty"`
}

// LOINC is a code of the LOINC terminology, with its meaning.
type LOINC struct {
	ID   int64   `json:"id"` // the digits of the code
	Name string  `json:"name"`
	Slug string  `json:"slug"`
	Code string  `json:"code"`
	Unit *string `json:"unit,omitempty"`
}

// Price is a price in US cents.
type Price struct {
	BaseCents int64           `json:"base_cents"`
	Modifiers []PriceModifier `json:"modifiers,omitempty"`
}

// ForState returns the price for patients of a US state, in US cents.
func (p Price) ForState(state string) int64 {
	cents := p.BaseCents
	for _, m := range p.Modifiers {
		if slices.Contains(m.States, state) {
			cents += m.DeltaCents
		}
	}
	return cents
}

// PriceModifier changes a price for patients of some US states.
type PriceModifier struct {
	DeltaCents int64    `json:"delta_cents"`
	States     []string `json:"states"`
}

// TurnaroundOf returns the days from the collection of a sample to the lab report with all its markers: the turnaround
// of the slowest marker. It is nil if the turnaround of any marker is not known (client-api#7-lab-tests-markers-labs).
func TurnaroundOf(markers []Marker) (common, worst *int) {
	slowest := func(of func(Marker) *int) *int {
		var longest *int
		for _, m := range markers {
			days := of(m)
			if days == nil {
				return nil
			}
			if longest == nil || *days > *longest {
				longest = days
			}
		}
		return longest
	}
	return slowest(func(m Marker) *int { return m.CommonTATDays }),
		slowest(func(m Marker) *int { return m.WorstCaseTATDays })
}
