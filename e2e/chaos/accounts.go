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
	// by (client API contract, section 3).
	Unprotected int
	// Refused are answers that no caller should have got.
	Refused []string
}

// Lab is what the simulated lab has sent and got.
type Lab struct {
	Accepted map[string]int // requisitions that it took, by order number; those that it did not answer included
	// Facts are those that it has sent and that were taken (2xx), each once, by order number.
	Facts map[string]int
	// Untaken counts reports that were never taken.
	Untaken int
}

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
}

// Order is a row of orders.
type Order struct {
	ID, Number, Status, ParentID string
	Registrable                  bool
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
