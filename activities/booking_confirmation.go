package activities

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// DefaultConfirmationWait is how long a booking waits for the provider's confirmation before the provider is asked
// again. It is shorter than the time that a call about an appointment may take.
const DefaultConfirmationWait = 8 * time.Second

// confirmationInterval is the time between two looks for the confirmation in the store.
const confirmationInterval = 100 * time.Millisecond

// errUnconfirmed means that the provider has the booking and has not confirmed it yet.
var errUnconfirmed = errors.New("the provider has not confirmed the booking yet")

// awaitConfirmation waits for the confirmation of a booking at a patient service center that the provider has answered
// as pending, while a caller waits for it (client-api#11-appointments). A provider confirms by a fact, which is parked
// until the booking has an answer. The error is errUnconfirmed if the provider has to be asked again. Once nobody
// waits, the answer is the provider's.
func (a *Activities) awaitConfirmation(ctx context.Context, o *order.Order, in dispatch.BookInput,
	got order.ReportedAppointment) (order.ReportedAppointment, error) {
	waits := in.Demand.Kind == order.DemandBookAppointment &&
		order.AppointmentTypeOf(o.Modality) == order.PatientServiceCenter
	if !waits || got.Status != lifecycle.AppointmentStatusPending {
		return got, nil
	}
	over := time.After(a.confirmationWait(ctx)) // it does not cut off a look: each attempt has one at least
	for {
		s, err := a.Store.State(ctx, o.ID)
		if err != nil {
			return got, err
		}
		if !s.AwaitsConfirmation(in.Demand.ID) {
			return got, nil
		}
		if confirmed, ok := confirmationIn(s, in.Demand.AppointmentID(), got); ok {
			return confirmed, nil
		}
		select {
		case <-ctx.Done():
			return got, errUnconfirmed
		case <-over:
			return got, errUnconfirmed
		case <-time.After(confirmationInterval):
		}
	}
}

// confirmationWait returns how long one call waits. It ends a second before its time is over, so that it can answer.
func (a *Activities) confirmationWait(ctx context.Context) time.Duration {
	wait := cmp.Or(a.ConfirmationWait, DefaultConfirmationWait)
	if end, limited := ctx.Deadline(); limited {
		wait = min(wait, time.Until(end)-time.Second)
	}
	return wait
}

// confirmationIn returns the pending appointment as the oldest parked fact reports it that says more than that it is
// pending. A visit proves that it was confirmed; the fact about the visit is applied later.
func confirmationIn(s order.State, appointmentID string, pending order.ReportedAppointment) (order.ReportedAppointment,
	bool) {
	i := slices.IndexFunc(s.ParkedFacts, func(f order.Fact) bool {
		return f.Kind == order.FactAppointment && f.AppointmentID == appointmentID && f.Appointment != nil &&
			f.Appointment.Status != lifecycle.AppointmentStatusPending
	})
	if i < 0 {
		return pending, false
	}
	reported := *s.ParkedFacts[i].Appointment
	switch reported.Status {
	case lifecycle.AppointmentStatusInProgress, lifecycle.AppointmentStatusCompleted:
		reported.Status = lifecycle.AppointmentStatusConfirmed
	}
	if reported.StartAt.IsZero() {
		reported.StartAt, reported.EndAt = pending.StartAt, pending.EndAt
	}
	for _, text := range []struct {
		to   *string
		from string
	}{
		{&reported.Provider, pending.Provider}, {&reported.Reference, pending.Reference},
		{&reported.Confirmation, pending.Confirmation}, {&reported.Site, pending.Site}, {&reported.Zone, pending.Zone},
	} {
		if *text.to == "" {
			*text.to = text.from
		}
	}
	return reported, true
}
