package sandbox

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// webhooksPerCall is how many attempts at webhooks the account keeps for each call that it keeps (Config.Memory).
const webhooksPerCall = 4

// Outcomes of one order of a PlaceOrder call, and of the calls of the neutral protocol that bring something new.
const (
	OutcomeAccepted    = "accepted"    // success=true; neutral: 201
	OutcomeRefused     = "refused"     // success=false: not valid, or the script refuses
	OutcomeDuplicate   = "duplicate"   // success=false: the order number already exists; neutral: 200
	OutcomeUnavailable = "unavailable" // the call was answered 503, nothing recorded
	OutcomeDropped     = "dropped"     // accepted and recorded, the connection closed without an answer
)

// Account is what a Server has received and sent, oldest first, as far as it remembers.
type Account struct {
	Calls    []Call    `json:"calls"`
	Webhooks []Webhook `json:"webhooks"`
	// TooSoon counts the calls that started less than Config.Spacing after the one before of the same account.
	TooSoon int `json:"too_soon"`
	// Forgotten counts older calls and webhooks, which are no longer among these.
	Forgotten int `json:"forgotten"`
}

// Call is one call to the lab.
type Call struct {
	Operation string    `json:"operation"`                 // PlaceOrder, OrderInfo, Notifications, Results or CancelOrder; neutral.place and so on
	Account   string    `json:"account,omitempty"`         // the account's name in a call of the neutral protocol
	Start     time.Time `json:"start"`                     // when its header had arrived
	Status    int       `json:"status"`                    // HTTP status answered; 0: none (yet)
	TooSoon   bool      `json:"too_soon"`                  // started less than Config.Spacing after the one before of the same account
	Orders    []Outcome `json:"orders"`                    // the orders it was about; empty if it was refused before that was known
	Version   int       `json:"results_version,omitempty"` // neutral.results: which version of the results it was answered with; 0: none
}

// Outcome says what became of one order in a call. Only PlaceOrder, neutral.place, neutral.register and neutral.book have outcomes.
type Outcome struct {
	OrderNumber string `json:"order_number"`
	Outcome     string `json:"outcome,omitempty"`
}

// Webhook is one attempt to deliver a webhook.
type Webhook struct {
	OrderNumber string          `json:"order_number"`
	ID          string          `json:"id,omitempty"` // webhook-id of a fact of the neutral protocol
	Type        string          `json:"type"`         // of the fact; courier: a tracker event
	Body        json.RawMessage `json:"body"`
	Attempt     int             `json:"attempt"` // from 1
	At          time.Time       `json:"at"`      // when the attempt began
	Status      int             `json:"status"`  // HTTP status answered; 0: no answer
}

// Appointment is one that a provider was asked for, as it stands.
type Appointment struct {
	OrderNumber string
	ID          string // the caller's
	Provider    string // empty: it was cancelled before it was ever booked
	Status      string // of docs/partners.md, appointment
}

// Appointments lists all that the providers remember, oldest first.
func (s *Server) Appointments() []Appointment {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Appointment, len(s.diary.sequence))
	for i, a := range s.diary.sequence {
		all[i] = Appointment{OrderNumber: a.number, ID: a.id, Provider: a.provider, Status: a.status}
	}
	return all
}

// CallsFor returns the calls about one order.
func (a Account) CallsFor(orderNumber string) []Call {
	var calls []Call
	for _, call := range a.Calls {
		if slices.ContainsFunc(call.Orders, func(o Outcome) bool { return o.OrderNumber == orderNumber }) {
			calls = append(calls, call)
		}
	}
	return calls
}

// WebhooksFor returns the attempts at webhooks about one order.
func (a Account) WebhooksFor(orderNumber string) []Webhook {
	var webhooks []Webhook
	for _, webhook := range a.Webhooks {
		if webhook.OrderNumber == orderNumber {
			webhooks = append(webhooks, webhook)
		}
	}
	return webhooks
}

// ledger is where the account is kept.
type ledger struct {
	spacing time.Duration
	memory  int // of calls

	mu        sync.Mutex
	lastStart map[string]time.Time // by account
	tooSoon   int
	forgotten int
	calls     []*callRecord
	webhooks  []Webhook
}

// callRecord is the entry of one call in the ledger.
type callRecord struct {
	ledger *ledger
	call   Call
}

func newLedger(spacing time.Duration, memory int) *ledger {
	return &ledger{spacing: spacing, memory: memory, lastStart: map[string]time.Time{}}
}

func (l *ledger) begin(operation, account string, start time.Time) *callRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	record := &callRecord{ledger: l, call: Call{Operation: operation, Account: account, Start: start.UTC()}}
	if last := l.lastStart[account]; !last.IsZero() && start.Sub(last) < l.spacing {
		record.call.TooSoon = true
		l.tooSoon++
	}
	l.lastStart[account] = start
	before := len(l.calls)
	l.calls = append(newest(l.calls, l.memory), record)
	l.forgotten += before + 1 - len(l.calls)
	return record
}

// about books an order that the call is about.
func (c *callRecord) about(orderNumber, outcome string) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.call.Orders = append(c.call.Orders, Outcome{OrderNumber: orderNumber, Outcome: outcome})
}

// served books which version of results the call is answered with.
func (c *callRecord) served(version int) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.call.Version = version
}

func (c *callRecord) answered(status int) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.call.Status = status
}

func (l *ledger) sent(webhook Webhook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.webhooks)
	l.webhooks = append(newest(l.webhooks, webhooksPerCall*l.memory), webhook)
	l.forgotten += before + 1 - len(l.webhooks)
}

func (l *ledger) snapshot() Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	account := Account{Calls: make([]Call, len(l.calls)), Webhooks: slices.Clone(l.webhooks), TooSoon: l.tooSoon, Forgotten: l.forgotten}
	for i, record := range l.calls {
		account.Calls[i] = record.call
		account.Calls[i].Orders = append([]Outcome{}, record.call.Orders...)
	}
	slices.SortStableFunc(account.Calls, func(a, b Call) int { return a.Start.Compare(b.Start) })
	return account
}

// newest makes room in a full list by dropping its older half.
func newest[T any](list []T, limit int) []T {
	if len(list) < limit {
		return list
	}
	return slices.Clone(list[limit/2:])
}
