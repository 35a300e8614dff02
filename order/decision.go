package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Outcome is what became of a cause.
type Outcome string

// The outcomes. A fact ends as applied, late or refused, or waits as parked; a demand is applied or refused; a timer is applied.
const (
	Applied Outcome = "applied"
	Late    Outcome = "late"
	Parked  Outcome = "parked"
	Refused Outcome = "refused"
)

// Step is one event to be recorded.
type Step struct {
	To      lifecycle.Low    `json:"to"`
	Detail  lifecycle.Detail `json:"detail,omitempty"`
	At      time.Time        `json:"at"`
	Implied bool             `json:"implied,omitempty"`
}

// Decision is what a cause does to an order: the events to record, and the state after them. Next is complete but for Sequence and
// Revision, which the recording sets.
type Decision struct {
	Outcome Outcome
	Reason  Reason
	From    lifecycle.Low
	Steps   []Step
	Next    State
	Ship    bool // the fact's shipment data is the newest and is to be stored
	Replace bool // create the replacement order in the same transaction
	Redraw  bool // create the redraw order in the same transaction

	Appointments []AppointmentStep `json:",omitempty"` // events of appointments, oldest first
	Abandoned    string            `json:",omitempty"` // a demand about an appointment that nobody waits for any more

	now time.Time // by our clock
}

// Recording is one transaction of the store: what a cause did to an order.
type Recording struct {
	OrderID  string    `json:"order_id"`
	Revision int64     `json:"revision"` // the revision that the decision was made on; compare and set
	Cause    string    `json:"cause"`
	Decision Decision  `json:"decision"`
	Fact     *Fact     `json:"fact,omitempty"`      // the cause, when a partner's report
	DemandID string    `json:"demand_id,omitempty"` // the cause, when a demand
	ResultID string    `json:"result_id,omitempty"` // the result version that this recording makes the order's newest
	Critical bool      `json:"critical,omitempty"`  // that version is critical, and the client has not been told
	HeldID   string    `json:"held_id,omitempty"`   // a result version of an order that ended otherwise: it opens a match review
	At       time.Time `json:"at"`
}

// Recorded is what the store answers.
type Recorded struct {
	Revision  int64   `json:"revision"`
	Sequence  int64   `json:"sequence"`
	Duplicate bool    `json:"duplicate,omitempty"` // the cause had been recorded before; Outcome and Reason are the earlier ones
	Outcome   Outcome `json:"outcome,omitempty"`
	Reason    Reason  `json:"reason,omitempty"`
	ChildID   string  `json:"child_id,omitempty"` // the replacement order that was created
}

// decision begins a decision on the state: nothing changes yet.
func (s State) decision(now time.Time) Decision {
	return Decision{Outcome: Applied, From: s.Status, Next: s, now: now}
}

func (d *Decision) as(o Outcome, r Reason) { d.Outcome, d.Reason = o, r }

// step appends an event and moves the state to it.
func (d *Decision) step(st Step, fromFact bool) {
	d.Steps = append(d.Steps, st)
	d.Next.enter(st, fromFact)
}

// finish computes the deadlines of the new state. The mark of parked facts goes with the last of them.
func (d *Decision) finish() Decision {
	if len(d.Next.Parked) == 0 {
		d.Next.Settle(FactOutOfPlace)
	}
	d.Next.dropTriggers()
	d.Next.arm()
	return *d
}
