package activities

import (
	"context"
	"errors"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Book asks a provider for what a demand about an appointment wants: one attempt. The appointment's id is the same for every attempt
// of the same intent, so a provider that has it already answers how it stands.
func (a *Activities) Book(ctx context.Context, in dispatch.BookInput) (order.ReportedAppointment, error) {
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
	provider, err := a.openScheduler(ctx, o, accountID)
	if errors.Is(err, labs.ErrNotSupported) {
		return order.ReportedAppointment{}, a.partnerError(ctx, "booking", in.OrderID, err)
	}
	if err != nil {
		return order.ReportedAppointment{}, a.internalError(ctx, "booking", in.OrderID, err)
	}
	var got labs.AppointmentAnswer
	err = a.callPartner(ctx, in.OrderID, string(in.Demand.Kind), func() (raw []byte, err error) {
		got, err = callScheduler(ctx, provider, o, in, body)
		return got.Raw, err
	})
	if err != nil {
		return order.ReportedAppointment{}, a.partnerError(ctx, "booking", in.OrderID, err)
	}
	if got.Location != nil && got.Reference != "" {
		if err := a.Store.PutAppointmentLocation(ctx, in.OrderID, got.Reference, *got.Location); err != nil {
			return order.ReportedAppointment{}, a.internalError(ctx, "keeping an appointment's place", in.OrderID, err)
		}
	}
	return got.ReportedAppointment, nil
}

// callScheduler makes the call that the demand's kind stands for.
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
		return labs.AppointmentAnswer{ReportedAppointment: order.ReportedAppointment{Status: lifecycle.AppointmentStatusCancelled}}, err
	default:
		return provider.Book(ctx, b)
	}
}

// providerAppointmentID is what an appointment goes by at its provider: our id, or the provider's own reference where the provider has made it.
func providerAppointmentID(a order.Appointment) string {
	if a.AccountID == "" && a.Reference != "" {
		return a.Reference
	}
	return a.ID
}

// visitLocation is where a phlebotomist comes: where the client said, else the patient's address.
func visitLocation(o *order.Order, body order.BookingBody) *order.Location {
	switch {
	case body.Location != nil:
		return body.Location
	case o.Address == nil:
		return nil
	}
	place := o.Address.Location()
	return &place
}

func cancellationReasonName(t order.AppointmentType, id string) string {
	for _, r := range order.CancellationReasons(t) {
		if r.ID == id {
			return r.Name
		}
	}
	return ""
}

// Release tells a provider that an appointment is over. No error: the provider has confirmed that, or has never had it.
func (a *Activities) Release(ctx context.Context, in dispatch.ReleaseInput) error {
	o, err := a.Store.Order(ctx, "", in.OrderID)
	if err != nil {
		return a.internalError(ctx, "releasing an appointment", in.OrderID, err)
	}
	provider, err := a.openScheduler(ctx, o, in.Release.AccountID)
	if errors.Is(err, labs.ErrNotSupported) {
		return a.partnerError(ctx, "releasing an appointment", in.OrderID, err)
	}
	if err != nil {
		return a.internalError(ctx, "releasing an appointment", in.OrderID, err)
	}
	err = a.callPartner(ctx, in.OrderID, "release", func() ([]byte, error) {
		return nil, provider.CancelAppointment(ctx, o.Number, in.Release.AppointmentID, "")
	})
	if err != nil {
		return a.partnerError(ctx, "releasing an appointment", in.OrderID, err)
	}
	return nil
}

// openScheduler makes the client of a provider. An appointment that its provider has made itself has no account of its own: that of the
// order's lab is asked.
func (a *Activities) openScheduler(ctx context.Context, o *order.Order, accountID string) (labs.Scheduler, error) {
	if accountID == "" {
		accountID = o.LabAccountID
	}
	lab, err := a.openLabAccount(ctx, accountID)
	if err != nil {
		return nil, err
	}
	provider, ok := lab.(labs.Scheduler)
	if !ok {
		return nil, labs.ErrNotSupported
	}
	return provider, nil
}
