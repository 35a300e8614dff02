package order

import "time"

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
