package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// State is what the workflow of an order works with. It holds no patient data and no free text. The store holds it with
// the order, so a run that starts, continues as new or is rebuilt begins where the last recording ended.
type State struct { //nolint:recvcheck // rules take it by value; the functions that build the next state take a pointer
	OrderID          string             `json:"order_id"`
	TeamID           string             `json:"team_id"`
	Number           string             `json:"number"`
	KitID            string             `json:"kit_id,omitempty"`    // registrable kits: the number printed on the kit
	Accession        string             `json:"accession,omitempty"` // the lab's number of the requisition
	Modality         lifecycle.Modality `json:"modality"`
	Registrable      bool               `json:"registrable,omitempty"`
	Registered       bool               `json:"registered,omitempty"`
	RegisteredAt     time.Time          `json:"registered_at,omitzero"`
	Imported         bool               `json:"imported,omitempty"` // the requisition was made elsewhere
	IsRedraw         bool               `json:"redraw,omitempty"`   // its origin is redraw
	ReplacementDepth int                `json:"depth,omitempty"`    // replacements between it and the initial order
	CreatedAt        time.Time          `json:"created_at"`
	Policy           Policy             `json:"policy"`

	Status   lifecycle.LowStatus `json:"status"`
	Detail   lifecycle.Detail    `json:"detail,omitempty"`
	Sequence int64               `json:"sequence"`
	Revision int64               `json:"revision"`
	// the time of the newest fact that set the present status; an older fact is late
	NewestFactAt time.Time `json:"fact_at"`
	// when the order entered the present status: the time of the cause, if plausible
	EnteredAt time.Time `json:"entered_at"`

	ActivateBy string    `json:"activate_by,omitempty"` // YYYY-MM-DD; empty: not scheduled, or cleared by a demand
	ActivateAt time.Time `json:"activate_at,omitzero"`  // first instant of that day in the service's zone
	Scheduled  bool      `json:"scheduled,omitempty"`   // created with activate_by, so a demand may move or clear it
	// worst-case turnaround of the test, days; 0: the policy's default
	TurnaroundDays int `json:"result_days,omitempty"`

	Placement  Placement `json:"placement"`
	HasShipped bool      `json:"shipped,omitempty"`
	ShipmentAt time.Time `json:"shipment_at,omitzero"` // time of the fact that the stored shipment is from
	// the trackers of the stored shipment have still to be created
	TrackersPending bool          `json:"trackers,omitempty"`
	Outbound        LegProgress   `json:"outbound"`
	Inbound         LegProgress   `json:"inbound"`
	Recovery        RecoveryState `json:"recovery"`
	// what a recovery supplied is being sent to the lab
	PendingCorrection *PendingCorrection `json:"correcting,omitempty"`
	Fetch             Fetch              `json:"fetch"`
	Replaced          bool               `json:"replaced,omitempty"` // a replacement exists
	// when the sample was collected; zero: not known
	CollectedAt time.Time    `json:"collected_at,omitzero"`
	Appointment *Appointment `json:"appointment,omitempty"` // the newest one, active or not
	// the demand about an appointment that the provider is being asked for
	PendingBooking *PendingBooking `json:"booking,omitempty"`
	// the ids of earlier appointments, ours and the providers', oldest first
	PastAppointmentIDs []string `json:"past,omitempty"`
	// appointments that the provider has still to drop
	PendingReleases []AppointmentRelease `json:"releasing,omitempty"`
	// a provider refused to drop an appointment, and nobody has acknowledged that
	ReleaseRefused bool `json:"undropped,omitempty"`
	// a cancellation that the partner has been asked to confirm
	PendingCancellation *Demand `json:"cancelling,omitempty"`

	Attention      []Attention `json:"attention,omitempty"` // sorted by reason
	Triggers       []Trigger   `json:"triggers,omitempty"`  // what marks were raised for, oldest first
	Deadlines      []Deadline  `json:"deadlines,omitempty"` // sorted by due time, then name
	FiredDeadlines []Deadline  `json:"fired,omitempty"`     // deadlines that have acted, oldest first
	ParkedFacts    []Fact      `json:"parked,omitempty"`    // in order of arrival
}

// PlacementState is how far the requisition has come.
type PlacementState string

// The states of a placement.
const (
	PlacementNone    PlacementState = ""        // nothing has been sent
	PlacementHeld    PlacementState = "held"    // nothing has been sent: a silent order waits for a simulation
	PlacementStarted PlacementState = "started" // a call has been, or is about to be, sent; its outcome is not known yet
	PlacementRefused PlacementState = "refused" // refused by the lab; operations may try again
	PlacementDone    PlacementState = "done"
)

