package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// AppointmentBookingRequest books a slot.
type AppointmentBookingRequest struct {
	BookingKey        string  `json:"booking_key" maxLength:"10000" minLength:"1" doc:"From the availability."`
	AppointmentNotes  *string `json:"appointment_notes,omitempty" maxLength:"1000"`
	AsyncConfirmation *bool   `json:"async_confirmation,omitempty"`
	SyncTimeout       *int64  `json:"sync_confirmation_timeout_millisecond,omitempty" minimum:"1000" maximum:"10000"`

	AsyncTimeout *int64 `json:"async_confirmation_timeout_millisecond,omitempty" minimum:"60000" maximum:"172800000"`
}

// RequestAppointmentRequest requests an appointment whose time the provider sets.
type RequestAppointmentRequest struct {
	Address          USAddressRequest `json:"address"`
	Provider         string           `json:"provider" enum:"getlabs,phlebfinders,quest,sonora_quest"`
	AppointmentNotes *string          `json:"appointment_notes,omitempty" maxLength:"1000"`
}

// Default timeouts of an asynchronous booking.
const (
	defaultSyncTimeout  = 2500 * time.Millisecond
	defaultAsyncTimeout = 15 * time.Minute
)

type bookPhlebotomyInput struct {
	OrderPath
	Body AppointmentBookingRequest
}

type bookPSCInput struct {
	OrderPath
	IdempotencyHeaders
	Body AppointmentBookingRequest
}

type requestAppointmentInput struct {
	OrderPath
	Body RequestAppointmentRequest
}

func (s *server) bookingRoutes() {
	errs := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable}
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "book-phlebotomy-appointment", Method: http.MethodPost,
		Path: "/v3/order/{order_id}/phlebotomy/appointment/book",
		Tags: []string{tagAppointments}, Summary: "Book a phlebotomist", Errors: errs,
	}, s.bookPhlebotomy)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "request-phlebotomy-appointment", Method: http.MethodPost,
		Path: "/v3/order/{order_id}/phlebotomy/appointment/request",
		Tags: []string{tagAppointments}, Summary: "Request an appointment whose time the provider sets", Errors: errs,
	}, s.requestPhlebotomy)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "book-psc-appointment", Method: http.MethodPost, Path: "/v3/order/{order_id}/psc/appointment/book",
		Tags: []string{tagAppointments}, Summary: "Book a time at a patient service center",
		Errors:    append(errs, http.StatusConflict),
		Responses: rawResponseOf[junction.ClientFacingAppointment](s, "The appointment."),
	}, s.bookPSC)
}

func (s *server) bookPhlebotomy(ctx context.Context,
	in *bookPhlebotomyInput) (*body[junction.ClientFacingAppointment], error) {
	o, err := s.orderWithAppointments(ctx, in.OrderID, order.Phlebotomy)
	if err != nil {
		return nil, err
	}
	slot, err := s.slotOfBookingKey(ctx, o, in.Body.BookingKey)
	if err != nil {
		return nil, err
	}
	return s.demandAppointment(ctx, o, order.Demand{Kind: order.DemandBookAppointment, Slot: &slot},
		order.BookingBody{Notes: in.Body.AppointmentNotes})
}

// bookPSC books a slot, once per idempotency key. Its answers are replayed for longer than others (store.RouteBookPSC).
// The order's id is a part of the stored key, because the same key may be used for several orders.
func (s *server) bookPSC(ctx context.Context, in *bookPSCInput) (*rawAnswer, error) {
	headers := in.IdempotencyHeaders
	if headers.Key != "" {
		headers.Key = canonicalUUID(in.OrderID) + " " + headers.Key
	}
	return s.withIdempotency(ctx, store.RouteBookPSC, headers, "", func(key *store.IdempotencyKey) (*rawAnswer, error) {
		demandID := newID()
		if key != nil {
			key.OrderID, demandID = canonicalUUID(in.OrderID), key.DemandID
		}
		booked, err := s.bookPSCSlot(ctx, in, demandID)
		if err != nil {
			return nil, err
		}
		return s.storeAndAnswer(ctx, key, booked.Body)
	})
}

