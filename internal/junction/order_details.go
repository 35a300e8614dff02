package junction

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Details is the part of an order that depends on its modality. Type determines the type of Data:
// *ClientFacingTestkitOrder, *ClientFacingWalkInTestOrder, *ClientFacingAtHomePhlebotomyOrder or
// *ClientFacingOnSiteCollectionOrder.
type Details struct {
	Type lifecycle.Modality `json:"type"`
	Data any                `json:"data"`
}

// ClientFacingTestkitOrder is the data of a testkit order.
type ClientFacingTestkitOrder struct {
	ID        string                `json:"id" format:"uuid"`
	Shipment  *ClientFacingShipment `json:"shipment" doc:"Null until the lab has shipped the kit."`
	CreatedAt time.Time             `json:"created_at"`
	UpdatedAt time.Time             `json:"updated_at"`
}

// ClientFacingWalkInTestOrder is the data of a walk-in order.
type ClientFacingWalkInTestOrder struct {
	ID            string    `json:"id" format:"uuid"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	AppointmentID *string   `json:"appointment_id" format:"uuid" doc:"The active appointment; null: none."`
}

// ClientFacingAtHomePhlebotomyOrder is the data of an at-home phlebotomy order.
type ClientFacingAtHomePhlebotomyOrder struct {
	ID            string    `json:"id" format:"uuid"`
	AppointmentID *string   `json:"appointment_id" format:"uuid" doc:"The active appointment; null: none."`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// ClientFacingOnSiteCollectionOrder is the data of an on-site collection order.
type ClientFacingOnSiteCollectionOrder struct {
	ID        string    `json:"id" format:"uuid"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// ClientFacingShipment describes the two legs of a kit: outbound to the patient and inbound to the lab. The couriers
// are an open set of values, such as usps.
type ClientFacingShipment struct {
	ID                     string  `json:"id" format:"uuid"`
	OutboundTrackingNumber *string `json:"outbound_tracking_number"`
	OutboundTrackingURL    *string `json:"outbound_tracking_url"`
	InboundTrackingNumber  *string `json:"inbound_tracking_number"`
	InboundTrackingURL     *string `json:"inbound_tracking_url"`
	OutboundCourier        *string `json:"outbound_courier"`
	InboundCourier         *string `json:"inbound_courier"`
	Notes                  *string `json:"notes"`
}

// UnmarshalJSON decodes Data into the type that Type determines. It is an error when Type is unknown.
func (d *Details) UnmarshalJSON(b []byte) error {
	var raw struct {
		Type lifecycle.Modality `json:"type"`
		Data json.RawMessage    `json:"data"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return fmt.Errorf("reading order details: %w", err)
	}
	var data any
	switch raw.Type {
	case lifecycle.Testkit:
		data = &ClientFacingTestkitOrder{}
	case lifecycle.WalkIn:
		data = &ClientFacingWalkInTestOrder{}
	case lifecycle.AtHomePhlebotomy:
		data = &ClientFacingAtHomePhlebotomyOrder{}
	case lifecycle.OnSite:
		data = &ClientFacingOnSiteCollectionOrder{}
	default:
		return fmt.Errorf("reading order details: unknown type %q", string(raw.Type))
	}
	d.Type = raw.Type
	if len(raw.Data) == 0 || string(raw.Data) == "null" {
		d.Data = nil
		return nil
	}
	if err := json.Unmarshal(raw.Data, data); err != nil {
		return fmt.Errorf("reading order details: %w", err)
	}
	d.Data = data
	return nil
}

func fromDetails(o order.Order) Details {
	created, updated := o.CreatedAt.UTC(), o.UpdatedAt.UTC()
	d := Details{Type: o.Modality}
	switch o.Modality {
	case lifecycle.Testkit:
		d.Data = &ClientFacingTestkitOrder{ID: o.ModalityPartID, Shipment: fromShipment(o.Shipment), CreatedAt: created,
			UpdatedAt: updated}
	case lifecycle.WalkIn:
		d.Data = &ClientFacingWalkInTestOrder{ID: o.ModalityPartID, CreatedAt: created, UpdatedAt: updated,
			AppointmentID: appointmentID(o)}
	case lifecycle.AtHomePhlebotomy:
		d.Data = &ClientFacingAtHomePhlebotomyOrder{ID: o.ModalityPartID, AppointmentID: appointmentID(o), CreatedAt: created,
			UpdatedAt: updated}
	case lifecycle.OnSite:
		d.Data = &ClientFacingOnSiteCollectionOrder{ID: o.ModalityPartID, CreatedAt: created, UpdatedAt: updated}
	}
	return d
}

// appointmentID returns the id of the order's appointment, or nil when it is not active.
func appointmentID(o order.Order) *string {
	if !o.State.Appointment.Active() {
		return nil
	}
	return &o.State.Appointment.ID
}

func fromShipment(s *order.Shipment) *ClientFacingShipment {
	if s == nil {
		return nil
	}
	return &ClientFacingShipment{
		ID:                     s.ID,
		OutboundTrackingNumber: nilIfEmpty(s.Outbound.Number),
		OutboundTrackingURL:    nilIfEmpty(s.Outbound.URL),
		InboundTrackingNumber:  nilIfEmpty(s.Inbound.Number),
		InboundTrackingURL:     nilIfEmpty(s.Inbound.URL),
		OutboundCourier:        nilIfEmpty(s.Outbound.Courier),
		InboundCourier:         nilIfEmpty(s.Inbound.Courier),
		Notes:                  s.Notes,
	}
}
