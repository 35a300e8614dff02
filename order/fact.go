package order

import (
	"strconv"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// FactKind names what a partner reported.
type FactKind string

// The facts. A lab reports on kits, samples and reports; a courier, or the lab for its courier, on where a kit is; a provider on
// draws and appointments.
const (
	KitShipped        FactKind = "kit_shipped"
	KitReceived       FactKind = "kit_received" // the kit, or a sample drawn elsewhere, is at the lab
	KitRejected       FactKind = "kit_rejected" // the kit, or a sample drawn elsewhere, is not usable
	ReportReady       FactKind = "report_ready"
	CourierReport     FactKind = "courier_report"
	DrawReport        FactKind = "draw_completed"
	AppointmentReport FactKind = "appointment"
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

	CollectedAt time.Time `json:"collected_at,omitzero"` // when the sample was collected, as sent; zero: not told

	AppointmentID string  `json:"appointment_id,omitempty"` // appointment only: our id, where the provider knows it
	Appointment   *Booked `json:"appointment,omitempty"`    // appointment only: how it stands

	Amendment bool `json:"amendment,omitempty"` // same key as an earlier report with other content (molecular-api#d17)
}

// implausibleAhead is how far ahead of our clock a partner's time may be (order-lifecycle#implausible-time).
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

// trigger is what the fact raises a mark for. A repeat that is not newer is the same trigger.
func (f Fact) trigger(r AttentionReason, at time.Time) Trigger {
	says := []string{string(f.Kind), f.Leg, string(f.Target), string(f.Detail), strconv.FormatBool(f.final())}
	if b := f.Appointment; b != nil {
		says = append(says, f.AppointmentID, b.Reference, string(b.Status), b.StartAt.UTC().Format(time.RFC3339))
	}
	return Trigger{Reason: r, What: strings.Join(says, " "), At: at}
}

// fits reports whether orders of the collection method have what the fact is about: kits travel, and blood is drawn by appointment.
func (f Fact) fits(m lifecycle.Modality) bool {
	switch f.Kind {
	case KitShipped, CourierReport:
		return m == lifecycle.Testkit
	case DrawReport:
		return m != lifecycle.Testkit
	case AppointmentReport:
		return AppointmentTypeOf(m) != "" && f.Appointment != nil
	default:
		return true
	}
}

// actor is who reports the fact, as the lifecycle tables know it.
func (f Fact) actor() lifecycle.Actor {
	switch f.Kind {
	case CourierReport:
		return lifecycle.Courier
	case DrawReport, AppointmentReport:
		return lifecycle.Provider
	default:
		return lifecycle.Lab
	}
}

// fromLab reports whether the lab itself is the source, as against a courier or a provider.
func (f Fact) fromLab() bool { return f.actor() == lifecycle.Lab }
