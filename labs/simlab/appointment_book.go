package simlab

import (
	"fmt"
	"time"
)

// The statuses of an appointment (docs/partners.md, appointment).
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

// appointment is one that was booked or requested. Whose it is and where that lives is not kept.
type appointment struct {
	id                 string // the caller's
	number             string // of the order, which the lab need not know
	account            string // through which it was booked
	provider           string // empty: it was cancelled before it was ever booked
	reference          string
	confirmation       string
	status             string
	slot               *slot // the one that it takes; nil: none
	start, end         time.Time
	site               *site
	confirmationUnsent bool // that it is confirmed is being told
	changes            int  // how often its provider has done something
}

// hasStatus reports whether the appointment has the status; nil is no appointment.
func (a *appointment) hasStatus(status string) bool { return a != nil && a.status == status }

// isActive reports whether it is still ahead or under way.
func (a *appointment) isActive() bool {
	return a.status != statusCompleted && a.status != statusCancelled
}

// canReschedule reports whether a call may move it: a request's time is the provider's, and one laboratory takes no such calls.
func (a *appointment) canReschedule() bool {
	return a.status == statusConfirmed && a.slot != nil && a.provider != providerSonora &&
		a.provider != providerPhlebFinders
}

// appointmentView is an appointment as calls and facts show it.
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

// view shows the appointment. The server's mutex is held.
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

// appointmentBook holds the appointments and what is taken by them. The server's mutex guards it.
type appointmentBook struct {
	byAge    []*appointment // in the order in which they were made
	byNumber map[string][]*appointment
	bySlot   map[string]*appointment // by the slot's identity
	count    int
}

func newAppointmentBook() *appointmentBook {
	return &appointmentBook{byNumber: map[string][]*appointment{}, bySlot: map[string]*appointment{}}
}

// find returns the appointment of an order; nil if there is none with the id.
func (d *appointmentBook) find(number, id string) *appointment {
	for _, a := range d.byNumber[number] {
		if a.id == id {
			return a
		}
	}
	return nil
}

// newest is the latest that was made for an order.
func (d *appointmentBook) newest(number string) *appointment {
	all := d.byNumber[number]
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// active is the newest of an order's that is ahead or under way.
func (d *appointmentBook) active(number string) *appointment {
	all := d.byNumber[number]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].isActive() {
			return all[i]
		}
	}
	return nil
}

// add enters an appointment. The oldest is forgotten when the diary is full, and its slot is free.
func (d *appointmentBook) add(a *appointment) {
	if len(d.byAge) >= maxOrders {
		d.remove(d.byAge[0])
		d.byAge = d.byAge[1:]
	}
	d.count++
	a.reference = fmt.Sprintf("apt_%08d", d.count)
	d.byAge = append(d.byAge, a)
	d.byNumber[a.number] = append(d.byNumber[a.number], a)
}

func (d *appointmentBook) remove(a *appointment) {
	d.releaseSlot(a)
	rest := d.byNumber[a.number][1:] // they are in the order in which they were made
	if len(rest) == 0 {
		delete(d.byNumber, a.number)
		return
	}
	d.byNumber[a.number] = rest
}

// assignSlot gives the appointment a slot that is free, and frees the one that it had.
func (d *appointmentBook) assignSlot(a *appointment, to slot) {
	d.releaseSlot(a)
	d.bySlot[to.identity()] = a
	a.slot, a.start, a.end = &to, to.start, to.end()
}

// releaseSlot frees the appointment's slot.
func (d *appointmentBook) releaseSlot(a *appointment) {
	if a.slot != nil {
		delete(d.bySlot, a.slot.identity())
		a.slot = nil
	}
}

// isFree reports whether nobody has the slot.
func (d *appointmentBook) isFree(s slot) bool { return d.bySlot[s.identity()] == nil }

// setConfirmed makes the appointment a confirmed one.
func (d *appointmentBook) setConfirmed(a *appointment) {
	a.status = statusConfirmed
	if a.confirmation == "" {
		d.count++
		a.confirmation = fmt.Sprintf("CNF%08d", d.count)
	}
}
