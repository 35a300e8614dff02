package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// confirmBookingAt reports, at a time, how the provider decides about the appointment of a demand.
func (w *orderHarness) confirmBookingAt(after time.Duration, r *demandReply, to lifecycle.AppointmentStatus) {
	w.at(after, func() {
		w.reportFact(order.FactAppointment, func(f *order.Fact) {
			f.AppointmentID = r.id
			f.Appointment = &order.ReportedAppointment{Status: to, Provider: "quest", CanReschedule: true}
		})
	})
}

// TestABookingThatTheProviderAnswersAsPending: a caller waits for the confirmation, for twelve seconds, or with
// async_confirmation for as long as it asked for.
func TestABookingThatTheProviderAnswersAsPending(t *testing.T) {
	t.Parallel()
	const wait = 3 * time.Second
	for name, tt := range map[string]struct {
		async    bool
		confirms time.Duration // 0: never
		to       lifecycle.AppointmentStatus
		reason   order.Reason
		events   []string
	}{
		"synchronous, confirmed": {false, 3 * time.Second, lifecycle.AppointmentStatusConfirmed, "",
			[]string{"scheduled"}},
		"synchronous, reserved":        {false, time.Second, lifecycle.AppointmentStatusReserved, "", []string{"reserved"}},
		"synchronous, never confirmed": {false, 0, "", order.ReasonProviderUnanswered, nil},
		"synchronous, declined":        {false, time.Second, lifecycle.AppointmentStatusCancelled, order.ReasonSlotGone, nil},
		"asynchronous, confirmed in time": {true, time.Second, lifecycle.AppointmentStatusConfirmed, "",
			[]string{"scheduled"}},
		"asynchronous, confirmed later": {true, time.Minute, lifecycle.AppointmentStatusConfirmed, "",
			[]string{"pending", "scheduled"}},
		"asynchronous, never confirmed": {true, 0, "", "", []string{"pending", "cancelled"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newVisitWorld(t, lifecycle.WalkIn, withScript("book-pending"))
			d := w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour)
			if tt.async {
				d.Async, d.CallerWait, d.ConfirmWithin = true, order.Duration(wait), order.Duration(10*time.Minute)
			}
			book := w.demandAt(hour, d)
			if tt.confirms > 0 {
				w.confirmBookingAt(hour+tt.confirms, book, tt.to)
			}
			w.runUntil(2 * hour)
			require.Equal(t, tt.reason, book.Reason)
			require.Equal(t, tt.reason == "", book.Done)
			if tt.reason == "" {
				require.Equal(t, tt.events, w.appointmentEvents())
			}
			require.Empty(t, w.order().State.ParkedFacts, "no fact is left over")
			released := len(w.labCalls("neutral.cancel_appointment"))
			require.Equal(t, tt.to == "", released == 1, "what nobody confirmed is dropped: %d", released)
		})
	}
}

// A phlebotomist's booking is pending until the provider has assigned somebody: nobody waits for that.
func TestAPhlebotomyBookingMayBePending(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.AtHomePhlebotomy, withScript("book-pending"))
	book := w.demandAt(hour, w.bookingDemand(lifecycle.AtHomePhlebotomy, order.DemandBookAppointment, 54*hour))
	w.runUntil(2 * hour)
	require.True(t, book.Done, "%s", book.Reason)
	require.Equal(t, []string{"pending"}, w.appointmentEvents())
}
