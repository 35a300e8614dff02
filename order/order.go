package order

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// crockford is Crockford's base32 alphabet: no I, L, O or U, so a number can be read aloud and typed again.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// NewNumber generates an order number for the lab: 16 characters, 80 random bits (molecular-api#d20). It is the only
// function of this package that is not pure. Workflow code never calls it.
func NewNumber() string {
	raw := make([]byte, 10)
	rand.Read(raw) // never fails
	return crockford.EncodeToString(raw)
}

// Shipment is the transit of a kit to the patient and back.
type Shipment struct {
	ID          string      `json:"id"`
	Outbound    ShipmentLeg `json:"outbound"`
	Inbound     ShipmentLeg `json:"inbound"`
	KitRegCode  string      `json:"kit_reg_code,omitempty"`
	OraQuickLot string      `json:"oraquick_lot_exp,omitempty"`
	Notes       *string     `json:"notes,omitempty"`
	ShippedAt   time.Time   `json:"shipped_at"` // time of the fact that the data is from; the newest fact wins
	CreatedAt   time.Time   `json:"created_at"`
	UpdatedAt   time.Time   `json:"updated_at"`
}

// ShipmentLeg is one direction of a shipment. Number is empty if the lab gave no tracking number.
type ShipmentLeg struct {
	Number    string `json:"number,omitempty"`
	Courier   string `json:"courier,omitempty"` // usps, fedex; empty: not known
	URL       string `json:"url,omitempty"`
	TrackerID string `json:"tracker_id,omitempty"` // at the courier aggregator; empty: none yet
}

// Origin says why an order exists.
type Origin string

// The origins of client-api#17-enums.
const (
	OriginInitial    Origin = "initial"
	OriginRedraw     Origin = "redraw"
	OriginRecreation Origin = "recreation" // a replacement of an order that failed
)

// Order is the whole document of one order, patient data included. It never enters Temporal, a log or a metric.
type Order struct {
	ID            string
	TeamID        string
	UserID        string
	ClientUserID  string // the client's own id of the user, needed by the webhook envelope
	TransactionID string
	LabAccountID  string

	Number           string // our order number at the lab: 16 characters of Crockford base32, never used twice
	Accession        string // the lab's kit_id; empty until the lab has reported it
	SampleID         string // what the client API calls sample_id; empty until the requisition exists
	Modality         lifecycle.Modality
	Registrable      bool
	Registered       bool
	Imported         bool // another system made the requisition; Number is then the lab's own
	Origin           Origin
	ParentID         string // the order that this one replaces or redraws; empty for an initial order
	ReplacementDepth int    // the number of replacements between this order and the initial one

	Status   lifecycle.LowStatus
	Detail   lifecycle.Detail
	Sequence int64 // number of the newest event; rises by one per event
	Revision int64 // rises by one per recording, with or without events; recordings compare and set it

	Patient    *Patient         // nil until a registrable kit is registered
	Address    *Address         // nil until a registrable kit is registered
	Shipping   *ShippingAddress // registrable kits only
	LabTest    LabTest
	Physician  *Physician
	Consents   []Consent
	AoEAnswers []AoEAnswer
	ICDCodes   []string

	Priority        bool
	BillingType     string
	ActivateBy      *Date // the day on which the placement starts; nil: at once
	Passthrough     *string
	ClinicalNotes   *string
	Notes           *string
	AccountNotes    *string          // what the lab account adds to each of its orders, copied when the order was placed
	Insurance       json.RawMessage  // health insurance of client-api#post-v3order, as validated; nil: none
	InsuranceID     string           // the client API's id of the insurance; empty: no insurance
	BilledInsurance *BilledInsurance // nil: no insurance is billed
	RequisitionURL  string           // a URL that shows the requisition without an API key until it expires; empty: none
	CreatorMemberID *string

	Shipment       *Shipment // nil until the lab has shipped
	ModalityPartID string    // id of the modality's own part (details.data.id)
	Events         []Event   // oldest first
	Transaction    Transaction
	Results        *ResultSummary // nil before results are shown to the client

	State     State // what the workflow works with
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Event is one status of an order's history.
type Event struct {
	Sequence int64 // 1 for `ordered`, without gaps
	Status   lifecycle.Status
	Detail   lifecycle.Detail // empty: none
	Implied  bool             // proven by a later fact, not reported
	// the result of CauseInbox, CauseDemand, CauseCall or CauseTimer; or api:<request id>, parent:<order id>
	Cause      string
	StepIndex  int       // position within the events of the same cause, from 0
	OccurredAt time.Time // by the partner's clock if that time is plausible
	RecordedAt time.Time // by our clock; the client API shows it as created_at
}

// Transaction groups an initial order with its redraws and replacements.
type Transaction struct {
	ID     string
	Status TransactionStatus
	Orders []TransactionOrder // oldest first
}

// TransactionStatus is `active` while one of the orders is not terminal. Otherwise it is `cancelled` if all orders were
// cancelled, else `completed`.
type TransactionStatus string

// The statuses of an order transaction.
const (
	TransactionActive    TransactionStatus = "active"
	TransactionCompleted TransactionStatus = "completed"
	TransactionCancelled TransactionStatus = "cancelled"
)

// TransactionOrder is one order as its transaction lists it.
type TransactionOrder struct {
	ID        string
	Status    lifecycle.LowStatus
	StatusAt  time.Time
	Origin    Origin
	ParentID  string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TransactionStatusOf computes a transaction's status from the statuses of its orders.
func TransactionStatusOf(statuses []lifecycle.LowStatus) TransactionStatus {
	allCancelled := true
	for _, s := range statuses {
		if !lifecycle.Terminal(s) {
			return TransactionActive
		}
		if !s.In(lifecycle.StageCancelled) {
			allCancelled = false
		}
	}
	if allCancelled {
		return TransactionCancelled
	}
	return TransactionCompleted
}
