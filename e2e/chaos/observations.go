package chaos

// Observations are what independent witnesses say of the same orders.
type Observations struct {
	CallerRecords []CallerRecord
	Lab           LabTraffic
	Endpoints     []Endpoint
	Store         Store
	Temporal      Temporal
}

// CallerRecord is what one caller was told: it asked for one order, again and again under the same key, until it got an answer.
type CallerRecord struct {
	Kind    string
	OrderID string // empty: it was never answered with an order
	// UnkeyedRequests counts the requests that got no answer and may have made an order all the same, for there is no key to repeat them
	// by (client-api#3-idempotency).
	UnkeyedRequests int
	// Refused are answers that no caller should have got.
	Refused []string
	// ImportedNumber is the lab's number of the requisition that it had made elsewhere and imported; empty: it did not.
	ImportedNumber string
	// BookedIDs are the appointments that it was told of when it booked.
	BookedIDs []string
	// ChildID is the order that it was told of when it had its order replaced; empty: it was not.
	ChildID string
}

// LabTraffic is what the simulated lab has sent and got.
type LabTraffic struct {
	Accepted   map[string]int // requisitions that it took, by order number; those that it did not answer included
	PlaceCalls map[string]int // calls to take a requisition, by order number, whatever came of them
	// AcceptedFacts are those that it has sent and that were taken (2xx), each once, by order number.
	AcceptedFacts map[string]int
	// ReportVersions counts the versions of results that it has given out, by order number.
	ReportVersions map[string]int
	// UnacceptedFacts counts reports that were never taken.
	UnacceptedFacts int
	// Appointments are the appointments that its providers have, those that were cancelled included.
	Appointments []Appointment
}

// Appointment is an appointment. Of is its order: at the lab the number, in the store the id.
type Appointment struct{ ID, OrderRef, Status string }

// Endpoint is what a receiver of webhooks has got.
type Endpoint struct {
	Name       string
	Types      []string // that it takes; nil: all
	Deliveries []Delivery
	// BadSignatures are deliveries whose signature was not good.
	BadSignatures []string
}

// Delivery is a webhook that was verified.
type Delivery struct {
	MessageID, Type, OrderID string
	Sequence                 int64
	Status                   string
}

// Store is what the database says.
type Store struct {
	Orders       []Order
	Events       []Event
	Messages     []Message
	InboxItems   []InboxItem
	Appointments []Appointment
	// Counts are how many unfinished orders it says that there are.
	Counts []Count
	// AppointmentsAtProvider are the orders whose provider has kept an appointment that is over for us, which operations are told (docs/operations.md,
	// appointment_at_provider).
	AppointmentsAtProvider []string
	// Children are the orders that decisions name as those that replace or redraw their order.
	Children []Child
}

// Child is what a decision about an order says of the one that takes its place.
type Child struct{ OrderID, ChildID string }

// Order is a row of orders.
type Order struct {
	ID, Number, Status    string
	ParentID, Origin      string
	TransactionID         string
	Registrable, Imported bool
	Modality              string
	Unfinished            bool
}

// Count is the sum of what is counted of a status.
type Count struct {
	Modality, Status string
	N                int
}

// Event is a row of events, by order and sequence.
type Event struct {
	OrderID  string
	Sequence int64
	Status   string // whole
}

// Message is a row of messages.
type Message struct {
	ID, Type, OrderID string
	Sequence          int64
}

// InboxItem is a row of the inbox.
type InboxItem struct{ ID, OrderID, State string }

// Temporal is what runs.
type Temporal struct {
	Orders     []string // those that have a run
	Deliveries []string // endpoints whose deliveries are being made
}
