package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// appointmentPathParts are the parts of the paths that name the type of appointment.
var appointmentPathParts = map[order.AppointmentType]string{
	order.Phlebotomy: "phlebotomy", order.PatientServiceCenter: "psc",
}

// CancellationReason is a reason for which an appointment may be cancelled.
type CancellationReason struct {
	ID           string `json:"id" format:"uuid"`
	Name         string `json:"name"`
	IsRefundable bool   `json:"is_refundable"`
}

func (s *server) appointmentRoutes() {
	s.availabilityRoutes()
	s.bookingRoutes()
	s.appointmentChangeRoutes()
	for t, name := range appointmentPathParts {
		registerOperation(s, scopeOwnRead, huma.Operation{
			OperationID: "get-" + name + "-appointment", Method: http.MethodGet,
			Path: "/v3/order/{order_id}/" + name + "/appointment",
			Tags: []string{tagAppointments}, Summary: "Read an order's appointment", Errors: []int{http.StatusNotFound},
		}, s.getAppointment(t))
		registerOperation(s, scopeOwnRead, huma.Operation{
			OperationID: name + "-cancellation-reasons", Method: http.MethodGet,
			Path: "/v3/order/" + name + "/appointment/cancellation-reasons",
			Tags: []string{tagAppointments}, Summary: "List the reasons for which an appointment may be cancelled",
		}, cancellationReasons(t))
	}
}

func (s *server) getAppointment(
	t order.AppointmentType,
) func(context.Context, *OrderPath) (*body[junction.ClientFacingAppointment], error) {
	return func(ctx context.Context, in *OrderPath) (*body[junction.ClientFacingAppointment], error) {
		o, err := s.Store.Order(ctx, callerOf(ctx).team.ID, canonicalUUID(in.OrderID))
		if err != nil {
			return nil, mapNotFound(err, "Order")
		}
		if order.AppointmentTypeOf(o.Modality) != t {
			return nil, notFoundError("Appointment")
		}
		if err := s.appendReadAudit(ctx, "appointment.read", o.TeamID, o.ID, ""); err != nil {
			return nil, err
		}
		return s.answerAppointment(ctx, o)
	}
}

// answerAppointment returns the answer with the order's current appointment.
func (s *server) answerAppointment(ctx context.Context,
	o *order.Order) (*body[junction.ClientFacingAppointment], error) {
	a, err := s.Store.Appointment(ctx, o.TeamID, o.ID)
	if err != nil {
		return nil, mapNotFound(err, "Appointment")
	}
	return newAnswer(junction.FromAppointment(a)), nil
}

func cancellationReasons(
	t order.AppointmentType,
) func(context.Context, *struct{}) (*body[[]CancellationReason], error) {
	return func(context.Context, *struct{}) (*body[[]CancellationReason], error) {
		return newAnswer(convertAll(order.CancellationReasons(t), func(r order.CancellationReason) CancellationReason {
			return CancellationReason{ID: r.ID, Name: r.Name, IsRefundable: r.Refundable}
		})), nil
	}
}

// demandAppointment submits a demand about an order's appointment, and answers with the appointment after it. The
// client's texts are sealed.
func (s *server) demandAppointment(ctx context.Context, o *order.Order, d order.Demand,
	texts order.BookingBody) (*body[junction.ClientFacingAppointment], error) {
	sealed, err := encodeJSON(texts)
	if err != nil {
		return nil, err
	}
	d.By = lifecycle.Client
	after, _, err := s.submitDemand(ctx, o.TeamID, o.ID, d, sealed)
	if err != nil {
		return nil, err
	}
	return s.answerAppointment(ctx, after)
}

// orderWithAppointments reads an order and refuses one that does not have appointments of the type.
func (s *server) orderWithAppointments(ctx context.Context, id string, t order.AppointmentType) (*order.Order, error) {
	o, err := s.Store.Order(ctx, callerOf(ctx).team.ID, canonicalUUID(id))
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	if order.AppointmentTypeOf(o.Modality) != t {
		return nil, badRequest(refusalTexts[order.ReasonNotForThisMethod])
	}
	return o, nil
}

// AppointmentRescheduleRequest moves an appointment to another slot.
type AppointmentRescheduleRequest struct {
	BookingKey       string  `json:"booking_key" maxLength:"10000" minLength:"1" doc:"From the availability."`
	AppointmentNotes *string `json:"appointment_notes,omitempty" maxLength:"1000"`
}

type rescheduleInput struct {
	OrderPath
	Body AppointmentRescheduleRequest
}

// PhlebotomyAppointmentCancelRequest cancels an appointment with a phlebotomist.
type PhlebotomyAppointmentCancelRequest struct {
	ReasonID string  `json:"cancellation_reason_id" format:"uuid"`
	Notes    *string `json:"notes,omitempty" maxLength:"10000"`
}

