package simlab

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// attemptsPerCall is the number of webhook attempts in the traffic log per call (Config.MaxCalls).
const attemptsPerCall = 4

// Outcomes of an order in a PlaceOrder call, and of the operations of the neutral protocol that create something.
const (
	OutcomeAccepted    = "accepted"    // success=true; neutral: 201
	OutcomeRefused     = "refused"     // success=false: not valid, or the script refuses
	OutcomeDuplicate   = "duplicate"   // success=false: the order number already exists; neutral: 200
	OutcomeUnavailable = "unavailable" // the call was answered 503 and changed nothing
	OutcomeDropped     = "dropped"     // accepted, and the connection was closed without an answer
)

// Traffic is the simulated lab's log of the calls that it got and the webhook attempts that it made, oldest first.
type Traffic struct {
	Calls           []Call           `json:"calls"`
	WebhookAttempts []WebhookAttempt `json:"webhooks"`
	// TooSoon counts the calls that started less than Config.Spacing after the previous call of the same account.
	TooSoon int `json:"too_soon"`
	// Dropped counts older calls and webhook attempts that are not in the log any more.
	Dropped int `json:"forgotten"`
}

// Call is one call to the lab.
type Call struct {
	// PlaceOrder, OrderInfo, Notifications, Results or CancelOrder; "neutral." and the operation
	Operation string    `json:"operation"`
	Account   string    `json:"account,omitempty"` // the account of a call of the neutral protocol
	Start     time.Time `json:"start"`             // when the header had arrived
	Status    int       `json:"status"`            // HTTP status of the answer; 0: no answer (yet)
	// started less than Config.Spacing after the previous call of the same account
	TooSoon bool `json:"too_soon"`
	// the orders of the call; empty if it was refused before they were known
	Orders []OrderOutcome `json:"orders"`
	// neutral.results: version of the results in the answer; 0: none
	Version int `json:"results_version,omitempty"`
}

// OrderOutcome is the outcome of one order in a call. Only PlaceOrder, neutral.place, neutral.register and neutral.book
// have outcomes.
type OrderOutcome struct {
	OrderNumber string `json:"order_number"`
	Outcome     string `json:"outcome,omitempty"`
}

// WebhookAttempt is one attempt to deliver a webhook.
type WebhookAttempt struct {
	OrderNumber string          `json:"order_number"`
	ID          string          `json:"id,omitempty"` // webhook-id of a fact of the neutral protocol
	Type        string          `json:"type"`         // type of the fact; "courier" for courier events
	Body        json.RawMessage `json:"body"`
	Attempt     int             `json:"attempt"` // from 1
	At          time.Time       `json:"at"`      // when the attempt began
	Status      int             `json:"status"`  // HTTP status of the answer; 0: no answer
}

// AppointmentState is the present state of an appointment at its provider.
type AppointmentState struct {
	OrderNumber string
	ID          string // assigned by the caller
	Provider    string // empty: it was cancelled before it was booked
	Status      string // a status of docs/partners.md
}

// Appointments lists all appointments in memory, oldest first.
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

// WebhookAttemptsFor returns the webhook attempts about one order.
func (a Traffic) WebhookAttemptsFor(orderNumber string) []WebhookAttempt {
	var webhooks []WebhookAttempt
	for _, webhook := range a.WebhookAttempts {
		if webhook.OrderNumber == orderNumber {
			webhooks = append(webhooks, webhook)
		}
	}
	return webhooks
}

// trafficLog stores calls and webhook attempts.
type trafficLog struct {
	spacing  time.Duration
	maxCalls int // greatest number of calls

	mu        sync.Mutex
	lastStart map[string]time.Time // by account
	tooSoon   int
	dropped   int
	calls     []*callRecord
	attempts  []WebhookAttempt
}

// callRecord is the entry of one call in the log.
type callRecord struct {
	log  *trafficLog
	call Call
}

func newTrafficLog(spacing time.Duration, maxCalls int) *trafficLog {
	return &trafficLog{spacing: spacing, maxCalls: maxCalls, lastStart: map[string]time.Time{}}
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

// addOrder adds an order and its outcome to the call.
func (c *callRecord) addOrder(orderNumber, outcome string) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.call.Orders = append(c.call.Orders, OrderOutcome{OrderNumber: orderNumber, Outcome: outcome})
}

// setResultsVersion records the version of the results in the answer.
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
	traffic := Traffic{Calls: make([]Call, len(l.calls)), WebhookAttempts: slices.Clone(l.attempts), TooSoon: l.tooSoon,
		Dropped: l.dropped}
	for i, record := range l.calls {
		traffic.Calls[i] = record.call
		traffic.Calls[i].Orders = append([]OrderOutcome{}, record.call.Orders...)
	}
	slices.SortStableFunc(traffic.Calls, func(a, b Call) int { return a.Start.Compare(b.Start) })
	return traffic
}

// dropOlderHalf returns the list without its older half if it is full.
func dropOlderHalf[T any](list []T, limit int) []T {
	if len(list) < limit {
		return list
	}
	return slices.Clone(list[limit/2:])
}
