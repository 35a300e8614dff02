package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// State is what the workflow of an order works with: no patient data and no free text. The store keeps it with the order, so a
// run that starts anew, continues or is rebuilt begins where the last recording left off.
type State struct { //nolint:recvcheck // rules take it by value and cannot change it; what builds the next one takes a pointer
	OrderID          string             `json:"order_id"`
	TeamID           string             `json:"team_id"`
	Number           string             `json:"number"`
	KitID            string             `json:"kit_id,omitempty"`    // registrable kits: what is printed on it
	Accession        string             `json:"accession,omitempty"` // the lab's number of the requisition
	Modality         lifecycle.Modality `json:"modality"`
	Registrable      bool               `json:"registrable,omitempty"`
	Registered       bool               `json:"registered,omitempty"`
	RegisteredAt     time.Time          `json:"registered_at,omitzero"`
	Imported         bool               `json:"imported,omitempty"` // its requisition was made elsewhere
	IsRedraw         bool               `json:"redraw,omitempty"`   // its origin is redraw
	ReplacementDepth int                `json:"depth,omitempty"`    // replacements between it and the initial order
	CreatedAt        time.Time          `json:"created_at"`
	Policy           Policy             `json:"policy"`

	Status   lifecycle.LowStatus `json:"status"`
	Detail   lifecycle.Detail    `json:"detail,omitempty"`
	Sequence int64               `json:"sequence"`
	Revision int64               `json:"revision"`
	// of the newest fact that set the present status; what lateness is measured by
	NewestFactAt time.Time `json:"fact_at"`
	// when the present status was entered, by the (plausible) time of its cause
	EnteredAt time.Time `json:"entered_at"`

	ActivateBy string    `json:"activate_by,omitempty"` // YYYY-MM-DD; empty: not scheduled, or cleared
	ActivateAt time.Time `json:"activate_at,omitzero"`  // first instant of that day in the service's zone
	Scheduled  bool      `json:"scheduled,omitempty"`   // created with activate_by, so it may be moved or cleared
	// worst-case turnaround of the test, days; 0: the policy's default
	TurnaroundDays int `json:"result_days,omitempty"`

	Placement  Placement `json:"placement"`
	HasShipped bool      `json:"shipped,omitempty"`
	ShipmentAt time.Time `json:"shipment_at,omitzero"` // of the fact that the stored shipment is from
	// trackers of the stored shipment are still to be created
	TrackersPending bool          `json:"trackers,omitempty"`
	Outbound        LegProgress   `json:"outbound"`
	Inbound         LegProgress   `json:"inbound"`
	Recovery        RecoveryState `json:"recovery"`
	// what was missing has been supplied, and the lab is being told
	PendingCorrection *PendingCorrection `json:"correcting,omitempty"`
	Fetch             Fetch              `json:"fetch"`
	Replaced          bool               `json:"replaced,omitempty"` // a replacement exists
	// when the sample was collected; zero: not known
	CollectedAt time.Time    `json:"collected_at,omitzero"`
	Appointment *Appointment `json:"appointment,omitempty"` // the newest one, active or not
	// a change of an appointment that the provider is being asked for
	PendingBooking *PendingBooking `json:"booking,omitempty"`
	// what earlier appointments go by, ours and their providers' ids, oldest first
	PastAppointmentIDs []string `json:"past,omitempty"`
	// appointments that the provider has still to be told to drop
	PendingReleases []AppointmentRelease `json:"releasing,omitempty"`
	// a provider would not drop one, and nobody has acknowledged that
	ReleaseRefused bool `json:"undropped,omitempty"`
	// a cancellation that the partner has been asked to confirm
	PendingCancellation *Demand `json:"cancelling,omitempty"`

	Attention      []Attention `json:"attention,omitempty"` // sorted by reason
	Triggers       []Trigger   `json:"triggers,omitempty"`  // what marks were raised for, oldest first
	Deadlines      []Deadline  `json:"deadlines,omitempty"` // sorted by due time, then name
	FiredDeadlines []Deadline  `json:"fired,omitempty"`     // what has acted, oldest first
	ParkedFacts    []Fact      `json:"parked,omitempty"`    // in order of arrival
}

// PlacementState is how far the requisition has come.
type PlacementState string

// The states of a placement.
const (
	PlacementNone    PlacementState = ""        // nothing has been sent
	PlacementStarted PlacementState = "started" // a call has been, or is about to be, sent; its outcome is not known yet
	PlacementRefused PlacementState = "refused" // refused for good; operations may try again
	PlacementDone    PlacementState = "done"
)

