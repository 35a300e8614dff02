package lifecycle

import (
	"context"
	"errors"
	"sync"

	"github.com/looplab/fsm"
)

// AppointmentStatus is the status of an appointment.
type AppointmentStatus string

// The statuses of an appointment (order-lifecycle#appointments).
const (
	AppointmentStatusPending    AppointmentStatus = "pending"   // the provider has not confirmed or assigned it
	AppointmentStatusReserved   AppointmentStatus = "reserved"  // the slot is held until the requisition exists
	AppointmentStatusConfirmed  AppointmentStatus = "confirmed" // booked or rescheduled
	AppointmentStatusInProgress AppointmentStatus = "in_progress"
	AppointmentStatusCompleted  AppointmentStatus = "completed"
	AppointmentStatusCancelled  AppointmentStatus = "cancelled"
)

// appointmentNew is the source of the edges to the first status of an appointment.
const appointmentNew AppointmentStatus = "new"

// AppointmentStatuses lists the six statuses in the order in which they are usually reached.
func AppointmentStatuses() []AppointmentStatus {
	return []AppointmentStatus{
		AppointmentStatusPending, AppointmentStatusReserved, AppointmentStatusConfirmed,
		AppointmentStatusInProgress, AppointmentStatusCompleted, AppointmentStatusCancelled,
	}
}

// Valid reports whether s is one of the six statuses.
func (s AppointmentStatus) Valid() bool {
	for _, known := range AppointmentStatuses() {
		if s == known {
			return true
		}
	}
	return false
}

// EventStatus returns the name of the status in events of an appointment, where a confirmed appointment is called
// scheduled.
func (s AppointmentStatus) EventStatus() string {
	if s == AppointmentStatusConfirmed {
		return "scheduled"
	}
	return string(s)
}

// Active reports whether the appointment is still ahead or in progress.
func (s AppointmentStatus) Active() bool {
	return s != AppointmentStatusCompleted && s != AppointmentStatusCancelled
}

// AppointmentEdge is one transition of an appointment. An empty From is an appointment without a status yet.
type AppointmentEdge struct{ From, To AppointmentStatus }

// appointmentEdges implements the table of order-lifecycle#appointments.
var appointmentEdges = []AppointmentEdge{
	{appointmentNew, AppointmentStatusPending},
	{appointmentNew, AppointmentStatusReserved},
	{appointmentNew, AppointmentStatusConfirmed},
	{AppointmentStatusPending, AppointmentStatusReserved},
	{AppointmentStatusPending, AppointmentStatusConfirmed},
	{AppointmentStatusPending, AppointmentStatusCancelled},
	{AppointmentStatusReserved, AppointmentStatusConfirmed},
	{AppointmentStatusReserved, AppointmentStatusCancelled},
	{AppointmentStatusConfirmed, AppointmentStatusConfirmed}, // rescheduled
	{AppointmentStatusConfirmed, AppointmentStatusPending},   // the provider withdrew
	{AppointmentStatusConfirmed, AppointmentStatusInProgress},
	{AppointmentStatusConfirmed, AppointmentStatusCompleted},
	{AppointmentStatusConfirmed, AppointmentStatusCancelled},
	{AppointmentStatusInProgress, AppointmentStatusCompleted},
	{AppointmentStatusInProgress, AppointmentStatusCancelled},
}

// AppointmentEdges lists the transitions of an appointment. The caller may change the copy.
func AppointmentEdges() []AppointmentEdge {
	edges := make([]AppointmentEdge, len(appointmentEdges))
	for i, e := range appointmentEdges {
		if e.From == appointmentNew {
			e.From = ""
		}
		edges[i] = e
	}
	return edges
}

var appointmentMachine = struct {
	mu    sync.Mutex // guards table, as in Machine
	table *fsm.FSM
}{table: newAppointmentFSM()}

func newAppointmentFSM() *fsm.FSM {
	events := make(fsm.Events, len(appointmentEdges))
	for i, e := range appointmentEdges {
		events[i] = fsm.EventDesc{Name: string(e.To), Src: []string{string(e.From)}, Dst: string(e.To)}
	}
	return fsm.NewFSM(string(appointmentNew), events, nil)
}

// AppointmentAllows reports whether an appointment may go from one status to the other. An empty from is a new
// appointment.
func AppointmentAllows(from, to AppointmentStatus) bool {
	if from == "" {
		from = appointmentNew
	}
	appointmentMachine.mu.Lock()
	defer appointmentMachine.mu.Unlock()
	appointmentMachine.table.SetState(string(from))
	err := appointmentMachine.table.Event(context.Background(), string(to))
	var same fsm.NoTransitionError // rescheduled
	return err == nil || errors.As(err, &same)
}
