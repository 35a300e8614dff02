package order

import (
	"cmp"
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// MatchCode says how a lab report compares with the orders that it may belong to.
type MatchCode string

// The decision codes of client-api#17-enums.
const (
	MatchSampleID        MatchCode = "match_sample_id" // the numbers agree
	MatchCompleted       MatchCode = "match_completed" // the numbers agree; the order has its results
	MatchCancelled       MatchCode = "match_cancelled" // the numbers agree; the order was cancelled or stopped
	MatchWrongCollection MatchCode = "wrong_collection"
	MatchWrongLab        MatchCode = "wrong_lab"
	MatchMultipleOrders  MatchCode = "multiple_demo_match"
	MatchOtherPatient    MatchCode = "match_sample_id_mismatch_demo" // the numbers agree, the patients do not
	MatchPatientOnly     MatchCode = "match_demo"                    // only the patient agrees
	MatchNone            MatchCode = "no_match"
)

// MatchReason is one thing that speaks for or against a candidate. Only lab_account_mismatch is about the match as a
// whole.
type MatchReason string

// The reasons of client-api#17-enums.
const (
	MatchReasonSameSample     MatchReason = "sample_id_match"
	MatchReasonOtherAccount   MatchReason = "lab_account_mismatch"
	MatchReasonOrderCompleted MatchReason = "matched_completed_order"
	MatchReasonOrderCancelled MatchReason = "matched_cancelled_order"
	MatchReasonNotCollected   MatchReason = "invalid_collection_state"
	MatchReasonOtherPatient   MatchReason = "demographic_mismatch"
	MatchReasonSamePatient    MatchReason = "demographic_match"
	MatchReasonOtherLab       MatchReason = "possible_wrong_lab"
	MatchReasonSameLab        MatchReason = "same_lab"
	MatchReasonSameUser       MatchReason = "same_user"
	MatchReasonMarkersExact   MatchReason = "marker_overlap_exact"
	MatchReasonMarkersPartial MatchReason = "marker_overlap_partial"
	MatchReasonMarkersNone    MatchReason = "marker_overlap_none"
)

// Confidence says how likely a candidate is the order of the report.
type Confidence string

// The levels of confidence.
const (
	ConfidenceHigh   Confidence = "high"
	ConfidenceMedium Confidence = "medium"
	ConfidenceLow    Confidence = "low"
)

var confidenceRank = map[Confidence]int{ConfidenceHigh: 0, ConfidenceMedium: 1, ConfidenceLow: 2}

// Match is the result of comparing a lab report with orders. It holds ids of orders and codes, and no patient data, so
// it is stored unsealed.
type Match struct {
	Code MatchCode `json:"code"`
	// the best candidate was placed through another account of the lab
	OtherAccount bool        `json:"other_account,omitempty"`
	Candidates   []Candidate `json:"candidates,omitempty"` // best first
}

// Candidate is an order that the lab report may belong to.
type Candidate struct {
	OrderID       string        `json:"order_id"`
	TransactionID string        `json:"transaction_id"`
	UserID        string        `json:"user_id"`
	NamedByNumber bool          `json:"by_number,omitempty"` // the lab report names the order's number
	Confidence    Confidence    `json:"confidence"`
	Reasons       []MatchReason `json:"reasons"`
	Overlap       *Overlap      `json:"overlap,omitempty"` // nil: the order has no list of markers

	Status lifecycle.LowStatus `json:"-"` // when the review is read; not stored
}

// Overlap counts the markers of a lab report and of an order.
type Overlap struct {
	Reported int `json:"reported"`
	Ordered  int `json:"ordered"`
	Shared   int `json:"shared"`
}

// PatientLikeness says whether the patient of an order is the person whom the lab has tested. It is unknown if the lab
// named nobody.
type PatientLikeness string

// The degrees of likeness.
const (
	LikenessUnknown   PatientLikeness = ""
	LikenessSame      PatientLikeness = "same"
	LikenessSimilar   PatientLikeness = "similar" // the date of birth is the same, and one name is short for the other
	LikenessDifferent PatientLikeness = "different"
)

// MatchableOrder is what matching needs of an order.
type MatchableOrder struct {
	OrderID         string
	TransactionID   string
	UserID          string
	Status          lifecycle.LowStatus
	AccountID       string
	LabSlug         string
	Markers         []Marker
	NamedByNumber   bool // the report has its number, accession or sample id
	PatientLikeness PatientLikeness
}

// MatchLabReport compares a lab report, received from a lab through an account, with the orders that were found for it.
func MatchLabReport(r LabReport, accountID, labSlug string, found []MatchableOrder) Match {
	found = slices.Clone(found)
	rate := func(m MatchableOrder) Candidate { return m.asCandidate(r, accountID, labSlug) }
	slices.SortStableFunc(found, func(a, b MatchableOrder) int {
		return cmp.Or(cmp.Compare(confidenceRank[rate(a).Confidence], confidenceRank[rate(b).Confidence]),
			cmp.Compare(a.waitingRank(), b.waitingRank()))
	})
	var out Match
	for _, m := range found {
		c := rate(m)
		if first := found[0]; !m.NamedByNumber && first.NamedByNumber && first.UserID == m.UserID {
			c.Reasons = append(c.Reasons, MatchReasonSameUser)
		}
		out.Candidates = append(out.Candidates, c)
	}
	out.Code = matchCode(found, out.Candidates, labSlug)
	out.OtherAccount = len(out.Candidates) > 0 && slices.Contains(out.Candidates[0].Reasons, MatchReasonOtherAccount)
	return out
}

// matchCode returns the code for candidates that are sorted best first. An order that the report names comes before
// orders of which only the patient agrees.
func matchCode(found []MatchableOrder, rated []Candidate, labSlug string) MatchCode {
	if len(found) == 0 {
		return MatchNone
	}
	best := found[0]
	if best.NamedByNumber && best.PatientLikeness == LikenessDifferent {
		return MatchOtherPatient
	}
	switch {
	case best.LabSlug != labSlug:
		return MatchWrongLab
	case best.Status.In(lifecycle.StageCancelled):
		return MatchCancelled
	case best.Status.In(lifecycle.StageCompleted):
		return MatchCompleted
	case best.lacksRequisition():
		return MatchWrongCollection
	case best.NamedByNumber:
		return MatchSampleID
	}
	if len(found) > 1 && found[1].waitingRank() == best.waitingRank() && rated[1].Confidence == rated[0].Confidence {
		return MatchMultipleOrders
	}
	return MatchPatientOnly
}

// lacksRequisition reports whether the order has no requisition, so that no sample can have been collected.
func (m MatchableOrder) lacksRequisition() bool {
	return m.Status.In(lifecycle.StageOrdered, lifecycle.StageRegistered, lifecycle.StageUnregistered)
}

// waitingRank sorts orders that wait for results before those that have ended, and those before orders without a
// requisition.
func (m MatchableOrder) waitingRank() int {
	switch {
	case !lifecycle.Terminal(m.Status) && !m.lacksRequisition():
		return 0
	case lifecycle.Terminal(m.Status):
		return 1
	default:
		return 2
	}
}

func (m MatchableOrder) asCandidate(r LabReport, accountID, labSlug string) Candidate {
	overlap, markers := m.markerOverlap(r)
	c := Candidate{
		OrderID: m.OrderID, TransactionID: m.TransactionID, UserID: m.UserID, NamedByNumber: m.NamedByNumber,
		Overlap:    overlap,
		Confidence: m.confidence(labSlug, markers),
	}
	add := func(reason MatchReason, applies bool) {
		if applies {
			c.Reasons = append(c.Reasons, reason)
		}
	}
	add(MatchReasonSameSample, m.NamedByNumber)
	add(MatchReasonSamePatient, m.PatientLikeness == LikenessSame || m.PatientLikeness == LikenessSimilar)
	add(MatchReasonOtherPatient, m.PatientLikeness == LikenessDifferent)
	add(MatchReasonSameLab, m.LabSlug == labSlug)
	add(MatchReasonOtherLab, m.LabSlug != labSlug)
	add(MatchReasonOtherAccount, m.LabSlug == labSlug && m.AccountID != accountID)
	add(MatchReasonOrderCompleted, m.Status.In(lifecycle.StageCompleted))
	add(MatchReasonOrderCancelled, m.Status.In(lifecycle.StageCancelled))
	add(MatchReasonNotCollected, m.lacksRequisition())
	add(markers, markers != "")
	return c
}

func (m MatchableOrder) confidence(labSlug string, markers MatchReason) Confidence {
	switch {
	case m.PatientLikeness == LikenessDifferent:
		return ConfidenceLow
	case m.NamedByNumber:
		return ConfidenceHigh
	case m.LabSlug != labSlug || m.waitingRank() > 0 || markers == MatchReasonMarkersNone,
		m.PatientLikeness == LikenessSimilar:
		return ConfidenceLow
	default:
		return ConfidenceMedium
	}
}

// markerOverlap compares the reported markers with the ordered ones.
func (m MatchableOrder) markerOverlap(r LabReport) (*Overlap, MatchReason) {
	if len(m.Markers) == 0 {
		return nil, ""
	}
	o := Overlap{Reported: len(r.Results), Ordered: len(m.Markers)}
	answered := map[int64]bool{}
	for _, result := range r.Results {
		shared := false
		for _, marker := range m.Markers {
			if marker.CoversResult(result.Slug, result.ProviderID, result.LOINC) {
				shared, answered[marker.ID] = true, true
			}
		}
		if shared {
			o.Shared++
		}
	}
	switch {
	case o.Shared == 0:
		return &o, MatchReasonMarkersNone
	case o.Shared == o.Reported && len(answered) == o.Ordered:
		return &o, MatchReasonMarkersExact
	default:
		return &o, MatchReasonMarkersPartial
	}
}

// BestOrderID returns the order that an acceptance without an order, or with a user only, is for: the one candidate
// with the highest confidence. It is empty if there is no such candidate, or if a patient differs. The acceptance then
// has to name the order.
func (m Match) BestOrderID(userID string) string {
	if userID == "" && (m.Code == MatchMultipleOrders || m.Code == MatchOtherPatient) {
		return ""
	}
	var best []Candidate
	for _, c := range m.Candidates {
		if (userID == "" || c.UserID == userID) && (len(best) == 0 || c.Confidence == best[0].Confidence) {
			best = append(best, c)
		}
	}
	if len(best) != 1 {
		return ""
	}
	return best[0].OrderID
}
