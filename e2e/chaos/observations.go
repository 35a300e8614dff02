package chaos

// Observations are what independent observers say of the same orders.
type Observations struct {
	CallerRecords []CallerRecord
	Lab           LabTraffic
	Endpoints     []Endpoint
	Store         Store
	Temporal      Temporal
}

// CallerRecord is what one caller knows. It creates one order and repeats the request under the same key until it gets
// a response.
type CallerRecord struct {
	Kind    string
	OrderID string // empty: no response named an order
	// UnkeyedRequests counts requests without a response that may have created an order. Their route takes no idempotency
	// key (client-api#3-idempotency).
	UnkeyedRequests int
	// Refused lists refusals that the caller should not have got.
	Refused []string
	// ImportedNumber is the lab's number of the requisition that the caller imported; empty: it imported none.
	ImportedNumber string
	// BookedIDs are the appointments that responses to bookings named.
	BookedIDs []string
	// ChildID is the order that the response to a replacement named; empty: there was none.
	ChildID string
}

// LabTraffic is what the simulated lab has sent and received.
type LabTraffic struct {
	Accepted   map[string]int // requisitions that the lab accepted, with or without sending the response, by order number
	PlaceCalls map[string]int // calls to place an order, successful or not, by order number
	// AcceptedFacts counts the facts that the lab sent and that got a response 2xx, each fact once, by order number.
	AcceptedFacts map[string]int
	// ReportVersions counts the versions of lab reports that were fetched, by order number.
	ReportVersions map[string]int
	// UnacceptedFacts counts facts that never got a response 2xx.
	UnacceptedFacts int
	// Appointments are the appointments of the providers, including cancelled ones.
	Appointments []Appointment
}

// Appointment is an appointment. OrderRef is the number of its order at the lab, or the id of its order in the store.
type Appointment struct{ ID, OrderRef, Status string }

// Endpoint is what a webhook receiver has got.
type Endpoint struct {
	Name       string
	Types      []string // types that the endpoint takes; nil: all
	Deliveries []Delivery
	// BadSignatures describes deliveries whose signature is wrong.
	BadSignatures []string
}

// Delivery is a webhook message whose signature was verified.
type Delivery struct {
	MessageID, Type, OrderID string
	Sequence                 int64
	Status                   string
}

// Store is the content of the database.
type Store struct {
	Orders       []Order
	Events       []Event
	Messages     []Message
	InboxItems   []InboxItem
	Appointments []Appointment
	// Counts are the stored counts of unfinished orders.
	Counts []Count
	// AppointmentsAtProvider are the orders with the attention mark appointment_at_provider (docs/operations.md): the
	// provider keeps an appointment that is over for Aliquot.
	AppointmentsAtProvider []string
	// Children are the replacements and redraws that decisions name.
	Children []Child
}

// Child is an order and its replacement or redraw, as a decision names it.
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

// Count is the stored number of unfinished orders with a status.
type Count struct {
	Modality, Status string
	N                int
}

// Event is a row of events. Rows are sorted by order and sequence.
type Event struct {
	OrderID  string
	Sequence int64
	Status   string // the full status
}

// Message is a row of messages.
type Message struct {
	ID, Type, OrderID string
	Sequence          int64
}

// InboxItem is a row of the inbox.
type InboxItem struct{ ID, OrderID, State string }

// Temporal is what runs in Temporal.
type Temporal struct {
	Orders     []string // orders with a run
	Deliveries []string // endpoints with a running delivery workflow
}
