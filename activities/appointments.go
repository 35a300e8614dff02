package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Book makes one call to a provider for a demand about an appointment, and stores the location that the provider
// reports. The appointment's id is the same for every attempt of the same intent, so a provider that has the
// appointment already answers with its present status.
func (a *Activities) Book(ctx context.Context, in dispatch.BookInput) (order.ReportedAppointment, error) {
	call := &partnerCall{orderID: in.OrderID, kind: string(in.Demand.Kind), lane: store.LaneUrgent, turn: in.Turn,
		isWanted: func(s order.State) bool { return s.WantsBooking(in.Demand.ID) }}
	if err := checkOrderID("booking", in.OrderID); err != nil {
		return order.ReportedAppointment{}, err
	}
	if !order.IsID(in.Demand.ID) {
		return order.ReportedAppointment{}, a.notMadeError(ctx, "booking", in.OrderID, errStaleCall)
	}
	o, err := a.Store.Order(ctx, "", in.OrderID)
	if err != nil {
		return order.ReportedAppointment{}, a.internalError(ctx, "booking", in.OrderID, err)
	}
	body, err := a.Store.BookingOfDemand(ctx, in.Demand.ID)
	if err != nil {
		return order.ReportedAppointment{}, a.internalError(ctx, "booking", in.OrderID, err)
	}
	accountID := in.Appointment.AccountID
	if in.Demand.Slot != nil {
		accountID = in.Demand.Slot.AccountID
	}
	provider, err := a.openScheduler(ctx, o, accountID, call)
	if errors.Is(err, labs.ErrNotSupported) {
		return order.ReportedAppointment{}, a.partnerError(ctx, "booking", in.OrderID, err)
	}
	if err != nil {
		return order.ReportedAppointment{}, a.internalError(ctx, "booking", in.OrderID, err)
	}
	var got labs.AppointmentAnswer
	err = a.callPartner(ctx, call, func() (raw []byte, err error) {
		got, err = callScheduler(ctx, provider, o, in, body)
		return got.Raw, err
	})
	if err != nil {
		err = a.callError(ctx, "booking", call, err)
		a.postponeActingAfterNoAnswer(ctx, in.OrderID, err)
		return order.ReportedAppointment{}, err
	}
	if got.Location != nil && got.Reference != "" {
		if err := a.Store.PutAppointmentLocation(ctx, in.OrderID, got.Reference, *got.Location); err != nil {
			return order.ReportedAppointment{}, a.internalError(ctx, "storing an appointment's location", in.OrderID, err)
		}
	}
	answer, err := a.awaitConfirmation(ctx, o, in, got.ReportedAppointment)
	if errors.Is(err, errUnconfirmed) {
		unconfirmed := temporal.NewApplicationError("booking: "+err.Error(), dispatch.ErrorUnanswered)
		a.postponeActingAfterNoAnswer(ctx, in.OrderID, unconfirmed)
		return order.ReportedAppointment{}, unconfirmed
	}
	if err != nil {
		return order.ReportedAppointment{}, a.internalError(ctx, "booking", in.OrderID, err)
	}
	return answer, nil
}

// callScheduler makes the call for the kind of the demand.
func callScheduler(ctx context.Context, provider labs.Scheduler, o *order.Order, in dispatch.BookInput,
	body order.BookingBody) (labs.AppointmentAnswer, error) {
	b := labs.Booking{
		AppointmentID: in.Demand.AppointmentID(), OrderNumber: o.Number, Type: order.AppointmentTypeOf(o.Modality),
		Notes: body.Notes, Patient: o.Patient,
	}
	if b.Type == order.Phlebotomy {
		b.Location = visitLocation(o, body)
	}
	if in.Demand.Slot != nil {
		b.Slot = in.Demand.Slot.Key
	}
	switch in.Demand.Kind {
	case order.DemandRescheduleAppointment:
		b.AppointmentID = providerAppointmentID(in.Appointment)
		return provider.Reschedule(ctx, b)
	case order.DemandCancelAppointment:
		err := provider.CancelAppointment(ctx, o.Number, providerAppointmentID(in.Appointment),
			cancellationReasonName(b.Type, body.Reason))
		cancelled := order.ReportedAppointment{Status: lifecycle.AppointmentStatusCancelled}
		return labs.AppointmentAnswer{ReportedAppointment: cancelled}, err
	default:
		return provider.Book(ctx, b)
	}
}

// providerAppointmentID is the id of an appointment at its provider: our id, or the provider's reference if the
// provider created the appointment.
func providerAppointmentID(a order.Appointment) string {
	if a.AccountID == "" && a.Reference != "" {
		return a.Reference
	}
	return a.ID
}

// visitLocation is where a phlebotomist comes: the location in the demand, else the patient's address.
func visitLocation(o *order.Order, body order.BookingBody) *order.Location {
	switch {
	case body.Location != nil:
		return body.Location
	case o.Address == nil:
		return nil
	}
	home := o.Address.Location()
	return &home
}

func cancellationReasonName(t order.AppointmentType, id string) string {
	for _, r := range order.CancellationReasons(t) {
		if r.ID == id {
			return r.Name
		}
	}
	return ""
}

// Release asks a provider to drop an appointment. Without an error the provider has dropped it or never had it.
func (a *Activities) Release(ctx context.Context, in dispatch.ReleaseInput) error {
	call := &partnerCall{orderID: in.OrderID, kind: "release", lane: store.LaneUrgent, turn: in.Turn,
		isWanted: func(s order.State) bool { return s.WantsRelease(in.Release.AppointmentID) }}
	if err := checkOrderID("releasing an appointment", in.OrderID); err != nil {
		return err
	}
	o, err := a.Store.Order(ctx, "", in.OrderID)
	if err != nil {
		return a.internalError(ctx, "releasing an appointment", in.OrderID, err)
	}
	provider, err := a.openScheduler(ctx, o, in.Release.AccountID, call)
	if errors.Is(err, labs.ErrNotSupported) {
		return a.partnerError(ctx, "releasing an appointment", in.OrderID, err)
	}
	if err != nil {
		return a.internalError(ctx, "releasing an appointment", in.OrderID, err)
	}
	err = a.callPartner(ctx, call, func() ([]byte, error) {
		return nil, provider.CancelAppointment(ctx, o.Number, in.Release.AppointmentID, "")
	})
	if err != nil {
		return a.callError(ctx, "releasing an appointment", call, err)
	}
	return nil
}

// openScheduler opens a client of the appointment's provider. An appointment that the provider created has no account
// of its own; the account of the order's lab is used for it.
func (a *Activities) openScheduler(ctx context.Context, o *order.Order, accountID string,
	c *partnerCall) (labs.Scheduler, error) {
	if accountID == "" {
		accountID = o.LabAccountID
	}
	lab, err := a.openLabAccount(ctx, accountID, c)
	if err != nil {
		return nil, err
	}
	provider, ok := lab.(labs.Scheduler)
	if !ok {
		return nil, labs.ErrNotSupported
	}
	return provider, nil
}
