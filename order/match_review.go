package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// MatchReviewStatus is how far a review has come.
type MatchReviewStatus string

// The statuses of a review (client-api#17-enums).
const (
	MatchReviewMatched         MatchReviewStatus = "matched"                 // its order has turned up by itself
	MatchReviewPendingCustomer MatchReviewStatus = "pending_customer_review" // the client decides
	MatchReviewPendingOps      MatchReviewStatus = "pending_ops_review"      // operations decide
	MatchReviewResolved        MatchReviewStatus = "resolved"
)

// Open reports whether the review still waits for somebody's decision.
func (s MatchReviewStatus) Open() bool {
	return s == MatchReviewPendingCustomer || s == MatchReviewPendingOps
}

// MatchReviewAction is what somebody decided.
type MatchReviewAction string

// The actions of client-api#17-enums. Unsure hands the decision to operations.
const (
	MatchReviewAccept MatchReviewAction = "accept"
	MatchReviewReject MatchReviewAction = "reject"
	MatchReviewUnsure MatchReviewAction = "unsure"
)

// MatchReview is a lab's report that belongs to no order by itself: it names an order that nobody knows, or one that has ended otherwise.
// The report is kept, not shown as anybody's results, and somebody decides
// (client-api#unmatched-results-match-reviews).
type MatchReview struct {
	ID           string
	TeamID       string // empty: the account is of all teams, so operations decide
	LabAccountID string
	Lab          Lab
	OrderNumber  string // as the lab reported it
	OrderID      string // the order that the lab reported on, which has ended otherwise; empty: no order has that number
	ResultID     string // with OrderID: the version that is held back

	Status     MatchReviewStatus
	Match      Match
	Report     LabReport
	Note       string
	Resolution MatchReviewAction // empty: nobody has decided

	ResolvedUserID  string // accepted: whose order it became a result of
	ResolvedOrderID string
	CreatedAt       time.Time
	UpdatedAt       time.Time
	ReviewedAt      time.Time // zero: nobody has decided
}

// MatchReviewAcceptance is the body of a demand that accepts a reviewed report as an order's result.
type MatchReviewAcceptance struct {
	ReviewID string `json:"review_id"`
	Note     string `json:"note,omitempty"`
}

// ReviewTestCase is a case of the test of unmatched results (client-api#unmatched-results-match-reviews): a report is made
// that has to be judged so, from orders that stand so.
type ReviewTestCase struct {
	Case             MatchCode
	Roles            []string                       // of its orders
	RequiredStatuses map[string]lifecycle.LowStatus // the status of each, by role
	Constraints      []string                       // on labs, in words
}

const (
	roleOrder  = "order"
	roleFirst  = "first_order"
	roleSecond = "second_order"
)

// ReviewTestCases are all cases.
func ReviewTestCases() []ReviewTestCase {
	one := func(code MatchCode, status lifecycle.LowStatus, constraint string) ReviewTestCase {
		return ReviewTestCase{code, []string{roleOrder}, map[string]lifecycle.LowStatus{roleOrder: status},
			[]string{constraint}}
	}
	const same = "the result comes from the lab of the order"
	return []ReviewTestCase{
		one(MatchCompleted, lifecycle.Completed, same),
		one(MatchCancelled, lifecycle.Cancelled, same),
		one(MatchWrongCollection, lifecycle.Ordered, same),
		one(MatchWrongLab, lifecycle.RequisitionCreated, "the result comes from another lab than that of the order"),
		{
			MatchMultipleOrders, []string{roleFirst, roleSecond},
			map[string]lifecycle.LowStatus{roleFirst: lifecycle.RequisitionCreated, roleSecond: lifecycle.RequisitionCreated},
			[]string{"both orders are for the same patient, at the lab that the result comes from"},
		},
		one(MatchOtherPatient, lifecycle.RequisitionCreated, same),
		one(MatchPatientOnly, lifecycle.RequisitionCreated, same),
		{MatchNone, []string{}, map[string]lifecycle.LowStatus{}, []string{"the result comes from any lab of the team"}},
	}
}

// ReviewTestCaseOf is the case of a code.
func ReviewTestCaseOf(code MatchCode) (ReviewTestCase, bool) {
	all := ReviewTestCases()
	i := slices.IndexFunc(all, func(t ReviewTestCase) bool { return t.Case == code })
	if i < 0 {
		return ReviewTestCase{}, false
	}
	return all[i], true
}

// NamesOrder reports whether the result names the order's number. Otherwise the patient is all that it has in common with an order.
func (t ReviewTestCase) NamesOrder() bool {
	return t.Case != MatchMultipleOrders && t.Case != MatchPatientOnly && t.Case != MatchNone
}

// LabReport is the result of such a test: on the order, or on nobody's.
func (t ReviewTestCase) LabReport(o *Order, test LabTest, status string, i Interpretation, at time.Time) LabReport {
	r := LabReport{Status: status, Interpretation: i, ReportedAt: at}
	if test.Lab != nil {
		r.Laboratory = test.Lab.Name
	}
	value := 100.0
	for _, m := range test.Markers {
		r.Results = append(r.Results, Result{
			Name: m.Name, Slug: m.Slug, Value: &value, Text: "100", Type: "numeric", Interpretation: InterpretationNormal,
			LOINC: m.LOINC, ProviderID: m.ProviderID,
		})
	}
	if len(r.Results) == 0 {
		r.Results = []Result{{Name: test.Name, Slug: test.Slug, Value: &value, Text: "100", Type: "numeric",
			Interpretation: InterpretationNormal}}
	}
	r.Results[0].Interpretation = i
	r.Patient = &TestedPatient{FirstName: "Nobody", LastName: "Whom We Know", DOB: "1970-01-01"}
	if o != nil && o.Patient != nil && t.Case != MatchOtherPatient {
		r.Patient = &TestedPatient{FirstName: o.Patient.FirstName, LastName: o.Patient.LastName, DOB: o.Patient.DOB.String()}
	}
	return r
}
