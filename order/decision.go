package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Outcome says how a decision treats its cause.
type Outcome string

// The outcomes. A fact is applied, late, refused, or parked until later. A demand is applied or refused. A deadline is
// applied.
const (
	OutcomeApplied Outcome = "applied"
	OutcomeLate    Outcome = "late"
	OutcomeParked  Outcome = "parked"
	OutcomeRefused Outcome = "refused"
)

// Step is one event to be recorded.
type Step struct {
	To      lifecycle.LowStatus `json:"to"`
	Detail  lifecycle.Detail    `json:"detail,omitempty"`
	At      time.Time           `json:"at"`
	Implied bool                `json:"implied,omitempty"`
}

// Decision is the result of a rule: the events to record, and the state after them. The recording sets Sequence and
// Revision of Next.
type Decision struct {
	Outcome           Outcome             `json:"Outcome"`
	Reason            Reason              `json:"Reason"`
	From              lifecycle.LowStatus `json:"From"`
	Steps             []Step              `json:"Steps"`
	Next              State               `json:"Next"`
	StoreShipment     bool                `json:"Ship"`    // the fact's shipment data is the newest: store it
	CreateReplacement bool                `json:"Replace"` // create the replacement order in the same transaction
	CreateRedraw      bool                `json:"Redraw"`  // create the redraw order in the same transaction

	Appointments []AppointmentStep `json:"Appointments,omitempty"` // events of appointments, oldest first
	// an appointment demand that was given up, so that its caller must get an answer
	AbandonedDemandID string `json:"Abandoned,omitempty"`

	now time.Time // by our clock
}

// Recording is one transaction of the store: what a cause does to an order.
type Recording struct {
	OrderID       string   `json:"order_id"`
	Revision      int64    `json:"revision"` // the revision that the decision was made on; compared and set
	Cause         string   `json:"cause"`
	Decision      Decision `json:"decision"`
	Fact          *Fact    `json:"fact,omitempty"`      // the cause, if it is a fact
	DemandID      string   `json:"demand_id,omitempty"` // the cause, if it is a demand
	ResultID      string   `json:"result_id,omitempty"` // the result version that becomes the order's newest
	NewlyCritical bool     `json:"critical,omitempty"`  // that version is critical, and no webhook message has said so yet
	// a result version of an order that ended otherwise, or one that names somebody else; it opens a match review
	HeldResultID string    `json:"held_id,omitempty"`
	At           time.Time `json:"at"`
}

// RecordingResult is the store's answer to a recording.
type RecordingResult struct {
	Revision int64 `json:"revision"`
	Sequence int64 `json:"sequence"`
	// the cause was recorded before; Outcome and Reason are those of that recording
	Duplicate     bool    `json:"duplicate,omitempty"`
	Outcome       Outcome `json:"outcome,omitempty"`
	Reason        Reason  `json:"reason,omitempty"`
	ReplacementID string  `json:"child_id,omitempty"` // the replacement order that was created
}

// newDecision returns a decision that applies its cause and changes nothing yet.
func (s State) newDecision(now time.Time) Decision {
	return Decision{Outcome: OutcomeApplied, From: s.Status, Next: s, now: now}
}

func (d *Decision) setOutcome(o Outcome, r Reason) { d.Outcome, d.Reason = o, r }

// appendStep appends an event and moves the state to it.
func (d *Decision) appendStep(st Step, fromFact bool) {
	d.Steps = append(d.Steps, st)
	d.Next.enterStatus(st, fromFact)
}

// finalize completes the decision: it clears the mark of parked facts if none is left, forgets the triggers of cleared
// marks, and recomputes the deadlines.
func (d *Decision) finalize() Decision {
	if len(d.Next.ParkedFacts) == 0 {
		d.Next.ClearMark(AttentionFactOutOfPlace)
	}
	d.Next.dropTriggers()
	d.Next.recomputeDeadlines()
	return *d
}
