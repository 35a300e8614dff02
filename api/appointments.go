package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// The paths of appointments differ in this part, by their type.
var appointmentPathParts = map[order.AppointmentType]string{
	order.Phlebotomy: "phlebotomy", order.PatientServiceCenter: "psc",
}

// CancellationReason is why an appointment is cancelled.
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
			OperationID: "get-" + name + "-appointment", Method: http.MethodGet, Path: "/v3/order/{order_id}/" + name + "/appointment",
			Tags: []string{tagAppointments}, Summary: "Read an order's appointment", Errors: []int{http.StatusNotFound},
		}, s.getAppointment(t))
		registerOperation(s, scopeOwnRead, huma.Operation{
			OperationID: name + "-cancellation-reasons", Method: http.MethodGet,
			Path: "/v3/order/" + name + "/appointment/cancellation-reasons",
			Tags: []string{tagAppointments}, Summary: "List why an appointment may be cancelled",
		}, cancellationReasons(t))
	}
}

func (s *server) getAppointment(t order.AppointmentType) func(context.Context, *OrderPath) (*body[junction.ClientFacingAppointment], error) {
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

// answerAppointment answers with the order's appointment as it stands.
func (s *server) answerAppointment(ctx context.Context, o *order.Order) (*body[junction.ClientFacingAppointment], error) {
	a, err := s.Store.Appointment(ctx, o.TeamID, o.ID)
	if err != nil {
		return nil, mapNotFound(err, "Appointment")
	}
	return newAnswer(junction.FromAppointment(a)), nil
}

func cancellationReasons(t order.AppointmentType) func(context.Context, *struct{}) (*body[[]CancellationReason], error) {
	return func(context.Context, *struct{}) (*body[[]CancellationReason], error) {
		return newAnswer(convertAll(order.CancellationReasons(t), func(r order.CancellationReason) CancellationReason {
			return CancellationReason{ID: r.ID, Name: r.Name, IsRefundable: r.Refundable}
		})), nil
	}
}

// demandAppointment asks something about an order's appointment of the type, and answers with the appointment as it is after. What
// the client says in words is sealed.
func (s *server) demandAppointment(ctx context.Context, o *order.Order, d order.Demand, texts order.BookingBody) (*body[junction.ClientFacingAppointment], error) {
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

// orderWithAppointments reads an order whose appointments are of the type.
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
