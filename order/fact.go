package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// FactKind names what a partner reported. The first four are a lab's, the last is a courier's.
type FactKind string

// The facts of a testkit.
const (
	KitShipped    FactKind = "kit_shipped"
	KitReceived   FactKind = "kit_received"
	KitRejected   FactKind = "kit_rejected"
	ReportReady   FactKind = "report_ready"
	CourierReport FactKind = "courier_report"
)

// Fact is a partner's report in our own words. It carries no patient data and no free text, so it may travel through Temporal;
// the report itself stays, verbatim and encrypted, in the inbox row that InboxID names.
type Fact struct {
	InboxID    string    `json:"id"`
	Kind       FactKind  `json:"kind"`
	SentAt     time.Time `json:"sent_at,omitzero"` // by the partner's clock, as sent; zero when missing or unreadable
	ReceivedAt time.Time `json:"received_at"`

	Accession   string           `json:"accession,omitempty"`
	Recoverable *bool            `json:"recoverable,omitempty"` // kit_rejected only; nil when absent or not a boolean
	Detail      lifecycle.Detail `json:"detail,omitempty"`      // recognised from the reason text; empty otherwise

	Outbound    string `json:"outbound,omitempty"` // tracking number to the customer, as sent
	Inbound     string `json:"inbound,omitempty"`  // tracking number of the return label, as sent
	KitRegCode  string `json:"kit_reg_code,omitempty"`
	OraQuickLot string `json:"oraquick_lot_exp,omitempty"`

	Leg       string        `json:"leg,omitempty"`       // courier_report only: outbound, inbound
	Target    lifecycle.Low `json:"target,omitempty"`    // courier_report only: the status that it asks for; empty: none
	Delivered bool          `json:"delivered,omitempty"` // courier_report only: the leg has ended

	Amendment bool `json:"amendment,omitempty"` // same key as an earlier report with other content (Molecular contract, D17)
}

// implausibleAhead is how far ahead of our clock a partner's time may be (the lifecycle contract).
const implausibleAhead = 5 * time.Minute

// At is the time that every decision and timer uses: the partner's where it is plausible, else the time of receipt.
// A time is implausible before the order's creation or more than five minutes ahead of its receipt.
func (f Fact) At(createdAt time.Time) (at time.Time, plausible bool) {
	if f.SentAt.IsZero() || f.SentAt.Before(createdAt) || f.SentAt.After(f.ReceivedAt.Add(implausibleAhead)) {
		return f.ReceivedAt, false
	}
	return f.SentAt, true
}

// final reports whether the fact is a rejection for good. Absent or unreadable `recoverable` counts as recoverable, because
// failing cannot be undone and blocking can.
func (f Fact) final() bool { return f.Kind == KitRejected && f.Recoverable != nil && !*f.Recoverable }

// actor is who reports the fact, as the lifecycle tables know it.
func (f Fact) actor() lifecycle.Actor {
	if f.FromLab() {
		return lifecycle.Lab
	}
	return lifecycle.Courier
}

// FromLab reports whether the lab itself is the source, as against a courier.
func (f Fact) FromLab() bool { return f.Kind != CourierReport }
