package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// matchable returns an order of its own user, with the account and the lab of the report.
func matchable(id string, status lifecycle.LowStatus, adjust ...func(*MatchableOrder)) MatchableOrder {
	m := MatchableOrder{OrderID: id, UserID: "user-" + id, Status: status, AccountID: "account", LabSlug: "mtl"}
	for _, a := range adjust {
		a(&m)
	}
	return m
}

func namedByNumber(m *MatchableOrder)  { m.NamedByNumber = true }
func same(m *MatchableOrder)           { m.PatientLikeness = LikenessSame }
func different(m *MatchableOrder)      { m.PatientLikeness = LikenessDifferent }
func atOtherLab(m *MatchableOrder)     { m.LabSlug, m.AccountID = "crl", "other" }
func atOtherAccount(m *MatchableOrder) { m.AccountID = "other" }
func withMarkers(slugs ...string) func(*MatchableOrder) {
	return func(m *MatchableOrder) {
		for i, slug := range slugs {
			m.Markers = append(m.Markers, Marker{ID: int64(i), Slug: slug})
		}
	}
}

func TestMatchReport(t *testing.T) {
	t.Parallel()
	atLab := lifecycle.DeliveredToLab
	tests := map[string]struct {
		found  []MatchableOrder
		code   MatchCode
		order  string // of the candidates
		target string
		first  Confidence
	}{
		"nothing": {nil, MatchNone, "", "", ""},
		"its number": {[]MatchableOrder{matchable("a", lifecycle.SampleError, namedByNumber)}, MatchSampleID,
			"a", "a", ConfidenceHigh},
		"cancelled": {[]MatchableOrder{matchable("a", lifecycle.Cancelled, namedByNumber)}, MatchCancelled,
			"a", "a", ConfidenceHigh},
		"stopped": {[]MatchableOrder{matchable("a", lifecycle.DoNotProcess, namedByNumber, same)},
			MatchCancelled, "a", "a", ConfidenceHigh},
		"completed": {[]MatchableOrder{matchable("a", lifecycle.Corrected, namedByNumber)}, MatchCompleted,
			"a", "a", ConfidenceHigh},
		"somebody else's": {[]MatchableOrder{matchable("a", atLab, namedByNumber, different)}, MatchOtherPatient,
			"a", "", ConfidenceLow},
		"the patient's": {[]MatchableOrder{matchable("a", atLab, same)}, MatchPatientOnly, "a", "a",
			ConfidenceMedium},
		"the patient has several": {[]MatchableOrder{matchable("a", atLab, same), matchable("b", atLab, same)},
			MatchMultipleOrders, "ab", "", ConfidenceMedium},
		"one waits, one has ended": {[]MatchableOrder{matchable("a", lifecycle.Completed, same),
			matchable("b", atLab, same)}, MatchPatientOnly, "ba", "b", ConfidenceMedium},
		"one waits, one has no lab": {[]MatchableOrder{matchable("a", lifecycle.Ordered, same),
			matchable("b", atLab, same)}, MatchPatientOnly, "ba", "b", ConfidenceMedium},
		"nothing is collected": {[]MatchableOrder{matchable("a", lifecycle.AwaitingRegistration, same)},
			MatchWrongCollection, "a", "a", ConfidenceLow},
		"another lab": {[]MatchableOrder{matchable("a", atLab, same, atOtherLab)}, MatchWrongLab, "a", "a",
			ConfidenceLow},
		"another lab, and the right": {[]MatchableOrder{matchable("a", atLab, same, atOtherLab),
			matchable("b", atLab, same)}, MatchPatientOnly, "ba", "b", ConfidenceMedium},
		"its number, and the patient": {[]MatchableOrder{matchable("a", atLab, same),
			matchable("b", lifecycle.Cancelled, namedByNumber)}, MatchCancelled, "ba", "b", ConfidenceHigh},
		"other markers": {[]MatchableOrder{matchable("a", atLab, same, withMarkers("tsh")),
			matchable("b", atLab, same, withMarkers("hdl"))}, MatchPatientOnly, "ba", "b", ConfidenceMedium},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := MatchLabReport(LabReport{Results: []Result{{Slug: "hdl"}}}, "account", "mtl", tt.found)
			require.Equal(t, tt.code, got.Code)
			ids := ""
			for _, c := range got.Candidates {
				ids += c.OrderID
			}
			require.Equal(t, tt.order, ids)
			require.Equal(t, tt.target, got.BestOrderID(""))
			if len(got.Candidates) > 0 {
				require.Equal(t, tt.first, got.Candidates[0].Confidence)
			}
		})
	}
}

