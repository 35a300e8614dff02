package lifecycle

import (
	"context"
	"errors"
	"sync"

	"github.com/looplab/fsm"
)

// AppointmentStatus is where an appointment stands.
type AppointmentStatus string

// The statuses of an appointment (order-lifecycle#appointments).
const (
	AppointmentIsPending    AppointmentStatus = "pending"   // the provider has not acknowledged or assigned it
	AppointmentIsReserved   AppointmentStatus = "reserved"  // the slot is held, the requisition not there yet
	AppointmentIsConfirmed  AppointmentStatus = "confirmed" // booked, or booked anew
	AppointmentIsInProgress AppointmentStatus = "in_progress"
	AppointmentIsCompleted  AppointmentStatus = "completed"
	AppointmentIsCancelled  AppointmentStatus = "cancelled"
)

// appointmentNone is where an appointment comes from that has just been made.
const appointmentNone AppointmentStatus = "new"

// AppointmentStatuses lists the six statuses in the order in which they are usually reached.
func AppointmentStatuses() []AppointmentStatus {
	return []AppointmentStatus{
		AppointmentIsPending, AppointmentIsReserved, AppointmentIsConfirmed,
		AppointmentIsInProgress, AppointmentIsCompleted, AppointmentIsCancelled,
	}
}

// Valid reports whether it is one of the six.
func (s AppointmentStatus) Valid() bool {
	for _, known := range AppointmentStatuses() {
		if s == known {
			return true
		}
	}
	return false
}

// Event is the word by which an event of the appointment names the status: a confirmed one was scheduled.
func (s AppointmentStatus) Event() string {
	if s == AppointmentIsConfirmed {
		return "scheduled"
	}
	return string(s)
}

// Active reports whether the appointment is still ahead or under way.
func (s AppointmentStatus) Active() bool {
	return s != AppointmentIsCompleted && s != AppointmentIsCancelled
}

// AppointmentEdge is one transition of an appointment. An empty From is an appointment that has just been made.
type AppointmentEdge struct{ From, To AppointmentStatus }

// appointmentEdges is the table of order-lifecycle#appointments.
var appointmentEdges = []AppointmentEdge{
	{appointmentNone, AppointmentIsPending},
	{appointmentNone, AppointmentIsReserved},
	{appointmentNone, AppointmentIsConfirmed},
	{AppointmentIsPending, AppointmentIsReserved},
	{AppointmentIsPending, AppointmentIsConfirmed},
	{AppointmentIsPending, AppointmentIsCancelled},
	{AppointmentIsReserved, AppointmentIsConfirmed},
	{AppointmentIsReserved, AppointmentIsCancelled},
	{AppointmentIsConfirmed, AppointmentIsConfirmed}, // rescheduled
	{AppointmentIsConfirmed, AppointmentIsPending},   // the provider withdrew
	{AppointmentIsConfirmed, AppointmentIsInProgress},
	{AppointmentIsConfirmed, AppointmentIsCompleted},
	{AppointmentIsConfirmed, AppointmentIsCancelled},
	{AppointmentIsInProgress, AppointmentIsCompleted},
	{AppointmentIsInProgress, AppointmentIsCancelled},
}

// AppointmentEdges lists the transitions of an appointment.
func AppointmentEdges() []AppointmentEdge {
	edges := make([]AppointmentEdge, len(appointmentEdges))
	for i, e := range appointmentEdges {
		if e.From == appointmentNone {
			e.From = ""
		}
		edges[i] = e
	}
	return edges
}

var appointments = struct {
	mu    sync.Mutex // guards table, as Machine does
	table *fsm.FSM
}{table: newAppointmentTable()}

func newAppointmentTable() *fsm.FSM {
	events := make(fsm.Events, len(appointmentEdges))
	for i, e := range appointmentEdges {
		events[i] = fsm.EventDesc{Name: string(e.To), Src: []string{string(e.From)}, Dst: string(e.To)}
	}
	return fsm.NewFSM(string(appointmentNone), events, nil)
}

// AppointmentMay reports whether an appointment may go from one status to the other. An empty from is one that has just been made.
func AppointmentMay(from, to AppointmentStatus) bool {
	if from == "" {
		from = appointmentNone
	}
	appointments.mu.Lock()
	defer appointments.mu.Unlock()
	appointments.table.SetState(string(from))
	err := appointments.table.Event(context.Background(), string(to))
	var same fsm.NoTransitionError // rescheduled
	return err == nil || errors.As(err, &same)
}
