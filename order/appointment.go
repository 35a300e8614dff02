package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// AppointmentType says where the appointment takes place: at a patient service center or with a phlebotomist.
type AppointmentType string

// The types of client-api#17-enums.
const (
	Phlebotomy           AppointmentType = "phlebotomy"
	PatientServiceCenter AppointmentType = "patient_service_center"
)

// AppointmentTypeOf returns the type of the appointments of orders with the collection method; empty: they have none.
func AppointmentTypeOf(m lifecycle.Modality) AppointmentType {
	switch m {
	case lifecycle.WalkIn:
		return PatientServiceCenter
	case lifecycle.AtHomePhlebotomy:
		return Phlebotomy
	default:
		return ""
	}
}

// Appointment is an appointment without patient data, as an order's workflow has it: ids, times and codes. Its location
// and notes are in the store (AppointmentDocument).
type Appointment struct {
	ID       string          `json:"id"`
	Type     AppointmentType `json:"type"`
	Provider string          `json:"provider"` // getlabs, phlebfinders, quest, sonora_quest
	// the account through which the provider is called
	AccountID string                      `json:"account_id,omitempty"`
	Status    lifecycle.AppointmentStatus `json:"status"`
	// the provider's id; empty: the provider has not reported it
	Reference    string `json:"reference,omitempty"`
	Confirmation string `json:"confirmation,omitempty"` // the provider's confirmation number
	SiteCode     string `json:"site,omitempty"`         // code of the patient service center
	// the provider's key of the slot that was booked
	SlotKey       string    `json:"slot,omitempty"`
	StartAt       time.Time `json:"start_at,omitzero"` // zero while no time is set
	EndAt         time.Time `json:"end_at,omitzero"`
	Zone          string    `json:"zone,omitempty"` // IANA name
	CanReschedule bool      `json:"can_reschedule,omitempty"`
	CreatedAt     time.Time `json:"created_at"`
	// asynchronous bookings: the appointment is cancelled if it is not confirmed by then
	ConfirmBy time.Time `json:"confirm_by,omitzero"`
	// time of the provider's newest fact; an older fact is late
	ReportedAt time.Time `json:"reported_at,omitzero"`
	// when the appointment ended, by the time of whatever ended it; zero: it has not ended
	EndedAt    time.Time `json:"over_at,omitzero"`
	EventCount int       `json:"events"` // number of its events
}

// Active reports whether the appointment is pending, reserved, confirmed or in progress.
func (a *Appointment) Active() bool { return a != nil && a.Status.Active() }

// isVisitCompleted reports whether the visit has taken place.
func (a *Appointment) isVisitCompleted() bool {
	return a != nil && a.Status == lifecycle.AppointmentStatusCompleted
}

// Slot is a time that can be booked, as a booking key holds it. It names no patient, so it may enter Temporal.
type Slot struct {
	AccountID string          `json:"account_id"`
	Provider  string          `json:"provider"`
	Type      AppointmentType `json:"type"`
	Key       string          `json:"key,omitempty"` // the provider's; empty in a request
	Site      string          `json:"site,omitempty"`
	StartAt   time.Time       `json:"start_at,omitzero"`
	EndAt     time.Time       `json:"end_at,omitzero"`
	Zone      string          `json:"zone,omitempty"`
	ExpiresAt time.Time       `json:"expires_at,omitzero"`
}

// ReportedAppointment is an appointment as its provider reports it. It names no patient, so it may enter Temporal.
type ReportedAppointment struct {
	Status        lifecycle.AppointmentStatus `json:"status"`
	Provider      string                      `json:"provider,omitempty"`
	Reference     string                      `json:"reference,omitempty"`
	Confirmation  string                      `json:"confirmation,omitempty"`
	Site          string                      `json:"site,omitempty"`
	StartAt       time.Time                   `json:"start_at,omitzero"`
	EndAt         time.Time                   `json:"end_at,omitzero"`
	Zone          string                      `json:"zone,omitempty"`
	CanReschedule bool                        `json:"can_reschedule,omitempty"`
}

// The origins of an appointment's events.
const (
	AppointmentOriginPatient  = "patient"  // asked for by the client, on the patient's behalf
	AppointmentOriginProvider = "provider" // reported by the provider
	AppointmentOriginSystem   = "system"   // a deadline, the requisition, or the order's own end
)

// AppointmentStep is an event of an appointment that is to be recorded, and the appointment as it is after the event.
type AppointmentStep struct {
	Appointment Appointment `json:"appointment"`
	Origin      string      `json:"origin"`
	Reschedule  bool        `json:"reschedule,omitempty"`
	First       bool        `json:"created,omitempty"` // its first event
	At          time.Time   `json:"at"`
}

// AppointmentEvent is one status of an appointment's history.
type AppointmentEvent struct {
	Status     string    `json:"status"` // lifecycle.AppointmentStatus.Event
	Origin     string    `json:"origin"`
	Reschedule bool      `json:"reschedule"`
	At         time.Time `json:"at"` // when it was recorded
}

// Location is where an appointment is. A phlebotomist comes to the patient's home, so a location never enters Temporal.
type Location struct {
	Name       string  `json:"name,omitempty"`
	FirstLine  string  `json:"first_line"`
	SecondLine *string `json:"second_line,omitempty"`
	City       string  `json:"city"`
	State      string  `json:"state"`
	Zip        string  `json:"zip"`
	Notes      *string `json:"access_notes,omitempty"`
	Lat        float64 `json:"lat"`
	Lng        float64 `json:"lng"`
}

// AppointmentDocument is the whole of an appointment, as the store holds it. It never enters Temporal, a log or a
// metric.
type AppointmentDocument struct {
	Appointment
	OrderID       string
	UserID        string
	TransactionID string
	Location      Location
	Notes         *string
	History       []AppointmentEvent // oldest first
	UpdatedAt     time.Time
}

// BookingBody is the sealed body of a demand that books, requests, moves or cancels an appointment.
type BookingBody struct {
	Notes    *string   `json:"notes,omitempty"`
	Location *Location `json:"place,omitempty"`  // request: where; booking: the order's address if absent
	Reason   string    `json:"reason,omitempty"` // cancel: the id of a cancellation reason
}

// CancellationReason is why an appointment is cancelled.
type CancellationReason struct {
	ID         string
	Name       string
	Refundable bool
}

// CancellationReasons lists the reasons that a client may give for an appointment of the type. Their ids are part of
// our API.
func CancellationReasons(t AppointmentType) []CancellationReason {
	if t == PatientServiceCenter {
		return pscReasons
	}
	return phlebotomyReasons
}

// IsCancellationReason reports whether the id names a reason for the type.
func IsCancellationReason(t AppointmentType, id string) bool {
	for _, r := range CancellationReasons(t) {
		if r.ID == id {
			return true
		}
	}
	return false
}

var phlebotomyReasons = []CancellationReason{
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0101", Name: "Patient is not available", Refundable: true},
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0102", Name: "Patient no longer wants the test", Refundable: true},
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0103", Name: "Wrong address", Refundable: true},
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0104", Name: "Patient did not fast", Refundable: false},
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0105", Name: "Other", Refundable: false},
}

var pscReasons = []CancellationReason{
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0201", Name: "Patient is not available", Refundable: false},
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0202", Name: "Patient no longer wants the test", Refundable: false},
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0203", Name: "Another location is preferred", Refundable: false},
	{ID: "5b1c7e0a-8f5e-4d6b-9a37-2f60c1de0204", Name: "Other", Refundable: false},
}