func TestMatchReportGivesItsReasons(t *testing.T) {
	t.Parallel()
	r := LabReport{Results: []Result{{Slug: "hdl"}, {Slug: "x", LOINC: new("2085-9")}}}
	ldl := func(m *MatchableOrder) {
		m.Markers = append(m.Markers, Marker{ID: 9, Slug: "ldl", LOINC: new("2085-9")})
	}
	panel := func(slug string) func(*MatchableOrder) {
		return func(m *MatchableOrder) {
			m.Markers = append(m.Markers, Marker{ID: int64(100 + len(m.Markers)), Slug: slug, LOINC: new("24331-1"),
				ExpectedResults: []ExpectedResult{
					{Slug: "hdl"}, {Slug: "ldl-calculated", LOINC: &LOINC{Code: "2085-9"}},
				}})
		}
	}
	tests := map[string]struct {
		order   MatchableOrder
		reasons []MatchReason
		overlap *Overlap
	}{
		"one panel that leads to both, and another": {
			matchable("a", lifecycle.DeliveredToLab, namedByNumber, panel("lipid-panel"), panel("cardiac-panel")),
			[]MatchReason{MatchReasonSameSample, MatchReasonSameLab, MatchReasonMarkersExact}, &Overlap{2, 2, 2},
		},
		"exact": {matchable("a", lifecycle.DeliveredToLab, namedByNumber, same, withMarkers("hdl"), ldl),
			[]MatchReason{MatchReasonSameSample, MatchReasonSamePatient, MatchReasonSameLab, MatchReasonMarkersExact},
			&Overlap{2, 2, 2}},
		"partial": {matchable("a", lifecycle.Cancelled, same, atOtherAccount, withMarkers("hdl", "tsh")),
			[]MatchReason{MatchReasonSamePatient, MatchReasonSameLab, MatchReasonOtherAccount, MatchReasonOrderCancelled,
				MatchReasonMarkersPartial}, &Overlap{2, 2, 1}},
		"none": {matchable("a", lifecycle.Completed, namedByNumber, different, atOtherLab, withMarkers("tsh")),
			[]MatchReason{MatchReasonSameSample, MatchReasonOtherPatient, MatchReasonOtherLab, MatchReasonOrderCompleted,
				MatchReasonMarkersNone}, &Overlap{2, 1, 0}},
		"unknown": {matchable("a", lifecycle.Registered, same),
			[]MatchReason{MatchReasonSamePatient, MatchReasonSameLab, MatchReasonNotCollected}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := MatchLabReport(r, "account", "mtl", []MatchableOrder{tt.order})
			require.Equal(t, tt.reasons, got.Candidates[0].Reasons)
			require.Equal(t, tt.overlap, got.Candidates[0].Overlap)
			require.Equal(t, tt.order.AccountID == "other" && tt.order.LabSlug == "mtl", got.OtherAccount)
		})
	}
}

func TestMatchReportKnowsTheUserOfItsOrder(t *testing.T) {
	t.Parallel()
	hers := func(m *MatchableOrder) { m.UserID = "her" }
	got := MatchLabReport(LabReport{}, "account", "mtl", []MatchableOrder{
		matchable("a", lifecycle.Cancelled, namedByNumber, hers), matchable("b", lifecycle.DeliveredToLab, same, hers),
		matchable("c", lifecycle.DeliveredToLab, same),
	})
	require.NotContains(t, got.Candidates[0].Reasons, MatchReasonSameUser)
	require.Contains(t, got.Candidates[1].Reasons, MatchReasonSameUser)
	require.NotContains(t, got.Candidates[2].Reasons, MatchReasonSameUser)
	require.Equal(t, "a", got.BestOrderID("her"))
	require.Equal(t, "c", got.BestOrderID("user-c"))
	require.Empty(t, got.BestOrderID("nobody"))
}
