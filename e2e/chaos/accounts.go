package chaos

// Accounts are what independent witnesses say of the same orders.
type Accounts struct {
	Callers   []Told
	Lab       Lab
	Endpoints []Endpoint
	Store     Store
	Temporal  Temporal
}

// Told is what one caller was told: it asked for one order, again and again under the same key, until it got an answer.
type Told struct {
	Kind    string
	OrderID string // empty: it was never answered with an order
	// Unprotected counts the requests that got no answer and may have made an order all the same, for there is no key to repeat them
	// by (client-api#3-idempotency).
	Unprotected int
	// Refused are answers that no caller should have got.
	Refused []string
	// Imports is the lab's number of the requisition that it had made elsewhere and imported; empty: it did not.
	Imports string
	// Booked are the appointments that it was told of when it booked.
	Booked []string
	// Child is the order that it was told of when it had its order replaced; empty: it was not.
	Child string
}

// Lab is what the simulated lab has sent and got.
type Lab struct {
	Accepted map[string]int // requisitions that it took, by order number; those that it did not answer included
	Asked    map[string]int // calls to take a requisition, by order number, whatever came of them
	// Facts are those that it has sent and that were taken (2xx), each once, by order number.
	Facts map[string]int
	// Versions counts the versions of results that it has given out, by order number.
	Versions map[string]int
	// Untaken counts reports that were never taken.
	Untaken int
	// Visits are the appointments that its providers have, those that were cancelled included.
	Visits []Visit
}

// Visit is an appointment. Of is its order: at the lab the number, in the store the id.
type Visit struct{ ID, Of, Status string }

// Endpoint is what a receiver of webhooks has got.
type Endpoint struct {
	Name  string
	Types []string // that it takes; nil: all
	Got   []Delivery
	// Broken are deliveries whose signature was not good.
	Broken []string
}

// Delivery is a webhook that was verified.
type Delivery struct {
	MessageID, Type, OrderID string
	Sequence                 int64
	Status                   string
}

// Store is what the database says.
type Store struct {
	Orders   []Order
	Events   []Event
	Messages []Message
	Reports  []Report
	Visits   []Visit
	// Counts are how many unfinished orders it says that there are.
	Counts []Count
	// Kept are the orders whose provider has kept an appointment that is over for us, which operations are told (docs/operations.md,
	// appointment_at_provider).
	Kept []string
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

// Report is a row of the inbox.
type Report struct{ ID, OrderID, State string }

// Temporal is what runs.
type Temporal struct {
	Orders     []string // those that have a run
	Deliveries []string // endpoints whose deliveries are being made
}
