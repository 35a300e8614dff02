package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// option is an order of another user each, with the account and lab that reported.
func option(id string, status lifecycle.Low, adjust ...func(*Matchable)) Matchable {
	m := Matchable{OrderID: id, UserID: "user-" + id, Status: status, AccountID: "account", LabSlug: "mtl"}
	for _, a := range adjust {
		a(&m)
	}
	return m
}

func named(m *Matchable)     { m.ByNumber = true }
func same(m *Matchable)      { m.Patient = Same }
func different(m *Matchable) { m.Patient = Different }
func elsewhere(m *Matchable) { m.LabSlug, m.AccountID = "crl", "other" }
func other(m *Matchable)     { m.AccountID = "other" }
func measuring(slugs ...string) func(*Matchable) {
	return func(m *Matchable) {
		for i, slug := range slugs {
			m.Markers = append(m.Markers, Marker{ID: int64(i), Slug: slug})
		}
	}
}

func TestMatchReport(t *testing.T) {
	t.Parallel()
	atLab := lifecycle.DeliveredToLab
	tests := map[string]struct {
		found  []Matchable
		code   MatchCode
		order  string // of the candidates
		target string
		first  Confidence
	}{
		"nothing":                     {nil, MatchNone, "", "", ""},
		"its number":                  {[]Matchable{option("a", lifecycle.SampleError, named)}, MatchSampleID, "a", "a", High},
		"cancelled":                   {[]Matchable{option("a", lifecycle.Cancelled, named)}, MatchCancelled, "a", "a", High},
		"stopped":                     {[]Matchable{option("a", lifecycle.DoNotProcess, named, same)}, MatchCancelled, "a", "a", High},
		"completed":                   {[]Matchable{option("a", lifecycle.Corrected, named)}, MatchCompleted, "a", "a", High},
		"somebody else's":             {[]Matchable{option("a", atLab, named, different)}, MatchOtherPatient, "a", "", Low},
		"the patient's":               {[]Matchable{option("a", atLab, same)}, MatchPatient, "a", "a", Medium},
		"the patient has several":     {[]Matchable{option("a", atLab, same), option("b", atLab, same)}, MatchSeveral, "ab", "", Medium},
		"one waits, one has ended":    {[]Matchable{option("a", lifecycle.Completed, same), option("b", atLab, same)}, MatchPatient, "ba", "b", Medium},
		"one waits, one has no lab":   {[]Matchable{option("a", lifecycle.Ordered, same), option("b", atLab, same)}, MatchPatient, "ba", "b", Medium},
		"nothing is collected":        {[]Matchable{option("a", lifecycle.AwaitingRegistration, same)}, MatchUncollected, "a", "a", Low},
		"another lab":                 {[]Matchable{option("a", atLab, same, elsewhere)}, MatchWrongLab, "a", "a", Low},
		"another lab, and the right":  {[]Matchable{option("a", atLab, same, elsewhere), option("b", atLab, same)}, MatchPatient, "ba", "b", Medium},
		"its number, and the patient": {[]Matchable{option("a", atLab, same), option("b", lifecycle.Cancelled, named)}, MatchCancelled, "ba", "b", High},
		"other markers":               {[]Matchable{option("a", atLab, same, measuring("tsh")), option("b", atLab, same, measuring("hdl"))}, MatchPatient, "ba", "b", Medium},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := MatchReport(Report{Results: []Result{{Slug: "hdl"}}}, "account", "mtl", tt.found)
			require.Equal(t, tt.code, got.Code)
			ids := ""
			for _, c := range got.Candidates {
				ids += c.OrderID
			}
			require.Equal(t, tt.order, ids)
			require.Equal(t, tt.target, got.Target(""))
			if len(got.Candidates) > 0 {
				require.Equal(t, tt.first, got.Candidates[0].Confidence)
			}
		})
	}
}

func TestMatchReportGivesItsReasons(t *testing.T) {
	t.Parallel()
	r := Report{Results: []Result{{Slug: "hdl"}, {Slug: "x", LOINC: new("2085-9")}}}
	ldl := func(m *Matchable) { m.Markers = append(m.Markers, Marker{ID: 9, Slug: "ldl", LOINC: new("2085-9")}) }
	panel := func(slug string) func(*Matchable) {
		return func(m *Matchable) {
			m.Markers = append(m.Markers, Marker{ID: int64(100 + len(m.Markers)), Slug: slug, LOINC: new("24331-1"), Expected: []ExpectedResult{
				{Slug: "hdl"}, {Slug: "ldl-calculated", LOINC: &LOINC{Code: "2085-9"}},
			}})
		}
	}
	tests := map[string]struct {
		order   Matchable
		reasons []MatchReason
		overlap *Overlap
	}{
		"one panel that leads to both, and another": {
			option("a", lifecycle.DeliveredToLab, named, panel("lipid-panel"), panel("cardiac-panel")), []MatchReason{SameSample, SameLab, MarkersExact}, &Overlap{2, 2, 2},
		},
		"exact":   {option("a", lifecycle.DeliveredToLab, named, same, measuring("hdl"), ldl), []MatchReason{SameSample, SamePatient, SameLab, MarkersExact}, &Overlap{2, 2, 2}},
		"partial": {option("a", lifecycle.Cancelled, same, other, measuring("hdl", "tsh")), []MatchReason{SamePatient, SameLab, OtherAccount, OrderCancelled, MarkersPartial}, &Overlap{2, 2, 1}},
		"none":    {option("a", lifecycle.Completed, named, different, elsewhere, measuring("tsh")), []MatchReason{SameSample, OtherPatient, OtherLab, OrderCompleted, MarkersNone}, &Overlap{2, 1, 0}},
		"unknown": {option("a", lifecycle.Registered, same), []MatchReason{SamePatient, SameLab, OrderUncollected}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := MatchReport(r, "account", "mtl", []Matchable{tt.order})
			require.Equal(t, tt.reasons, got.Candidates[0].Reasons)
			require.Equal(t, tt.overlap, got.Candidates[0].Overlap)
			require.Equal(t, tt.order.AccountID == "other" && tt.order.LabSlug == "mtl", got.OtherAccount)
		})
	}
}

func TestMatchReportKnowsTheUserOfItsOrder(t *testing.T) {
	t.Parallel()
	hers := func(m *Matchable) { m.UserID = "her" }
	got := MatchReport(Report{}, "account", "mtl", []Matchable{
		option("a", lifecycle.Cancelled, named, hers), option("b", lifecycle.DeliveredToLab, same, hers), option("c", lifecycle.DeliveredToLab, same),
	})
	require.NotContains(t, got.Candidates[0].Reasons, SameUser)
	require.Contains(t, got.Candidates[1].Reasons, SameUser)
	require.NotContains(t, got.Candidates[2].Reasons, SameUser)
	require.Equal(t, "a", got.Target("her"))
	require.Equal(t, "c", got.Target("user-c"))
	require.Empty(t, got.Target("nobody"))
}
