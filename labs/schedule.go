package labs

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// ErrSlotGone means that the slot is not free any more.
var ErrSlotGone = errors.New("the slot is not free any more")

// Scheduler is an account at a provider of appointments: a patient service center or a phlebotomist. A lab that schedules
// implements it besides Lab. Its errors are those of Lab, and ErrSlotGone.
type Scheduler interface {
	// Availability lists the days on which something is free, oldest first.
	Availability(ctx context.Context, q AvailabilityQuery) (Availability, error)
	// Book books a slot, or requests an appointment where the booking has none. The same appointment id again is safe: the provider
	// answers how that appointment stands.
	Book(ctx context.Context, b Booking) (AppointmentAnswer, error)
	// Reschedule moves an appointment to another slot.
	Reschedule(ctx context.Context, b Booking) (AppointmentAnswer, error)
	// CancelAppointment cancels an appointment; nil means that the provider has confirmed it, or has never had it. reason is the name of a
	// cancellation reason; empty: none.
	CancelAppointment(ctx context.Context, number, appointmentID, reason string) error
}

// AvailabilityQuery asks for free slots. Address is for phlebotomy; Sites, or Zip and RadiusMiles, for patient service centers.
type AvailabilityQuery struct {
	Type        order.AppointmentType
	Address     *order.Location
	Sites       []string
	Zip         string
	RadiusMiles int
	From        order.Date
	Days        int
}

// Availability is what is free.
type Availability struct {
	Zone string // IANA name of the days; empty where each site has its own
	Days []DaySlots
}

// DaySlots is one day, at one site where there are sites.
type DaySlots struct {
	Date  order.Date
	Site  *Site
	Slots []FreeSlot
}

// FreeSlot is one slot that can be booked.
type FreeSlot struct {
	Key       string // the provider's
	StartAt   time.Time
	EndAt     time.Time
	ExpiresAt time.Time // until when the key can be used; zero: not told
	Price     int       // US cents
	Priority  bool
	Available int // how many appointments fit in
}

// Site is a patient service center.
type Site struct {
	Code          string
	Location      order.Location
	DistanceMiles *int
	Zone          string
}

// Booking is an appointment as it is asked of a provider.
type Booking struct {
	AppointmentID string // ours, the same for every attempt of the same intent
	OrderNumber   string // the order's number at the lab
	Type          order.AppointmentType
	Slot          string // the provider's key; empty: a request, whose time the provider sets
	Notes         *string
	Patient       *order.Patient
	Location      *order.Location // phlebotomy: where
}

// AppointmentAnswer is how a provider says that an appointment stands, and where it is.
type AppointmentAnswer struct {
	order.ReportedAppointment
	Location *order.Location // nil: not told
	Raw      []byte          // the provider's answer, verbatim. It may hold patient data
}