func (s *server) bookPSCSlot(ctx context.Context, in *bookPSCInput,
	demandID string) (*body[junction.ClientFacingAppointment], error) {
	o, err := s.orderWithAppointments(ctx, in.OrderID, order.PatientServiceCenter)
	if err != nil {
		return nil, err
	}
	slot, err := s.slotOfBookingKey(ctx, o, in.Body.BookingKey)
	if err != nil {
		return nil, err
	}
	d := order.Demand{ID: demandID, Kind: order.DemandBookAppointment, Slot: &slot}
	if async := in.Body.AsyncConfirmation; async != nil && *async {
		d.Async = true
		d.CallerWait = durationOr(in.Body.SyncTimeout, defaultSyncTimeout)
		d.ConfirmWithin = durationOr(in.Body.AsyncTimeout, defaultAsyncTimeout)
	}
	return s.demandAppointment(ctx, o, d, order.BookingBody{Notes: in.Body.AppointmentNotes})
}

// durationOr returns n milliseconds, or the fallback for nil.
func durationOr(n *int64, fallback time.Duration) order.Duration {
	if n == nil {
		return order.Duration(fallback)
	}
	return order.Duration(time.Duration(*n) * time.Millisecond)
}

// slotOfBookingKey returns the slot of a booking key. It refuses a patient service center of another lab than the
// order's. The order's rules decide whether the slot can still be booked.
func (s *server) slotOfBookingKey(ctx context.Context, o *order.Order, key string) (order.Slot, error) {
	slot, err := s.openBookingKey(o.TeamID, key, order.AppointmentTypeOf(o.Modality))
	if err != nil || slot.Type != order.PatientServiceCenter || slot.AccountID == o.LabAccountID {
		return slot, err
	}
	own, err := s.Store.LabAccount(ctx, o.LabAccountID)
	if err != nil {
		return slot, err
	}
	offered, err := s.Store.LabAccount(ctx, slot.AccountID)
	if err != nil {
		return slot, mapNotFound(err, "Lab account")
	}
	if offered.LabSlug != own.LabSlug {
		return slot, badRequest("booking_key is for another lab than the order's")
	}
	slot.AccountID = own.ID // all accounts of a lab have the same centers
	return slot, nil
}

// requestPhlebotomy requests an appointment of the named provider. The appointment has no time yet.
func (s *server) requestPhlebotomy(ctx context.Context,
	in *requestAppointmentInput) (*body[junction.ClientFacingAppointment], error) {
	o, err := s.orderWithAppointments(ctx, in.OrderID, order.Phlebotomy)
	if err != nil {
		return nil, err
	}
	all, err := s.schedulers(ctx, order.Phlebotomy)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, noSchedulerError()
	}
	i := slices.IndexFunc(all,
		func(p provider) bool { return p.isNamed(in.Body.Provider) && p.offersTier(labs.AppointmentRequest) })
	if i < 0 {
		return nil, badRequest("Appointments cannot be requested of " + in.Body.Provider)
	}
	slot := order.Slot{AccountID: all[i].account.ID, Provider: in.Body.Provider, Type: order.Phlebotomy}
	texts := order.BookingBody{Notes: in.Body.AppointmentNotes, Location: in.Body.Address.toLocation()}
	return s.demandAppointment(ctx, o, order.Demand{Kind: order.DemandRequestAppointment, Slot: &slot}, texts)
}

// A booking key contains the slot, with the provider's own key, and is signed for the team that asked for it. So
// offered slots need not be stored, and a team can only book slots that it was offered.

func bookingKeyPurpose(teamID string) string { return "booking key of team " + teamID }

// bookingKey returns the key with which the team can book the slot.
func (s *server) bookingKey(teamID string, slot order.Slot) (string, error) {
	b, err := json.Marshal(slot)
	if err != nil {
		return "", fmt.Errorf("writing a booking key: %w", err)
	}
	return s.Store.Sign(bookingKeyPurpose(teamID), b), nil
}

// openBookingKey verifies a booking key and returns its slot. It refuses a slot of another type of appointment.
func (s *server) openBookingKey(teamID, key string, t order.AppointmentType) (order.Slot, error) {
	var slot order.Slot
	b, err := s.Store.Verify(bookingKeyPurpose(teamID), key)
	if err != nil || json.Unmarshal(b, &slot) != nil {
		return order.Slot{}, badRequest("booking_key is not valid")
	}
	if slot.Type != t {
		return order.Slot{}, badRequest("booking_key is for another kind of appointment")
	}
	return slot, nil
}