// Placement is the state of sending the requisition to the lab. The order number is recorded before the first call.
// Every attempt of the same intent uses the same number (molecular-api#d20, molecular-api#d22).
type Placement struct {
	State            PlacementState `json:"state,omitempty"`
	UnansweredRounds int            `json:"tries,omitempty"` // rounds of attempts that ended without an answer
}

// isSent reports whether the requisition has been, or is about to be, sent.
func (p Placement) isSent() bool { return p.State != PlacementNone && p.State != PlacementHeld }

// LegProgress holds the reports of a courier on one leg.
type LegProgress struct {
	StartedAt    time.Time `json:"since,omitzero"` // when the kit set out on the leg
	LastReportAt time.Time `json:"at,omitzero"`    // time of the newest courier fact; zero: none so far
	Delivered    bool      `json:"delivered,omitempty"`
	Finished     bool      `json:"over,omitempty"` // the kit is past this leg, whatever the courier reports
}

// inProgress reports whether the kit is on the leg.
func (l LegProgress) inProgress() bool { return !l.StartedAt.IsZero() && !l.Finished }

// RecoveryState is an open recovery window.
type RecoveryState struct {
	OpenedAt time.Time `json:"opened_at,omitzero"` // zero: none is open
	Restarts int       `json:"restarts,omitempty"`
	// SuppliedAt is when somebody supplied in this window what the lab asked for; zero: nobody has.
	SuppliedAt time.Time `json:"supplied_at,omitzero"`
}

// Fetch is the state of fetching an announced lab report.
type Fetch struct {
	Pending bool `json:"pending,omitempty"`
	// the number of the announcement; a fetch for an older one does not end the fetch
	Generation     int       `json:"generation,omitempty"`
	AnnouncedAt    time.Time `json:"announced_at,omitzero"`
	StartedAt      time.Time `json:"started_at,omitzero"` // when the schedule of attempts began, by our clock
	Attempts       int       `json:"attempts,omitempty"`  // attempts for the present generation
	GivenUp        bool      `json:"given_up,omitempty"`  // the schedule is exhausted
	StoredVersions int       `json:"versions,omitempty"`  // number of stored result versions
	Shown          string    `json:"shown,omitempty"`     // the version that was last made visible to the client
}

// inProgress reports whether further attempts to fetch a lab report will be made.
func (f Fetch) inProgress() bool { return f.Pending && !f.GivenUp }

// PendingBooking is a demand about an appointment that its provider is being asked for.
type PendingBooking struct {
	Demand  Demand    `json:"demand"`
	AskedAt time.Time `json:"asked_at"`
	// an asynchronous booking: the caller was answered "pending", and the appointment exists
	AnsweredPending bool `json:"waited,omitempty"`
}

// AppointmentRelease is an appointment that has ended for us and that its provider has still to drop.
type AppointmentRelease struct {
	AppointmentID      string `json:"appointment_id"`
	AccountID          string `json:"account_id"`
	Provider           string `json:"provider"`
	Reference          string `json:"reference,omitempty"`
	UnansweredAttempts int    `json:"tries,omitempty"`
}

// PendingCorrection is a correction that is being sent to the lab.
type PendingCorrection struct {
	DemandID         string `json:"demand_id"`
	UnansweredRounds int    `json:"tries,omitempty"` // rounds of attempts that ended without an answer
}

// Machine returns the lifecycle machine that the order follows at present.
func (s State) Machine() *lifecycle.Machine {
	return lifecycle.MachineFor(s.Modality, s.Registrable, s.Registered)
}

// Conditions returns what the guards of the lifecycle machine depend on.
func (s State) Conditions() lifecycle.Conditions {
	return lifecycle.Conditions{Shipped: s.HasShipped, Redraw: s.IsRedraw}
}

// Terminal reports whether the order has ended.
func (s State) Terminal() bool { return lifecycle.Terminal(s.Status) }

// Failed reports whether the order ended in a way that allows a replacement.
func (s State) Failed() bool {
	return s.Status.In(lifecycle.StageFailed, lifecycle.StageFailedOutbound, lifecycle.StageFailedInbound)
}

// awaitsRequisition reports whether the lab has still to accept the order.
func (s State) awaitsRequisition() bool {
	return s.Status.In(lifecycle.StageOrdered, lifecycle.StageRegistered)
}

// statusAfterPlacement returns the status that the order enters when the lab accepts it.
func (s State) statusAfterPlacement() lifecycle.LowStatus {
	if s.Registrable && !s.Registered {
		return lifecycle.AwaitingRegistration
	}
	return lifecycle.RequisitionCreated
}

// FullStatus returns the status as the client API writes it, in three parts.
func (s State) FullStatus() lifecycle.Status { return lifecycle.MustFullStatus(s.Modality, s.Status) }