// Placement is the requisition call. The order number is committed before the call is made, and the same number is used for every
// attempt of the same intent (molecular-api#d20, molecular-api#d22).
type Placement struct {
	State            PlacementState `json:"state,omitempty"`
	UnansweredRounds int            `json:"tries,omitempty"` // rounds of attempts that ended without an answer
}

// LegProgress is what a courier has said of one leg.
type LegProgress struct {
	StartedAt    time.Time `json:"since,omitzero"` // when the kit set out on the leg
	LastReportAt time.Time `json:"at,omitzero"`    // newest report; zero: never
	Delivered    bool      `json:"delivered,omitempty"`
	Finished     bool      `json:"over,omitempty"` // the kit has come further, whatever the courier says
}

// inProgress reports whether the kit is on the leg.
func (l LegProgress) inProgress() bool { return !l.StartedAt.IsZero() && !l.Finished }

// RecoveryState is an open recovery window.
type RecoveryState struct {
	OpenedAt time.Time `json:"opened_at,omitzero"` // zero: none is open
	Restarts int       `json:"restarts,omitempty"`
	// SuppliedAt is when somebody supplied what the lab asked for in this window; zero: nobody has.
	SuppliedAt time.Time `json:"supplied_at,omitzero"`
}

// Fetch is an announced report that is still to be fetched.
type Fetch struct {
	Pending bool `json:"pending,omitempty"`
	// rises with every announcement; a fetch begun before a newer one does not end it
	Generation     int       `json:"generation,omitempty"`
	AnnouncedAt    time.Time `json:"announced_at,omitzero"`
	StartedAt      time.Time `json:"started_at,omitzero"` // when the schedule began, by our clock
	Attempts       int       `json:"attempts,omitempty"`  // made of the present generation
	GivenUp        bool      `json:"given_up,omitempty"`  // the schedule is exhausted
	StoredVersions int       `json:"versions,omitempty"`  // stored report versions
	Shown          string    `json:"shown,omitempty"`     // the version that was last made visible to the client
}

// inProgress reports whether a report is announced that further attempts will be made to fetch.
func (f Fetch) inProgress() bool { return f.Pending && !f.GivenUp }

// PendingBooking is a demand about an appointment that its provider is being asked for.
type PendingBooking struct {
	Demand  Demand    `json:"demand"`
	AskedAt time.Time `json:"asked_at"`
	// asynchronous: the caller has been told that it is pending, and the appointment exists
	AnsweredPending bool `json:"waited,omitempty"`
}

// AppointmentRelease is an appointment that is over for us and of which the provider has still to be told.
type AppointmentRelease struct {
	AppointmentID      string `json:"appointment_id"`
	AccountID          string `json:"account_id"`
	Provider           string `json:"provider"`
	Reference          string `json:"reference,omitempty"`
	UnansweredAttempts int    `json:"tries,omitempty"`
}

// PendingCorrection is a correction that the lab is being told of.
type PendingCorrection struct {
	DemandID         string `json:"demand_id"`
	UnansweredRounds int    `json:"tries,omitempty"` // rounds of attempts that ended without an answer
}

// Machine is the lifecycle table that the order follows now.
func (s State) Machine() *lifecycle.Machine {
	return lifecycle.MachineFor(s.Modality, s.Registrable, s.Registered)
}

// Conditions is what the guards of the lifecycle table look at.
func (s State) Conditions() lifecycle.Conditions {
	return lifecycle.Conditions{Shipped: s.HasShipped, Redraw: s.IsRedraw}
}

// Terminal reports whether the order has ended.
func (s State) Terminal() bool { return lifecycle.Terminal(s.Status) }

// Failed reports whether the order ended in a way that allows a replacement.
func (s State) Failed() bool {
	return s.Status.In(lifecycle.StageFailed, lifecycle.StageFailedOutbound, lifecycle.StageFailedInbound)
}

// awaitsRequisition reports whether the order waits for the lab to take it.
func (s State) awaitsRequisition() bool {
	return s.Status.In(lifecycle.StageOrdered, lifecycle.StageRegistered)
}

// statusAfterPlacement is the status that follows once the lab has taken the order.
func (s State) statusAfterPlacement() lifecycle.LowStatus {
	if s.Registrable && !s.Registered {
		return lifecycle.AwaitingRegistration
	}
	return lifecycle.RequisitionCreated
}

// FullStatus is the status as the client API writes it.
func (s State) FullStatus() lifecycle.Status { return lifecycle.MustFullStatus(s.Modality, s.Status) }
