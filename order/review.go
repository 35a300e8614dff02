package order

import "time"

// ReviewStatus is how far a review has come.
type ReviewStatus string

// The statuses of a review (client-api#17-enums).
const (
	ReviewMatched  ReviewStatus = "matched"                 // its order has turned up by itself
	ReviewCustomer ReviewStatus = "pending_customer_review" // the client decides
	ReviewOps      ReviewStatus = "pending_ops_review"      // operations decide
	ReviewResolved ReviewStatus = "resolved"
)

// Open reports whether the review still waits for somebody's decision.
func (s ReviewStatus) Open() bool { return s == ReviewCustomer || s == ReviewOps }

// ReviewAction is what somebody decided.
type ReviewAction string

// The actions of client-api#17-enums. Unsure hands the decision to operations.
const (
	ReviewAccept ReviewAction = "accept"
	ReviewReject ReviewAction = "reject"
	ReviewUnsure ReviewAction = "unsure"
)

// Review is a lab's report that belongs to no order by itself: it names an order that nobody knows, or one that has ended otherwise.
// The report is kept, not shown as anybody's results, and somebody decides
// (client-api#unmatched-results-match-reviews).
type Review struct {
	ID           string
	TeamID       string // empty: the account is of all teams, so operations decide
	LabAccountID string
	Lab          Lab
	OrderNumber  string // as the lab reported it
	OrderID      string // the order that the lab reported on, which has ended otherwise; empty: no order has that number
	ResultID     string // with OrderID: the version that is held back

	Status     ReviewStatus
	Match      Match
	Report     Report
	Note       string
	Resolution ReviewAction // empty: nobody has decided

	ResolvedUserID  string // accepted: whose order it became a result of
	ResolvedOrderID string
	CreatedAt       time.Time
	UpdatedAt       time.Time
	ReviewedAt      time.Time // zero: nobody has decided
}

// Acceptance is the body of a demand that accepts a reviewed report as an order's result.
type Acceptance struct {
	ReviewID string `json:"review_id"`
	Note     string `json:"note,omitempty"`
}
