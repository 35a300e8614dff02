package simlab

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// attemptsPerCall is how many attempts at webhooks the account keeps for each call that it keeps (Config.Memory).
const attemptsPerCall = 4

// Outcomes of one order of a PlaceOrder call, and of the calls of the neutral protocol that bring something new.
const (
	OutcomeAccepted    = "accepted"    // success=true; neutral: 201
	OutcomeRefused     = "refused"     // success=false: not valid, or the script refuses
	OutcomeDuplicate   = "duplicate"   // success=false: the order number already exists; neutral: 200
	OutcomeUnavailable = "unavailable" // the call was answered 503, nothing recorded
	OutcomeDropped     = "dropped"     // accepted and recorded, the connection closed without an answer
)

// Traffic is what a Server has received and sent, oldest first, as far as it remembers.
type Traffic struct {
	Calls           []Call           `json:"calls"`
	WebhookAttempts []WebhookAttempt `json:"webhooks"`
	// TooSoon counts the calls that started less than Config.Spacing after the one before of the same account.
	TooSoon int `json:"too_soon"`
	// Dropped counts older calls and webhooks, which are no longer among these.
	Dropped int `json:"forgotten"`
}

// Call is one call to the lab.
type Call struct {
	// PlaceOrder, OrderInfo, Notifications, Results or CancelOrder; neutral.place and so on
	Operation string    `json:"operation"`
	Account   string    `json:"account,omitempty"` // the account's name in a call of the neutral protocol
	Start     time.Time `json:"start"`             // when its header had arrived
	Status    int       `json:"status"`            // HTTP status answered; 0: none (yet)
	// started less than Config.Spacing after the one before of the same account
	TooSoon bool `json:"too_soon"`
	// the orders it was about; empty if it was refused before that was known
	Orders []OrderOutcome `json:"orders"`
	// neutral.results: which version of the results it was answered with; 0: none
	Version int `json:"results_version,omitempty"`
}

// OrderOutcome says what became of one order in a call. Only PlaceOrder, neutral.place, neutral.register and neutral.book have outcomes.
type OrderOutcome struct {
	OrderNumber string `json:"order_number"`
	Outcome     string `json:"outcome,omitempty"`
}

// WebhookAttempt is one attempt to deliver a webhook.
type WebhookAttempt struct {
	OrderNumber string          `json:"order_number"`
	ID          string          `json:"id,omitempty"` // webhook-id of a fact of the neutral protocol
	Type        string          `json:"type"`         // of the fact; courier: a tracker event
	Body        json.RawMessage `json:"body"`
	Attempt     int             `json:"attempt"` // from 1
	At          time.Time       `json:"at"`      // when the attempt began
	Status      int             `json:"status"`  // HTTP status answered; 0: no answer
}

// AppointmentState is one that a provider was asked for, as it stands.
type AppointmentState struct {
	OrderNumber string
	ID          string // the caller's
	Provider    string // empty: it was cancelled before it was ever booked
	Status      string // of docs/partners.md, appointment
}

// Appointments lists all that the providers remember, oldest first.
func (s *Server) Appointments() []AppointmentState {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]AppointmentState, len(s.appointments.byAge))
	for i, a := range s.appointments.byAge {
		all[i] = AppointmentState{OrderNumber: a.number, ID: a.id, Provider: a.provider, Status: a.status}
	}
	return all
}

// CallsFor returns the calls about one order.
func (a Traffic) CallsFor(orderNumber string) []Call {
	var calls []Call
	for _, call := range a.Calls {
		if slices.ContainsFunc(call.Orders, func(o OrderOutcome) bool { return o.OrderNumber == orderNumber }) {
			calls = append(calls, call)
		}
	}
	return calls
}

// WebhookAttemptsFor returns the attempts at webhooks about one order.
func (a Traffic) WebhookAttemptsFor(orderNumber string) []WebhookAttempt {
	var webhooks []WebhookAttempt
	for _, webhook := range a.WebhookAttempts {
		if webhook.OrderNumber == orderNumber {
			webhooks = append(webhooks, webhook)
		}
	}
	return webhooks
}

// trafficLog is where the account is kept.
type trafficLog struct {
	spacing  time.Duration
	maxCalls int // of calls

	mu        sync.Mutex
	lastStart map[string]time.Time // by account
	tooSoon   int
	dropped   int
	calls     []*callRecord
	attempts  []WebhookAttempt
}

// callRecord is the entry of one call in the ledger.
type callRecord struct {
	log  *trafficLog
	call Call
}

func newTrafficLog(spacing time.Duration, memory int) *trafficLog {
	return &trafficLog{spacing: spacing, maxCalls: memory, lastStart: map[string]time.Time{}}
}

func (l *trafficLog) startCall(operation, account string, start time.Time) *callRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	record := &callRecord{log: l, call: Call{Operation: operation, Account: account, Start: start.UTC()}}
	if last := l.lastStart[account]; !last.IsZero() && start.Sub(last) < l.spacing {
		record.call.TooSoon = true
		l.tooSoon++
	}
	l.lastStart[account] = start
	before := len(l.calls)
	l.calls = append(dropOlderHalf(l.calls, l.maxCalls), record)
	l.dropped += before + 1 - len(l.calls)
	return record
}

// addOrder books an order that the call is about.
func (c *callRecord) addOrder(orderNumber, outcome string) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.call.Orders = append(c.call.Orders, OrderOutcome{OrderNumber: orderNumber, Outcome: outcome})
}

// setResultsVersion books which version of results the call is answered with.
func (c *callRecord) setResultsVersion(version int) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.call.Version = version
}

func (c *callRecord) setStatus(status int) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.call.Status = status
}

func (l *trafficLog) addAttempt(webhook WebhookAttempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.attempts)
	l.attempts = append(dropOlderHalf(l.attempts, attemptsPerCall*l.maxCalls), webhook)
	l.dropped += before + 1 - len(l.attempts)
}

func (l *trafficLog) snapshot() Traffic {
	l.mu.Lock()
	defer l.mu.Unlock()
	account := Traffic{Calls: make([]Call, len(l.calls)), WebhookAttempts: slices.Clone(l.attempts), TooSoon: l.tooSoon,
		Dropped: l.dropped}
	for i, record := range l.calls {
		account.Calls[i] = record.call
		account.Calls[i].Orders = append([]OrderOutcome{}, record.call.Orders...)
	}
	slices.SortStableFunc(account.Calls, func(a, b Call) int { return a.Start.Compare(b.Start) })
	return account
}

// dropOlderHalf makes room in a full list by dropping its older half.
func dropOlderHalf[T any](list []T, limit int) []T {
	if len(list) < limit {
		return list
	}
	return slices.Clone(list[limit/2:])
}
