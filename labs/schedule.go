package labs

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// ErrSlotGone means that somebody else has booked the slot, or that the provider no longer offers it.
var ErrSlotGone = errors.New("the slot is not free any more")

// Scheduler is an account at a provider of appointments: patient service centers or phlebotomists. A lab that makes
// appointments implements it in addition to Lab. Its methods return the errors of Lab, and ErrSlotGone.
type Scheduler interface {
	// Availability lists the days that have free slots, oldest first.
	Availability(ctx context.Context, q AvailabilityQuery) (Availability, error)
	// Book books the slot of b. Without a slot it requests an appointment whose time the provider sets. It can be repeated
	// with the same appointment id: the provider then answers with the present state of that appointment.
	Book(ctx context.Context, b Booking) (AppointmentAnswer, error)
	// Reschedule moves an appointment to another slot.
	Reschedule(ctx context.Context, b Booking) (AppointmentAnswer, error)
	// CancelAppointment cancels an appointment. It returns nil when the provider has confirmed that, or does not know the
	// appointment. reason is the name of a cancellation reason; empty: no reason is given.
	CancelAppointment(ctx context.Context, number, appointmentID, reason string) error
}

// AvailabilityQuery asks for free slots. Address is used for phlebotomy; Sites, or Zip and RadiusMiles, are used for
// patient service centers.
type AvailabilityQuery struct {
	Type        order.AppointmentType
	Address     *order.Location
	Sites       []string
	Zip         string
	RadiusMiles int
	From        order.Date
	Days        int
}

// Availability lists free slots by day.
type Availability struct {
	Zone string // IANA name of the time zone of Days; empty: each site has its own
	Days []DaySlots
}

// DaySlots holds the free slots of one day, at one site if there are sites.
type DaySlots struct {
	Date  order.Date
	Site  *Site
	Slots []FreeSlot
}

// FreeSlot is one slot that can be booked.
type FreeSlot struct {
	Key       string // the provider's key of the slot
	StartAt   time.Time
	EndAt     time.Time
	ExpiresAt time.Time // the key cannot be used after this time; zero: unknown
	Price     int       // US cents
	Priority  bool
	Available int // how many more appointments the slot takes
}

// Site is a patient service center.
type Site struct {
	Code          string
	Location      order.Location
	DistanceMiles *int
	Zone          string
}

// Booking is an appointment that a provider is asked to make or move.
type Booking struct {
	AppointmentID string // our id, the same for every attempt of one appointment demand
	OrderNumber   string // the order's number at the lab
	Type          order.AppointmentType
	Slot          string // the provider's key; empty: a request, whose time the provider sets
	Notes         *string
	Patient       *order.Patient
	Location      *order.Location // where the phlebotomist goes; nil at a patient service center
}

// AppointmentAnswer is a provider's answer about an appointment: its state and its location.
type AppointmentAnswer struct {
	order.ReportedAppointment
	Location *order.Location // nil: unknown
	Raw      []byte          // the provider's answer, verbatim; it may hold patient data
}
