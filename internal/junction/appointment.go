package junction

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// ClientFacingAppointment is an appointment in API responses and in webhook messages.
type ClientFacingAppointment struct {
	ID                 string                         `json:"id" format:"uuid"`
	UserID             string                         `json:"user_id" format:"uuid"`
	OrderID            string                         `json:"order_id" format:"uuid"`
	OrderTransactionID string                         `json:"order_transaction_id" format:"uuid"`
	Address            USAddress                      `json:"address"`
	Location           LngLat                         `json:"location"`
	StartAt            *time.Time                     `json:"start_at" doc:"Null until the provider has set a time."`
	EndAt              *time.Time                     `json:"end_at"`
	IANATimezone       *string                        `json:"iana_timezone"`
	Type               order.AppointmentType          `json:"type"`
	Provider           string                         `json:"provider"`
	Status             lifecycle.AppointmentStatus    `json:"status"`
	ProviderID         string                         `json:"provider_id" doc:"The provider's id; empty at first."`
	ExternalID         *string                        `json:"external_id" doc:"The provider's confirmation number."`
	CanReschedule      bool                           `json:"can_reschedule"`
	AppointmentNotes   *string                        `json:"appointment_notes"`
	EventStatus        string                         `json:"event_status" doc:"Status of the newest event."`
	EventData          *AppointmentEventData          `json:"event_data"`
	Events             []ClientFacingAppointmentEvent `json:"events" nullable:"false" doc:"Oldest first."`
}

// ClientFacingAppointmentEvent is one status of an appointment's history.
type ClientFacingAppointmentEvent struct {
	CreatedAt time.Time             `json:"created_at"`
	Status    string                `json:"status"`
	Data      *AppointmentEventData `json:"data"`
}

// AppointmentEventData says who caused an event (patient, provider or system), and whether the event rescheduled the
// appointment.
type AppointmentEventData struct {
	Origin       string `json:"origin"`
	IsReschedule bool   `json:"is_reschedule"`
}

// USAddress is the address of an appointment. Unit is deprecated and always null (client-api#clientfacingappointment).
type USAddress struct {
	FirstLine   string  `json:"first_line"`
	SecondLine  *string `json:"second_line"`
	City        string  `json:"city"`
	State       string  `json:"state"`
	ZipCode     string  `json:"zip_code"`
	Unit        *string `json:"unit"`
	AccessNotes *string `json:"access_notes"`
}

// LngLat is a geographic location in degrees. It is 0, 0 when the location is not known.
type LngLat struct {
	Lng float64 `json:"lng"`
	Lat float64 `json:"lat"`
}

// RenderAppointment returns the JSON of an appointment.
func RenderAppointment(a order.AppointmentDocument) ([]byte, error) {
	return renderJSON("an appointment", FromAppointment(a))
}

// FromAppointment returns the client-facing form of an appointment. Its event status and data are those of the newest
// event.
func FromAppointment(a order.AppointmentDocument) ClientFacingAppointment {
	c := ClientFacingAppointment{
		ID:                 a.ID,
		UserID:             a.UserID,
		OrderID:            a.OrderID,
		OrderTransactionID: a.TransactionID,
		Address: USAddress{
			FirstLine: a.Location.FirstLine, SecondLine: a.Location.SecondLine, City: a.Location.City, State: a.Location.State,
			ZipCode: a.Location.Zip, AccessNotes: a.Location.Notes,
		},
		Location:         LngLat{Lng: a.Location.Lng, Lat: a.Location.Lat},
		StartAt:          nilIfZero(a.StartAt),
		EndAt:            nilIfZero(a.EndAt),
		IANATimezone:     nilIfEmpty(a.Zone),
		Type:             a.Type,
		Provider:         a.Provider,
		Status:           a.Status,
		ProviderID:       a.Reference,
		ExternalID:       nilIfEmpty(a.Confirmation),
		CanReschedule:    a.CanReschedule,
		AppointmentNotes: a.Notes,
		EventStatus:      a.Status.EventStatus(),
		Events:           make([]ClientFacingAppointmentEvent, len(a.History)),
	}
	for i, e := range a.History {
		c.Events[i] = ClientFacingAppointmentEvent{
			CreatedAt: e.At.UTC(), Status: e.Status, Data: &AppointmentEventData{Origin: e.Origin, IsReschedule: e.Reschedule},
		}
	}
	if n := len(c.Events); n > 0 {
		c.EventStatus, c.EventData = c.Events[n-1].Status, c.Events[n-1].Data
	}
	return c
}

// nilIfZero returns the time in UTC, or nil for the zero time.
func nilIfZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
