package order

import (
	"strconv"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// FactKind names what a partner reported.
type FactKind string

// The facts. A lab reports on kits, samples and lab reports. A courier, or the lab on its behalf, reports where a kit
// is. A provider reports on draws and appointments.
const (
	FactKitShipped    FactKind = "kit_shipped"
	FactKitReceived   FactKind = "kit_received" // the kit, or a sample drawn elsewhere, is at the lab
	FactKitRejected   FactKind = "kit_rejected" // the kit, or a sample drawn elsewhere, is not usable
	FactReportReady   FactKind = "report_ready"
	FactCourierReport FactKind = "courier_report"
	FactDrawCompleted FactKind = "draw_completed"
	FactAppointment   FactKind = "appointment"
)

// Fact is what a partner reported about one order, in our types. It holds no patient data and no free text, so it may
// enter Temporal. The original stays, verbatim and encrypted, in the inbox item that InboxID names.
type Fact struct {
	InboxID    string    `json:"id"`
	Kind       FactKind  `json:"kind"`
	SentAt     time.Time `json:"sent_at,omitzero"` // by the partner's clock, as sent; zero: missing or unreadable
	ReceivedAt time.Time `json:"received_at"`

	Accession   string           `json:"accession,omitempty"`
	Recoverable *bool            `json:"recoverable,omitempty"` // kit_rejected only; nil when absent or not a boolean
	Detail      lifecycle.Detail `json:"detail,omitempty"`      // recognised in the partner's reason text; empty: none

	OutboundNumber string `json:"outbound,omitempty"` // tracking number to the customer, as sent
	InboundNumber  string `json:"inbound,omitempty"`  // tracking number of the return label, as sent
	KitRegCode     string `json:"kit_reg_code,omitempty"`
	OraQuickLot    string `json:"oraquick_lot_exp,omitempty"`

	Leg string `json:"leg,omitempty"` // courier_report only: outbound, inbound
	// courier_report only: the status that it reports; empty: none
	TargetStatus lifecycle.LowStatus `json:"target,omitempty"`
	LegEnded     bool                `json:"delivered,omitempty"` // courier_report only: the leg has ended

	// Unreadable lists the numbers and codes, by the names of this type's fields or of the partner, that the partner sent
	// and that cannot be read. Their words are in the inbox item only.
	Unreadable []string `json:"unreadable,omitempty"`

	CollectedAt time.Time `json:"collected_at,omitzero"` // when the sample was collected, as sent; zero: not reported

	// appointment only: our id of the appointment, if the provider knows it
	AppointmentID string               `json:"appointment_id,omitempty"`
	Appointment   *ReportedAppointment `json:"appointment,omitempty"` // appointment only

	// the inbox item has the key of an earlier one and other content (molecular-api#d17)
	Amendment bool `json:"amendment,omitempty"`
}

// implausibleAhead is how far ahead of our clock a partner's time may be (order-lifecycle#implausible-time).
const implausibleAhead = 5 * time.Minute

// EffectiveTime returns the time that all decisions and deadlines use: the partner's time if it is plausible, else the
// time of receipt. A partner's time is implausible if it is before the order's creation or more than five minutes after
// the receipt.
func (f Fact) EffectiveTime(createdAt time.Time) (at time.Time, plausible bool) {
	if f.SentAt.IsZero() || f.SentAt.Before(createdAt) || f.SentAt.After(f.ReceivedAt.Add(implausibleAhead)) {
		return f.ReceivedAt, false
	}
	return f.SentAt, true
}

// isFinalRejection reports whether the fact is a rejection without a recovery. If `recoverable` is absent or
// unreadable, the kit counts as recoverable, because a failed order cannot be restored and a blocked one can.
func (f Fact) isFinalRejection() bool {
	return f.Kind == FactKitRejected && f.Recoverable != nil && !*f.Recoverable
}

// trigger returns the trigger of a mark that this fact raises. A repeated fact whose time is not newer has the same
// trigger.
func (f Fact) trigger(r AttentionReason, at time.Time) Trigger {
	says := []string{string(f.Kind), f.Leg, string(f.TargetStatus), string(f.Detail),
		strconv.FormatBool(f.isFinalRejection())}
	if b := f.Appointment; b != nil {
		says = append(says, f.AppointmentID, b.Reference, string(b.Status), b.StartAt.UTC().Format(time.RFC3339))
	}
	return Trigger{Reason: r, What: strings.Join(says, " "), At: at}
}

// appliesTo reports whether a fact of this kind can be about an order of the collection method: only kits travel, and
// only orders with appointments or draws have facts about them.
func (f Fact) appliesTo(m lifecycle.Modality) bool {
	switch f.Kind {
	case FactKitShipped, FactCourierReport:
		return m == lifecycle.Testkit
	case FactDrawCompleted:
		return m != lifecycle.Testkit
	case FactAppointment:
		return AppointmentTypeOf(m) != "" && f.Appointment != nil
	default:
		return true
	}
}

// reporter returns the actor that reports the fact, as the lifecycle machines name it.
func (f Fact) reporter() lifecycle.Actor {
	switch f.Kind {
	case FactCourierReport:
		return lifecycle.Courier
	case FactDrawCompleted, FactAppointment:
		return lifecycle.Provider
	default:
		return lifecycle.Lab
	}
}

// isFromLab reports whether the lab reports the fact, not a courier or a provider.
func (f Fact) isFromLab() bool { return f.reporter() == lifecycle.Lab }
