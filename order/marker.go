package order

import "slices"

// Marker is one thing that a lab can be asked for: a single measurement, or a panel of several. The results that it leads to are its
// expected results.
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
	// the lab adds it by itself after another one's result; it is never ordered
	Reflex          bool             `json:"reflex,omitempty"`
	Inactive        bool             `json:"inactive,omitempty"`  // not offered any more
	Questions       []Question       `json:"questions,omitempty"` // asked on order entry
	ExpectedResults []ExpectedResult `json:"expected_results,omitempty"`
}

// Orderable reports whether the marker can be part of an order of today.
func (m Marker) Orderable() bool { return !m.Reflex && !m.Inactive }

// CoversResult reports whether what a lab reports under these names answers the marker: as the marker itself, or as one of the results that
// are expected of it, by the slug, the lab's own code or the LOINC code.
func (m Marker) CoversResult(slug string, providerID, loinc *string) bool {
	if sameSlug(m.Slug, slug) || equalKnown(m.ProviderID, providerID) || equalKnown(m.LOINC, loinc) {
		return true
	}
	return slices.ContainsFunc(m.ExpectedResults, func(e ExpectedResult) bool {
		return sameSlug(e.Slug, slug) || equalKnown(e.ProviderID, providerID) || e.LOINC != nil &&
			equalKnown(&e.LOINC.Code, loinc)
	})
}

// sameSlug reports whether two slugs are one. A name without a letter or digit of ours has none.
func sameSlug(a, b string) bool { return a != "" && a == b }

// equalKnown reports whether both are known and equal.
func equalKnown(a, b *string) bool { return a != nil && b != nil && *a != "" && *a == *b }

// withoutQuestions is the marker as an order keeps it: what was asked stands with the answers.
func (m Marker) withoutQuestions() Marker {
	m.Questions = nil
	return m
}

// ExpectedResult is a result that a marker leads to.
type ExpectedResult struct {
	ID         int64   `json:"id"`
	Name       string  `json:"name"`
	Slug       string  `json:"slug"`
	ProviderID *string `json:"provider_id,omitempty"` // the lab's own code of the result
	Required   bool    `json:"required"`              // a report without it is not complete
	LOINC      *LOINC  `json:"loinc,omitempty"`
}

// LOINC is a code of the LOINC terminology, with what it means.
type LOINC struct {
	ID   int64   `json:"id"` // of the code in this catalogue: its digits
	Name string  `json:"name"`
	Slug string  `json:"slug"`
	Code string  `json:"code"`
	Unit *string `json:"unit,omitempty"`
}

// Price is what something costs, in US cents.
type Price struct {
	BaseCents int64           `json:"base_cents"`
	Modifiers []PriceModifier `json:"modifiers,omitempty"`
}

// ForState is the price for patients of a state, in US cents.
func (p Price) ForState(state string) int64 {
	cents := p.BaseCents
	for _, m := range p.Modifiers {
		if slices.Contains(m.States, state) {
			cents += m.DeltaCents
		}
	}
	return cents
}

// PriceModifier changes a price for patients of some states.
type PriceModifier struct {
	DeltaCents int64    `json:"delta_cents"`
	States     []string `json:"states"`
}

// TurnaroundOf is how many days after its collection a sample with these markers is reported: those of the slowest one. Where one is
// not known, none is (client-api#7-lab-tests-markers-labs).
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
