package junction

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// UnmatchedResult is a match review: a lab report that is not certain to belong to an order, with the decision about it
// or the decisions that are allowed.
type UnmatchedResult struct {
	ID               string                      `json:"id" format:"uuid"`
	Status           order.MatchReviewStatus     `json:"status"`
	DecisionCode     order.MatchCode             `json:"decision_code"`
	SubReasonCodes   []order.MatchReason         `json:"sub_reason_codes" nullable:"false"`
	Reason           string                      `json:"reason"`
	Patient          *MatchReviewPatient         `json:"patient" doc:"The patient that the lab names, if any."`
	Lab              MatchReviewLab              `json:"lab"`
	Markers          []MatchReviewMarker         `json:"markers" nullable:"false"`
	Interpretation   *order.Interpretation       `json:"interpretation"`
	ResultStatus     *string                     `json:"result_status"`
	Note             *string                     `json:"note"`
	ResolutionAction *order.MatchReviewAction    `json:"resolution_action"`
	ResolvedUserID   *string                     `json:"resolved_user_id"`
	ResolvedOrderID  *string                     `json:"resolved_order_id"`
	AllowedActions   []order.MatchReviewAction   `json:"allowed_actions" nullable:"false"`
	CandidateGroups  []MatchReviewCandidateGroup `json:"candidate_groups" nullable:"false" doc:"By user, best first."`
	CreatedAt        time.Time                   `json:"created_at"`
	UpdatedAt        time.Time                   `json:"updated_at"`
	ReviewedAt       *time.Time                  `json:"reviewed_at"`
}

// MatchReviewPatient is the patient that the lab names in its report.
type MatchReviewPatient struct {
	FirstName *string    `json:"first_name"`
	LastName  *string    `json:"last_name"`
	DOB       *time.Time `json:"dob"`
	Gender    *string    `json:"gender"`
}

// MatchReviewLab is the lab that sent the report.
type MatchReviewLab struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

// MatchReviewMarker is a marker that the report contains, as a result or as missing.
type MatchReviewMarker struct {
	ProviderID *string `json:"provider_id"`
	Name       *string `json:"name"`
}

// MatchReviewCandidateGroup holds the candidates of one user.
type MatchReviewCandidateGroup struct {
	UserID     *string                `json:"user_id"`
	Candidates []MatchReviewCandidate `json:"candidates" nullable:"false"`
}

// MatchReviewCandidate is an order that the report may belong to.
type MatchReviewCandidate struct {
	CandidateType      string               `json:"candidate_type"`
	OrderID            *string              `json:"order_id"`
	OrderTransactionID *string              `json:"order_transaction_id"`
	LastStatus         *lifecycle.LowStatus `json:"last_status"`
	ConfidenceLevel    order.Confidence     `json:"confidence_level"`
	ConfidenceScore    *float64             `json:"confidence_score"`
	Reasons            []order.MatchReason  `json:"reasons" nullable:"false"`
	MarkerOverlap      *order.Overlap       `json:"marker_overlap"`
	StatusContext      map[string]any       `json:"status_context"`
}

// MatchReviewWebhookPayload is the data of a webhook message about a match review.
type MatchReviewWebhookPayload struct {
	ID               string                   `json:"id"`
	Status           order.MatchReviewStatus  `json:"status"`
	DecisionCode     order.MatchCode          `json:"decision_code"`
	SubReasonCodes   []order.MatchReason      `json:"sub_reason_codes"`
	ResolutionAction *order.MatchReviewAction `json:"resolution_action"`
	ResolvedUserID   *string                  `json:"resolved_user_id"`
	ResolvedOrderID  *string                  `json:"resolved_order_id"`
}

// The candidate types of client-api#17-enums: the order whose number the report has, and any other order.
const (
	provenanceOrder = "provenance_order"
	orderOption     = "order_option"
)

// decisionTexts are the reasons that clients read for each decision code. No source defines the texts
// (client-api#unmatched-results-match-reviews).
var decisionTexts = map[order.MatchCode]string{
	order.MatchSampleID:        "The lab reported on an order that has ended without results.",
	order.MatchCompleted:       "The report matches an order that has its results already.",
	order.MatchCancelled:       "The report matches an order that was cancelled.",
	order.MatchWrongCollection: "The report matches an order for which nothing has been collected.",
	order.MatchWrongLab:        "The report matches an order at another lab.",
	order.MatchMultipleOrders:  "The patient has several orders that the report could belong to.",
	order.MatchOtherPatient:    "The report names an order of another patient.",
	order.MatchPatientOnly:     "The report names no known order, and the patient has one that it could belong to.",
	order.MatchNone:            "No order was found for the report.",
}

