package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// MatchReviewStatus is the status of a match review.
type MatchReviewStatus string

// The statuses of a review (client-api#17-enums).
const (
	MatchReviewMatched         MatchReviewStatus = "matched"                 // an order has the number by now
	MatchReviewPendingCustomer MatchReviewStatus = "pending_customer_review" // the client decides
	MatchReviewPendingOps      MatchReviewStatus = "pending_ops_review"      // operations decide
	MatchReviewResolved        MatchReviewStatus = "resolved"
)

// Open reports whether the review still waits for somebody's decision.
func (s MatchReviewStatus) Open() bool {
	return s == MatchReviewPendingCustomer || s == MatchReviewPendingOps
}

// MatchReviewAction is what somebody decided in a match review.
type MatchReviewAction string

// The actions of client-api#17-enums. Unsure passes the decision to operations.
const (
	MatchReviewAccept MatchReviewAction = "accept"
	MatchReviewReject MatchReviewAction = "reject"
	MatchReviewUnsure MatchReviewAction = "unsure"
)

// MatchReview is a lab report that cannot be assigned to an order: it has an order number that does not exist, or that
// of an order that ended otherwise or has another patient. The lab report is stored, and no client sees it as results
// until somebody decides (client-api#unmatched-results-match-reviews).
type MatchReview struct {
	ID           string
	TeamID       string // empty: the account is shared by all teams, so operations decide
	LabAccountID string
	Lab          Lab
	OrderNumber  string // as the lab reported it; may be unknown
	OrderID      string // the order with that number, which holds the report; empty: there is none
	ResultID     string // the version that is held, if OrderID is set

	Status     MatchReviewStatus
	Match      Match
	Report     LabReport
	Note       string
	Resolution MatchReviewAction // empty: not decided

	ResolvedUserID  string // accepted: the user of the order that got the result
	ResolvedOrderID string
	CreatedAt       time.Time
	UpdatedAt       time.Time
	ReviewedAt      time.Time // zero: not decided
}

// MatchReviewAcceptance is the body of a demand that accepts a reviewed lab report as an order's result.
type MatchReviewAcceptance struct {
	ReviewID string `json:"review_id"`
	Note     string `json:"note,omitempty"`
}

// ReviewTestCase is a case of the test of unmatched results (client-api#unmatched-results-match-reviews): it describes
// a lab report that gets the given match code, and the statuses of the orders that the case needs.
type ReviewTestCase struct {
	Case             MatchCode
	Roles            []string                       // the roles of its orders
	RequiredStatuses map[string]lifecycle.LowStatus // the status of each order, by role
	Constraints      []string                       // on labs, as text
}

const (
	roleOrder  = "order"
	roleFirst  = "first_order"
	roleSecond = "second_order"
)

// ReviewTestCases returns all cases.
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

// ReviewTestCaseOf returns the case of a match code; false: there is none.
func ReviewTestCaseOf(code MatchCode) (ReviewTestCase, bool) {
	all := ReviewTestCases()
	i := slices.IndexFunc(all, func(t ReviewTestCase) bool { return t.Case == code })
	if i < 0 {
		return ReviewTestCase{}, false
	}
	return all[i], true
}

// NamesOrder reports whether the report names the order's number. Otherwise only the patient agrees with an order.
func (t ReviewTestCase) NamesOrder() bool {
	return t.Case != MatchMultipleOrders && t.Case != MatchPatientOnly && t.Case != MatchNone
}

// LabReport returns the lab report of the test case. It has the number of the order, or a number without an order.
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