type cancelPhlebotomyInput struct {
	OrderPath
	Body PhlebotomyAppointmentCancelRequest
}

// PscAppointmentCancelRequest cancels an appointment at a patient service center. Clients use both spellings of its
// keys.
type PscAppointmentCancelRequest struct {
	ReasonID      string  `json:"cancellationReasonId,omitempty" format:"uuid" doc:"Required, in either spelling."`
	OtherReasonID string  `json:"cancellation_reason_id,omitempty" format:"uuid"`
	Note          *string `json:"note,omitempty" maxLength:"10000"`
	Notes         *string `json:"notes,omitempty" maxLength:"10000"`
}

type cancelPSCInput struct {
	OrderPath
	Body PscAppointmentCancelRequest
}

// Resolve checks what a schema cannot say.
func (in *cancelPSCInput) Resolve(huma.Context) []error {
	if in.Body.ReasonID == "" && in.Body.OtherReasonID == "" {
		return []error{missingProblem("body.cancellationReasonId")}
	}
	return nil
}

func (s *server) appointmentChangeRoutes() {
	errs := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable}
	for t, name := range appointmentPathParts {
		registerOperation(s, scopeOwnChange, huma.Operation{
			OperationID: "reschedule-" + name + "-appointment", Method: http.MethodPatch,
			Path: "/v3/order/{order_id}/" + name + "/appointment/reschedule",
			Tags: []string{tagAppointments}, Summary: "Move an appointment to another slot", Errors: errs,
		}, s.reschedule(t))
	}
	op := huma.Operation{
		OperationID: "cancel-phlebotomy-appointment", Method: http.MethodPatch,
		Path: "/v3/order/{order_id}/phlebotomy/appointment/cancel",
		Tags: []string{tagAppointments}, Summary: "Cancel an appointment", Errors: errs,
	}
	registerOperation(s, scopeOwnChange, op, s.cancelPhlebotomy)
	op.OperationID, op.Path = "cancel-psc-appointment", "/v3/order/{order_id}/psc/appointment/cancel"
	registerOperation(s, scopeOwnChange, op, s.cancelPSC)
}

func (s *server) reschedule(
	t order.AppointmentType,
) func(context.Context, *rescheduleInput) (*body[junction.ClientFacingAppointment], error) {
	return func(ctx context.Context, in *rescheduleInput) (*body[junction.ClientFacingAppointment], error) {
		o, err := s.orderWithChangeableAppointment(ctx, in.OrderID, t)
		if err != nil {
			return nil, err
		}
		slot, err := s.slotOfBookingKey(ctx, o, in.Body.BookingKey)
		if err != nil {
			return nil, err
		}
		d := order.Demand{Kind: order.DemandRescheduleAppointment, Slot: &slot}
		return s.demandAppointment(ctx, o, d, order.BookingBody{Notes: in.Body.AppointmentNotes})
	}
}

func (s *server) cancelPhlebotomy(ctx context.Context,
	in *cancelPhlebotomyInput) (*body[junction.ClientFacingAppointment], error) {
	return s.cancelAppointment(ctx, in.OrderID, order.Phlebotomy, in.Body.ReasonID, in.Body.Notes)
}

func (s *server) cancelPSC(ctx context.Context, in *cancelPSCInput) (*body[junction.ClientFacingAppointment], error) {
	return s.cancelAppointment(ctx, in.OrderID, order.PatientServiceCenter,
		cmp.Or(in.Body.ReasonID, in.Body.OtherReasonID), cmp.Or(in.Body.Note, in.Body.Notes))
}

func (s *server) cancelAppointment(ctx context.Context, id string, t order.AppointmentType, reason string,
	notes *string) (*body[junction.ClientFacingAppointment], error) {
	o, err := s.orderWithChangeableAppointment(ctx, id, t)
	if err != nil {
		return nil, err
	}
	reason = canonicalUUID(reason)
	if !order.IsCancellationReason(t, reason) {
		return nil, badRequest("Cancellation reason does not exist")
	}
	return s.demandAppointment(ctx, o, order.Demand{Kind: order.DemandCancelAppointment},
		order.BookingBody{Reason: reason, Notes: notes})
}

// telephoneOnlyProviders are the providers whose appointments can only be changed by telephone
// (client-api#11-appointments).
var telephoneOnlyProviders = map[string]bool{"sonora_quest": true}

// orderWithChangeableAppointment reads an order with appointments of the type. It refuses one whose appointment cannot
// be changed through the API.
func (s *server) orderWithChangeableAppointment(ctx context.Context, id string,
	t order.AppointmentType) (*order.Order, error) {
	o, err := s.orderWithAppointments(ctx, id, t)
	if err != nil {
		return nil, err
	}
	if a := o.State.Appointment; a.Active() && telephoneOnlyProviders[a.Provider] {
		return nil, badRequest("Appointments of " + a.Provider + " cannot be changed through the API")
	}
	return o, nil
}