// FromMatchReview returns the client-facing form of a match review. Its allowed actions are empty unless it waits for
// the client's decision.
func FromMatchReview(r order.MatchReview) UnmatchedResult {
	out := UnmatchedResult{
		ID: r.ID, Status: r.Status, DecisionCode: r.Match.Code, SubReasonCodes: subReasonCodes(r.Match),
		Reason:         decisionTexts[r.Match.Code],
		Patient:        fromTestedPatient(r.Report.Patient),
		Lab:            MatchReviewLab{ID: r.Lab.ID, Name: r.Lab.Name, Slug: r.Lab.Slug},
		Markers:        fromReportedMarkers(r.Report),
		Interpretation: nilIfEmpty(r.Report.Interpretation), ResultStatus: nilIfEmpty(r.Report.Status),
		Note:             nilIfEmpty(r.Note),
		ResolutionAction: nilIfEmpty(r.Resolution), ResolvedUserID: nilIfEmpty(r.ResolvedUserID),
		ResolvedOrderID: nilIfEmpty(r.ResolvedOrderID),
		AllowedActions:  []order.MatchReviewAction{},
		CandidateGroups: fromCandidates(r.Match.Candidates),
		CreatedAt:       r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if r.Status == order.MatchReviewPendingCustomer {
		out.AllowedActions = []order.MatchReviewAction{order.MatchReviewAccept, order.MatchReviewReject,
			order.MatchReviewUnsure}
	}
	if !r.ReviewedAt.IsZero() {
		out.ReviewedAt = &r.ReviewedAt
	}
	return out
}

// RenderMatchReview returns the JSON of the data of a webhook message about a match review. It contains no patient
// data.
func RenderMatchReview(r order.MatchReview) ([]byte, error) {
	b, err := json.Marshal(MatchReviewWebhookPayload{
		ID: r.ID, Status: r.Status, DecisionCode: r.Match.Code, SubReasonCodes: subReasonCodes(r.Match),
		ResolutionAction: nilIfEmpty(r.Resolution), ResolvedUserID: nilIfEmpty(r.ResolvedUserID),
		ResolvedOrderID: nilIfEmpty(r.ResolvedOrderID),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding review %s: %w", r.ID, err)
	}
	return b, nil
}

func subReasonCodes(m order.Match) []order.MatchReason {
	if m.OtherAccount {
		return []order.MatchReason{order.MatchReasonOtherAccount}
	}
	return []order.MatchReason{}
}

// maxShownName is how much of a name that a lab reported is shown, in characters. The store keeps all of it.
const maxShownName = 255

// shownName returns the beginning of a longer name, with an ellipsis.
func shownName(name string) string {
	if utf8.RuneCountInString(name) <= maxShownName {
		return name
	}
	return string([]rune(name)[:maxShownName-1]) + "…"
}

// fromTestedPatient leaves out a date of birth that is not a date.
func fromTestedPatient(t *order.TestedPatient) *MatchReviewPatient {
	if t == nil {
		return nil
	}
	p := &MatchReviewPatient{FirstName: nilIfEmpty(shownName(t.FirstName)),
		LastName: nilIfEmpty(shownName(t.LastName))}
	if born, err := order.ParseDate(t.DOB); err == nil {
		midnight := born.Start(time.UTC)
		p.DOB = &midnight
	}
	return p
}

func fromReportedMarkers(r order.LabReport) []MatchReviewMarker {
	out := make([]MatchReviewMarker, 0, len(r.Results)+len(r.Missing))
	for _, m := range r.Results {
		out = append(out, MatchReviewMarker{ProviderID: m.ProviderID, Name: nilIfEmpty(m.Name)})
	}
	for _, m := range r.Missing {
		out = append(out, MatchReviewMarker{ProviderID: m.ProviderID, Name: nilIfEmpty(m.Name)})
	}
	return out
}

func fromCandidates(all []order.Candidate) []MatchReviewCandidateGroup {
	groups, groupOfUser := []MatchReviewCandidateGroup{}, map[string]int{}
	for _, c := range all {
		i, ok := groupOfUser[c.UserID]
		if !ok {
			i, groupOfUser[c.UserID] = len(groups), len(groups)
			groups = append(groups, MatchReviewCandidateGroup{UserID: nilIfEmpty(c.UserID)})
		}
		groups[i].Candidates = append(groups[i].Candidates, fromCandidate(c))
	}
	return groups
}

func fromCandidate(c order.Candidate) MatchReviewCandidate {
	kind := orderOption
	if c.NamedByNumber {
		kind = provenanceOrder
	}
	return MatchReviewCandidate{
		CandidateType: kind, OrderID: nilIfEmpty(c.OrderID), OrderTransactionID: nilIfEmpty(c.TransactionID),
		LastStatus:      nilIfEmpty(c.Status),
		ConfidenceLevel: c.Confidence, Reasons: c.Reasons, MarkerOverlap: c.Overlap,
	}
}
