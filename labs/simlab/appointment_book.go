package simlab

import (
	"fmt"
	"time"
)

// The statuses of an appointment (docs/partners.md#appointment).
const (
	statusPending    = "pending"
	statusReserved   = "reserved"
	statusConfirmed  = "confirmed"
	statusInProgress = "in_progress"
	statusCompleted  = "completed"
	statusCancelled  = "cancelled"
)

var appointmentStatuses = []string{
	statusPending, statusReserved, statusConfirmed, statusInProgress, statusCompleted, statusCancelled,
}

// The types of appointments.
const (
	typePhlebotomy = "phlebotomy"
	typePSC        = "patient_service_center"
)

// appointment is a booked or requested appointment. It holds no patient data and no address.
type appointment struct {
	id                 string // assigned by the caller
	number             string // number of the order; the lab may not have the order
	account            string // the account that booked it
	provider           string // empty: it was cancelled before it was booked
	reference          string
	confirmation       string
	status             string
	slot               *slot // the slot that it occupies; nil: none
	start, end         time.Time
	site               *site
	confirmationUnsent bool // its confirmation is being sent
	changes            int  // how many changes its provider has made
}

// hasStatus reports whether the appointment has the status. It is false for nil.
func (a *appointment) hasStatus(status string) bool { return a != nil && a.status == status }

// isActive reports whether the appointment is neither completed nor cancelled.
func (a *appointment) isActive() bool {
	return a.status != statusCompleted && a.status != statusCancelled
}

// canReschedule reports whether a call may move the appointment. Requests cannot be moved, because the provider sets
// their time, and Sonora Quest has no such call.
func (a *appointment) canReschedule() bool {
	return a.status == statusConfirmed && a.slot != nil && a.provider != providerSonora &&
		a.provider != providerPhlebFinders
}

// appointmentView is the JSON form of an appointment in calls and facts.
type appointmentView struct {
	ID            string     `json:"id"`
	Reference     string     `json:"reference"`
	Confirmation  string     `json:"confirmation,omitempty"`
	Provider      string     `json:"provider,omitempty"`
	Status        string     `json:"status"`
	Start         *time.Time `json:"start"`
	End           *time.Time `json:"end"`
	Timezone      *string    `json:"timezone"`
	CanReschedule bool       `json:"can_reschedule"`
	Site          *siteView  `json:"site"`
}

// view returns the JSON form. The caller holds the server's mutex.
func (a *appointment) view() appointmentView {
	v := appointmentView{
		ID: a.id, Reference: a.reference, Confirmation: a.confirmation, Provider: a.provider, Status: a.status,
		CanReschedule: a.canReschedule(),
	}
	if !a.start.IsZero() {
		start, end, zone := a.start.UTC(), a.end.UTC(), zoneOf(a.provider)
		v.Start, v.End, v.Timezone = &start, &end, &zone
	}
	if a.site != nil {
		v.Site = a.site.view(nil)
	}
	return v
}

// appointmentBook holds the appointments and the slots that they occupy. The server's mutex guards it.
type appointmentBook struct {
	byAge    []*appointment // in the order of creation
	byNumber map[string][]*appointment
	bySlot   map[string]*appointment // by slot.identity
	count    int
}

func newAppointmentBook() *appointmentBook {
	return &appointmentBook{byNumber: map[string][]*appointment{}, bySlot: map[string]*appointment{}}
}

// find returns the appointment of an order with this id, or nil.
func (b *appointmentBook) find(number, id string) *appointment {
	for _, a := range b.byNumber[number] {
		if a.id == id {
			return a
		}
	}
	return nil
}

// newest returns the appointment that was created last for an order, or nil.
func (b *appointmentBook) newest(number string) *appointment {
	all := b.byNumber[number]
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// active returns the newest active appointment of an order, or nil.
func (b *appointmentBook) active(number string) *appointment {
	all := b.byNumber[number]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].isActive() {
			return all[i]
		}
	}
	return nil
}

// add adds an appointment and assigns its reference. If the book is full, it removes the oldest appointment and frees
// its slot.
func (b *appointmentBook) add(a *appointment) {
	if len(b.byAge) >= maxOrders {
		b.remove(b.byAge[0])
		b.byAge = b.byAge[1:]
	}
	b.count++
	a.reference = fmt.Sprintf("apt_%08d", b.count)
	b.byAge = append(b.byAge, a)
	b.byNumber[a.number] = append(b.byNumber[a.number], a)
}

func (b *appointmentBook) remove(a *appointment) {
	b.releaseSlot(a)
	rest := b.byNumber[a.number][1:] // appointments are in the order of creation, so a is the first
	if len(rest) == 0 {
		delete(b.byNumber, a.number)
		return
	}
	b.byNumber[a.number] = rest
}

// assignSlot assigns a free slot to the appointment and frees the slot that it had.
func (b *appointmentBook) assignSlot(a *appointment, to slot) {
	b.releaseSlot(a)
	b.bySlot[to.identity()] = a
	a.slot, a.start, a.end = &to, to.start, to.end()
}

// releaseSlot frees the slot of the appointment.
func (b *appointmentBook) releaseSlot(a *appointment) {
	if a.slot != nil {
		delete(b.bySlot, a.slot.identity())
		a.slot = nil
	}
}

// isFree reports whether no appointment occupies the slot.
func (b *appointmentBook) isFree(s slot) bool { return b.bySlot[s.identity()] == nil }

// setConfirmed sets the status to confirmed and assigns a confirmation number.
func (b *appointmentBook) setConfirmed(a *appointment) {
	a.status = statusConfirmed
	if a.confirmation == "" {
		b.count++
		a.confirmation = fmt.Sprintf("CNF%08d", b.count)
	}
}
