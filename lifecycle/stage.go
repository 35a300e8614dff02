package lifecycle

import "slices"

// Stage is how far an order has come. Statuses of one stage have the same deadlines and the same attention marks, and
// differ only in their names and edges.
type Stage string

// The stages, in the order in which an order usually passes them.
const (
	StageOrdered              Stage = "ordered"
	StageUnregistered         Stage = "unregistered"
	StageRegistered           Stage = "registered"
	StagePlaced               Stage = "placed"
	StageOutbound             Stage = "outbound"
	StageWithCustomer         Stage = "with customer"
	StageInbound              Stage = "inbound"
	StageAppointmentPending   Stage = "appointment pending"
	StageAppointmentScheduled Stage = "appointment scheduled"
	StageAppointmentCancelled Stage = "appointment cancelled"
	StageDrawn                Stage = "drawn"
	StageAtLab                Stage = "at lab"
	StageBlocked              Stage = "blocked"
	StagePartialResults       Stage = "partial results"
	StageRedraw               Stage = "redraw"
	StageCompleted            Stage = "completed"
	StageFailed               Stage = "failed"
	StageFailedOutbound       Stage = "failed outbound"
	StageFailedInbound        Stage = "failed inbound"
	StageCancelled            Stage = "cancelled"
)

// Leg is one direction of a kit's transit. Empty means neither.
type Leg string

// The legs of a kit.
const (
	Outbound Leg = "outbound" // from the lab to the customer
	Inbound  Leg = "inbound"  // from the customer to the lab
)

// stageRow is what all statuses of a stage have in common.
type stageRow struct {
	stage       Stage
	terminal    bool              // it ends the order
	leg         Leg               // the leg on which courier facts report a status of the stage
	appointment AppointmentStatus // the status of the appointment that the order follows
	about       string
}

// stages has a row for each stage.
var stages = []stageRow{
	{stage: StageOrdered, about: "the lab has not accepted the order yet"},
	{stage: StageUnregistered, about: "the lab may send the kit, and nobody has registered it"},
	{stage: StageRegistered, about: "the patient of the kit is known, and the lab has not accepted the order yet"},
	{stage: StagePlaced, about: "the lab has accepted the order"},
	{stage: StageOutbound, leg: Outbound, about: "the kit is in transit to the customer"},
	{stage: StageWithCustomer, leg: Outbound, about: "the customer has the kit"},
	{stage: StageInbound, leg: Inbound, about: "the kit is in transit to the lab"},
	{stage: StageAppointmentPending, appointment: AppointmentStatusPending,
		about: "the provider has not confirmed the appointment yet"},
	{stage: StageAppointmentScheduled, appointment: AppointmentStatusConfirmed, about: "the appointment is confirmed"},
	{stage: StageAppointmentCancelled, appointment: AppointmentStatusCancelled,
		about: "the order has no active appointment"},
	{stage: StageDrawn, about: "the sample is drawn, and its results are awaited"},
	{stage: StageAtLab, leg: Inbound, about: "the lab has the kit, and its results are awaited"},
	{stage: StageBlocked, about: "the lab has the kit and cannot process it until something is supplied"},
	{stage: StagePartialResults, about: "some results have arrived"},
	{stage: StageRedraw, terminal: true,
		about: "results are missing through the lab's fault, and another order draws the sample again"},
	{stage: StageCompleted, terminal: true, about: "the results have arrived"},
	{stage: StageFailed, terminal: true, about: "there will be no results"},
	{stage: StageFailedOutbound, terminal: true, leg: Outbound,
		about: "there will be no results: the customer did not get the kit"},
	{stage: StageFailedInbound, terminal: true, leg: Inbound,
		about: "there will be no results: the lab did not get the kit"},
	{stage: StageCancelled, terminal: true, about: "somebody stopped the order"},
}

// row returns the row of the status's stage, or the zero value for a status that does not exist.
func (l LowStatus) row() stageRow {
	stage := l.Stage()
	for _, row := range stages {
		if row.stage == stage {
			return row
		}
	}
	return stageRow{}
}

// Stage returns the stage of a status; empty: the status does not exist.
func (l LowStatus) Stage() Stage {
	if i := statusIndex(l); i >= 0 {
		return statuses[i].stage
	}
	return ""
}

// In reports whether the status is in one of the given stages.
func (l LowStatus) In(these ...Stage) bool { return slices.Contains(these, l.Stage()) }

// LowsIn lists the statuses of the given stages, in the order of Statuses.
func LowsIn(these ...Stage) []LowStatus {
	var lows []LowStatus
	for _, row := range statuses {
		if slices.Contains(these, row.stage) {
			lows = append(lows, row.low)
		}
	}
	return lows
}

// Terminal reports whether a status ends the order. Only one edge leaves a terminal status: from completed or corrected
// to corrected.
func Terminal(l LowStatus) bool { return l.row().terminal }

// Leg returns the leg on which courier facts report the status; empty: neither leg, or both.
func (l LowStatus) Leg() Leg { return l.row().leg }

// Appointment returns the status of the appointment that an order in the status follows; empty: it follows none.
func (l LowStatus) Appointment() AppointmentStatus { return l.row().appointment }

// Following returns the status of an order that follows an appointment of status a; false: there is none. A completed
// appointment has no such status here: it is a draw for phlebotomy only, which package order decides.
func Following(a AppointmentStatus) (LowStatus, bool) {
	for _, row := range statuses {
		if followed := row.low.Appointment(); followed != "" && followed == a {
			return row.low, true
		}
	}
	return "", false
}

// IsRegisteredInTransit reports whether the kit of an order in the status may still be in transit to the customer. That
// is so if its patient was registered after it was shipped: the registration takes the order back to the requisition.
func IsRegisteredInTransit(l LowStatus) bool {
	return l.In(StageRegistered, StagePlaced) && afterRegistrationMachine.Has(l)
}
