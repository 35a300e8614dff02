package order

import (
	"cmp"
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// MatchCode says how a report and the orders that it might belong to compare.
type MatchCode string

// The decision codes of client-api#17-enums.
const (
	MatchSampleID     MatchCode = "match_sample_id" // the numbers agree
	MatchCompleted    MatchCode = "match_completed" // and the order has its results
	MatchCancelled    MatchCode = "match_cancelled" // and the order was cancelled or stopped
	MatchUncollected  MatchCode = "wrong_collection"
	MatchWrongLab     MatchCode = "wrong_lab"
	MatchSeveral      MatchCode = "multiple_demo_match"
	MatchOtherPatient MatchCode = "match_sample_id_mismatch_demo" // the numbers agree, the patients do not
	MatchPatient      MatchCode = "match_demo"                    // only the patient agrees
	MatchNone         MatchCode = "no_match"
)

// MatchReason is one thing that speaks for or against a candidate, or, of lab_account_mismatch, about the match as a whole.
type MatchReason string

// The reasons of client-api#17-enums.
const (
	SameSample       MatchReason = "sample_id_match"
	OtherAccount     MatchReason = "lab_account_mismatch"
	OrderCompleted   MatchReason = "matched_completed_order"
	OrderCancelled   MatchReason = "matched_cancelled_order"
	OrderUncollected MatchReason = "invalid_collection_state"
	OtherPatient     MatchReason = "demographic_mismatch"
	SamePatient      MatchReason = "demographic_match"
	OtherLab         MatchReason = "possible_wrong_lab"
	SameLab          MatchReason = "same_lab"
	SameUser         MatchReason = "same_user"
	MarkersExact     MatchReason = "marker_overlap_exact"
	MarkersPartial   MatchReason = "marker_overlap_partial"
	MarkersNone      MatchReason = "marker_overlap_none"
)

// Confidence in a candidate.
type Confidence string

// The levels of confidence.
const (
	High   Confidence = "high"
	Medium Confidence = "medium"
	Low    Confidence = "low"
)

var confidenceRank = map[Confidence]int{High: 0, Medium: 1, Low: 2}

// Match is what was found out about a report. It names orders and says nothing of the patient, so it is no secret.
type Match struct {
	Code         MatchCode   `json:"code"`
	OtherAccount bool        `json:"other_account,omitempty"` // the best candidate was placed through another account of the lab
	Candidates   []Candidate `json:"candidates,omitempty"`    // best first
}

// Candidate is an order that the report might belong to.
type Candidate struct {
	OrderID       string        `json:"order_id"`
	TransactionID string        `json:"transaction_id"`
	UserID        string        `json:"user_id"`
	ByNumber      bool          `json:"by_number,omitempty"` // the report names it
	Confidence    Confidence    `json:"confidence"`
	Reasons       []MatchReason `json:"reasons"`
	Overlap       *Overlap      `json:"overlap,omitempty"` // nil: the order does not say what is measured

	Status lifecycle.Low `json:"-"` // as it is when the review is read
}

// Overlap counts the markers of a report and of an order.
type Overlap struct {
	Reported int `json:"reported"`
	Ordered  int `json:"ordered"`
	Shared   int `json:"shared"`
}

// Likeness is whether two patients are one, as far as the lab has said whom it tested.
type Likeness string

// The degrees of likeness.
const (
	Unknown   Likeness = ""
	Same      Likeness = "same"
	Different Likeness = "different"
)

// Matchable is an order as matching looks at it.
type Matchable struct {
	OrderID       string
	TransactionID string
	UserID        string
	Status        lifecycle.Low
	AccountID     string
	LabSlug       string
	Markers       []Marker
	ByNumber      bool // its number, accession or sample id is the report's
	Patient       Likeness
}

// MatchReport compares a report, which came from a lab through an account, with the orders that were found for it.
func MatchReport(r Report, accountID, labSlug string, found []Matchable) Match {
	found = slices.Clone(found)
	rate := func(m Matchable) Candidate { return m.candidate(r, accountID, labSlug) }
	slices.SortStableFunc(found, func(a, b Matchable) int {
		return cmp.Or(cmp.Compare(confidenceRank[rate(a).Confidence], confidenceRank[rate(b).Confidence]), cmp.Compare(a.rank(), b.rank()))
	})
	var out Match
	for _, m := range found {
		c := rate(m)
		if first := found[0]; !m.ByNumber && first.ByNumber && first.UserID == m.UserID {
			c.Reasons = append(c.Reasons, SameUser)
		}
		out.Candidates = append(out.Candidates, c)
	}
	out.Code = matchCode(found, out.Candidates, labSlug)
	out.OtherAccount = len(out.Candidates) > 0 && slices.Contains(out.Candidates[0].Reasons, OtherAccount)
	return out
}

// matchCode sums up candidates that are sorted best first. One that the report names outweighs those that only have the patient.
func matchCode(found []Matchable, rated []Candidate, labSlug string) MatchCode {
	if len(found) == 0 {
		return MatchNone
	}
	best := found[0]
	if best.ByNumber && best.Patient == Different {
		return MatchOtherPatient
	}
	switch {
	case best.LabSlug != labSlug:
		return MatchWrongLab
	case best.Status.In(lifecycle.StageCancelled):
		return MatchCancelled
	case best.Status.In(lifecycle.StageCompleted):
		return MatchCompleted
	case best.uncollected():
		return MatchUncollected
	case best.ByNumber:
		return MatchSampleID
	}
	if len(found) > 1 && found[1].rank() == best.rank() && rated[1].Confidence == rated[0].Confidence {
		return MatchSeveral
	}
	return MatchPatient
}

// uncollected: nothing can have been collected yet, since the lab has not been asked.
func (m Matchable) uncollected() bool {
	return m.Status.In(lifecycle.StageOrdered, lifecycle.StageRegistered, lifecycle.StageUnregistered)
}

// rank puts orders that wait for results before those that have ended or have not begun.
func (m Matchable) rank() int {
	switch {
	case !lifecycle.Terminal(m.Status) && !m.uncollected():
		return 0
	case lifecycle.Terminal(m.Status):
		return 1
	default:
		return 2
	}
}

func (m Matchable) candidate(r Report, accountID, labSlug string) Candidate {
	overlap, markers := m.overlap(r)
	c := Candidate{
		OrderID: m.OrderID, TransactionID: m.TransactionID, UserID: m.UserID, ByNumber: m.ByNumber, Overlap: overlap,
		Confidence: m.confidence(labSlug, markers),
	}
	add := func(reason MatchReason, applies bool) {
		if applies {
			c.Reasons = append(c.Reasons, reason)
		}
	}
	add(SameSample, m.ByNumber)
	add(SamePatient, m.Patient == Same)
	add(OtherPatient, m.Patient == Different)
	add(SameLab, m.LabSlug == labSlug)
	add(OtherLab, m.LabSlug != labSlug)
	add(OtherAccount, m.LabSlug == labSlug && m.AccountID != accountID)
	add(OrderCompleted, m.Status.In(lifecycle.StageCompleted))
	add(OrderCancelled, m.Status.In(lifecycle.StageCancelled))
	add(OrderUncollected, m.uncollected())
	add(markers, markers != "")
	return c
}

func (m Matchable) confidence(labSlug string, markers MatchReason) Confidence {
	switch {
	case m.Patient == Different:
		return Low
	case m.ByNumber:
		return High
	case m.LabSlug != labSlug || m.rank() > 0 || markers == MarkersNone:
		return Low
	default:
		return Medium
	}
}

// overlap compares what was measured with what was ordered.
func (m Matchable) overlap(r Report) (*Overlap, MatchReason) {
	if len(m.Markers) == 0 {
		return nil, ""
	}
	o := Overlap{Reported: len(r.Results), Ordered: len(m.Markers)}
	answered := map[int64]bool{}
	for _, result := range r.Results {
		shared := false
		for _, marker := range m.Markers {
			if marker.LeadsTo(result.Slug, result.ProviderID, result.LOINC) {
				shared, answered[marker.ID] = true, true
			}
		}
		if shared {
			o.Shared++
		}
	}
	switch {
	case o.Shared == 0:
		return &o, MarkersNone
	case o.Shared == o.Reported && len(answered) == o.Ordered:
		return &o, MarkersExact
	default:
		return &o, MarkersPartial
	}
}

// Target is the order that an acceptance means which names none, or only a user: the one candidate that stands out. It is empty
// where none does, and where a patient differs, which somebody has to decide knowingly.
func (m Match) Target(userID string) string {
	if userID == "" && (m.Code == MatchSeveral || m.Code == MatchOtherPatient) {
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
