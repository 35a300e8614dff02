package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	webhookOrderCreated       = "labtest.order.created"
	webhookOrderUpdated       = "labtest.order.updated"
	webhookAppointmentCreated = "labtest.appointment.created"
	webhookAppointmentUpdated = "labtest.appointment.updated"
)

func newVisitWorld(t *testing.T, m lifecycle.Modality, settings ...orderSetting) *orderHarness {
	t.Helper()
	return newLabHarness(t, withNeutralLab).newWorld(t, append([]orderSetting{withModality(m)}, settings...)...)
}

func allowEarlyBooking(p *order.Policy) { p.BookBeforeRequisition = true }

func TestAVisitFromBookingToResults(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn)
	book := w.demandAt(hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
	w.appointmentFactAt(50*hour, lifecycle.AppointmentStatusCompleted)
	w.resultsAt(70*hour, `{"status":"partial"}`)
	w.factAt(70*hour, order.FactReportReady)
	w.resultsAt(80*hour, `{}`)
	w.factAt(80*hour, order.FactReportReady)
	w.run()

	require.True(t, book.Done, "%s", book.Reason)
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.AppointmentScheduled, lifecycle.PartialResults,
		lifecycle.Completed,
	}, w.statusHistory())
	require.Equal(t, []string{"scheduled", "completed"}, w.appointmentEvents())
	a := w.appointment()
	require.Equal(t, book.id, a.ID)
	require.Equal(t, day0.Add(50*hour), a.StartAt)
	require.Equal(t, "305 W Washington Street", a.Location.FirstLine, "where the provider said")
	require.Equal(t, day0.Add(50*hour), w.order().State.CollectedAt)
	require.Equal(t, []string{webhookOrderCreated, webhookOrderUpdated, webhookOrderUpdated, webhookAppointmentCreated,
		webhookAppointmentUpdated, webhookOrderUpdated}, w.webhookTypes(), "partial results make no message")
	require.Len(t, w.labCalls("neutral.book"), 1)
}

// TestBookingBeforeTheRequisition: an appointment is reserved before the requisition, and confirmed with it.
func TestBookingBeforeTheRequisition(t *testing.T) {
	t.Parallel()
	for _, m := range []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			day := order.DateOf(day0.AddDate(0, 0, 1))
			start := 54 * hour // 16:00 UTC on day 2: 11:00 in New York, 9:00 in Phoenix
			w := newVisitWorld(t, m, withPolicy(allowEarlyBooking), withActivateBy(day, time.UTC))
			tooSoon := w.demandAt(hour, w.bookingDemand(m, order.DemandBookAppointment, 6*hour))
			book := w.demandAt(2*hour, w.bookingDemand(m, order.DemandBookAppointment, start))
			past := w.demandAt(3*hour, activationDemand(order.DateOf(day0.AddDate(0, 0, 4)), time.UTC))
			w.runUntil(20 * hour)

			require.Equal(t, order.ReasonBeforeActivation, tooSoon.Reason)
			require.True(t, book.Done, "%s", book.Reason)
			require.Equal(t, order.ReasonBeforeActivation, past.Reason, "activation is not moved past a booked start")
			require.Equal(t, []lifecycle.LowStatus{
				lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.AppointmentPending, lifecycle.AppointmentScheduled,
			}, w.statusHistory())
			require.Equal(t, []string{"reserved", "scheduled"}, w.appointmentEvents())
			events := w.order().Events
			require.Equal(t, events[1].Cause, events[3].Cause, "in quick succession")
		})
	}
}

func TestAVisitWithoutARequisitionIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		start time.Duration
		at    time.Duration
	}{
		{"eight hours after the order", 52 * hour, 8 * hour},
		{"two hours before its start", 8 * hour, 6 * hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newVisitWorld(t, lifecycle.WalkIn, withPolicy(allowEarlyBooking), withScript("refuse-place"))
			book := w.demandAt(hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, test.start))
			w.runUntil(9 * hour)
			require.True(t, book.Done, "%s", book.Reason)
			require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered}, w.statusHistory(), "the order is unchanged")
			require.Equal(t, []string{"reserved", "cancelled"}, w.appointmentEvents())
			require.Equal(t, day0.Add(test.at), w.appointment().History[1].At.Truncate(time.Second))
			require.Equal(t, []string{webhookOrderCreated, webhookAppointmentCreated, webhookAppointmentUpdated},
				w.webhookTypes())
			require.Len(t, w.labCalls("neutral.cancel_appointment"), 1, "its provider drops it")
			require.Empty(t, w.order().State.PendingReleases)
		})
	}
}

func TestPhlebotomy(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.AtHomePhlebotomy, withZip("54650"))
	ask := w.demandAt(hour, w.requestAppointmentDemand())
	start := day0.Add(30 * hour)
	w.appointmentFactAt(6*hour, lifecycle.AppointmentStatusConfirmed,
		func(b *order.ReportedAppointment) { b.StartAt, b.EndAt = start, start.Add(hour) })
	w.appointmentFactAt(30*hour, lifecycle.AppointmentStatusInProgress)
	w.appointmentFactAt(31*hour, lifecycle.AppointmentStatusCompleted)
	w.factAt(50*hour, order.FactKitReceived)
	w.resultsAt(70*hour, `{}`)
	w.factAt(70*hour, order.FactReportReady)
	w.run()

	require.True(t, ask.Done, "%s", ask.Reason)
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.AppointmentPending, lifecycle.AppointmentScheduled,
		lifecycle.DrawCompleted, lifecycle.Completed,
	}, w.statusHistory())
	require.Equal(t, []string{"pending", "scheduled", "in_progress", "completed"}, w.appointmentEvents())
	require.Equal(t, "77 Elm Ct", w.appointment().Location.FirstLine, "at the patient's home")
	require.Equal(t, start, w.order().State.CollectedAt)
}

func TestAppointmentIsRescheduledAndCancelled(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn)
	w.demandAt(hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
	twice := w.demandAt(2*hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 51*hour))
	same := w.demandAt(3*hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
	move := w.demandAt(4*hour, w.bookingDemand(lifecycle.WalkIn, order.DemandRescheduleAppointment, 74*hour))
	drop := w.demandAt(5*hour, cancelAppointmentDemand())
	again := w.demandAt(6*hour, cancelAppointmentDemand())
	rebooked := w.demandAt(7*hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
	w.runUntil(8 * hour)

	require.Equal(t, order.ReasonAlreadyBooked, twice.Reason)
	require.True(t, same.Done, "the same slot again is the same appointment")
	require.True(t, move.Done, "%s", move.Reason)
	require.True(t, drop.Done, "%s", drop.Reason)
	require.Equal(t, order.ReasonNoAppointment, again.Reason)
	require.True(t, rebooked.Done, "the first slot is free again: %s", rebooked.Reason)
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.AppointmentScheduled, lifecycle.AppointmentScheduled,
		lifecycle.AppointmentCancelled, lifecycle.AppointmentScheduled,
	}, w.statusHistory())
	first := w.story().Appointments[0]
	require.Len(t, first.History, 3)
	require.True(t, first.History[1].Reschedule)
	require.Equal(t, []string{"scheduled"}, w.appointmentEvents())
}

func TestSlotGone(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t, withNeutralLab)
	first := c.newWorld(t, withModality(lifecycle.WalkIn))
	first.demandAt(hour, first.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
	first.runUntil(2 * hour)
	second := c.newWorld(t, withModality(lifecycle.WalkIn))
	taken := second.demandAt(hour, second.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
	second.runUntil(2 * hour)
	require.False(t, taken.Done)
	require.Equal(t, order.ReasonSlotGone, taken.Reason)
	require.Empty(t, second.story().Appointments)
	require.Equal(t, lifecycle.RequisitionCreated, second.order().Status)
}

// TestABookingThatNobodyAnswers: a booking without an answer fails for a caller who waits, and what the provider may
// have booked is released.
func TestABookingThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn, withScript("fail-book-1000"))
	book := w.demandAt(hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
	again := w.demandAt(2*hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
	w.runUntil(3 * hour)
	require.False(t, book.Done)
	require.Equal(t, order.ReasonProviderUnanswered, book.Reason)
	require.Equal(t, day0.Add(hour+12*time.Second), book.At.Truncate(time.Second))
	require.Equal(t, order.ReasonProviderUnanswered, again.Reason)
	require.Empty(t, w.story().Appointments)
	require.Len(t, w.labCalls("neutral.cancel_appointment"), 2)
	require.Empty(t, w.order().State.PendingReleases)
}

// TestAsyncBooking: a caller who does not wait gets "pending", and the provider goes on being asked.
func TestAsyncBooking(t *testing.T) {
	t.Parallel()
	async := func(w *orderHarness) order.Demand {
		d := w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour)
		d.Async, d.CallerWait, d.ConfirmWithin = true, order.Duration(2500*time.Millisecond), order.Duration(15*time.Minute)
		return d
	}
	t.Run("answered at once", func(t *testing.T) {
		t.Parallel()
		w := newVisitWorld(t, lifecycle.WalkIn)
		book := w.demandAt(hour, async(w))
		w.runUntil(2 * hour)
		require.True(t, book.Done)
		require.Equal(t, []string{"scheduled"}, w.appointmentEvents())
	})
	t.Run("answered later", func(t *testing.T) {
		t.Parallel()
		w := newVisitWorld(t, lifecycle.WalkIn, withScript("fail-book-4"))
		book := w.demandAt(hour, async(w))
		w.runUntil(2 * hour)
		require.True(t, book.Done)
		require.Equal(t, day0.Add(hour+2500*time.Millisecond), book.At.Truncate(100*time.Millisecond))
		require.Equal(t, []string{"pending", "scheduled"}, w.appointmentEvents())
		require.Equal(t, []lifecycle.LowStatus{
			lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.AppointmentPending, lifecycle.AppointmentScheduled,
		}, w.statusHistory())
	})
	t.Run("not answered for hours", func(t *testing.T) {
		t.Parallel()
		w := newVisitWorld(t, lifecycle.WalkIn, withScript("fail-book-1000"))
		d := async(w)
		d.ConfirmWithin = order.Duration(10 * hour)
		w.demandAt(hour, d)
		behind := func(due time.Time) []string {
			ids, err := w.store.OrdersBehind(context.Background(), due, due, 10)
			require.NoError(t, err)
			return ids
		}
		w.runUntil(4 * hour)
		require.Empty(t, behind(w.now()), "the run asks the provider")
		require.Equal(t, []string{w.orderID}, behind(w.now().Add(order.CallGrace)), "the control: a run that stops")
	})
	t.Run("not answered", func(t *testing.T) {
		t.Parallel()
		w := newVisitWorld(t, lifecycle.WalkIn, withScript("fail-book-1000"))
		w.demandAt(hour, async(w))
		w.runUntil(2 * hour)
		require.Equal(t, []string{"pending", "cancelled"}, w.appointmentEvents())
		require.Equal(t, day0.Add(hour+15*time.Minute), w.appointment().History[1].At.Truncate(time.Second))
		require.Equal(t, []lifecycle.LowStatus{
			lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.AppointmentPending, lifecycle.AppointmentCancelled,
		}, w.statusHistory())
		require.Len(t, w.labCalls("neutral.cancel_appointment"), 1)
	})
}

func TestCancellingAnOrderThatHasAVisit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		modality lifecycle.Modality
		start    time.Duration
		visits   []string
		releases int
	}{
		{lifecycle.AtHomePhlebotomy, 54 * hour, []string{"scheduled", "cancelled"}, 1},
		{lifecycle.WalkIn, 54 * hour, []string{"scheduled"}, 0}, // a PSC keeps its appointment
	} {
		t.Run(string(test.modality), func(t *testing.T) {
			t.Parallel()
			w := newVisitWorld(t, test.modality)
			book := w.demandAt(hour, w.bookingDemand(test.modality, order.DemandBookAppointment, test.start))
			stop := w.demandAt(2*hour, cancelDemand())
			w.run()
			require.True(t, book.Done, "%s", book.Reason)
			require.True(t, stop.Done)
			require.Equal(t, lifecycle.Cancelled, w.order().Status)
			require.Equal(t, test.visits, w.appointmentEvents())
			require.Len(t, w.labCalls("neutral.cancel_appointment"), test.releases)
		})
	}
}

// TestABookingThatOutlivesItsRun: if a run is lost during a booking, the next run asks again with the same id.
func TestABookingThatOutlivesItsRun(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn, withScript("fail-book-3"))
	d := w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour)
	d.Async, d.CallerWait, d.ConfirmWithin = true, order.Duration(time.Second), order.Duration(15*time.Minute)
	w.demandAt(hour, d)
	w.cutOff(hour + 3*time.Second)
	require.Equal(t, []string{"pending"}, w.appointmentEvents())
	w.runUntil(2 * hour)
	require.Equal(t, []string{"pending", "scheduled"}, w.appointmentEvents())
	require.Len(t, w.story().Appointments, 1)
}

// TestReleaseWaitsForTheBookingCall: a provider that got the release first would not know the appointment and book it
// later.
func TestReleaseWaitsForTheBookingCall(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn)
	booked, stop, after := w.newReply(), w.newReply(), w.newReply()
	w.gate.setHook("/neutral/orders/"+w.number+"/appointments/"+booked.id, func(_ int, serve func()) {
		w.meanwhile(func() { w.sendDemand(stop, cancelDemand(), nil) })
		w.await(lifecycle.Cancelled)
		w.meanwhile(func() {
			// its answer shows that the run has handled the cancellation
			w.sendDemand(after, operationsDemand(order.DemandAcknowledgeMark), nil)
		})
		w.awaitOrder(func(*order.Order) bool {
			row, err := w.store.Demand(context.Background(), after.id)
			return err == nil && row.State == store.DemandRefused
		})
		serve()
	})
	w.at(hour, func() {
		w.sendDemand(booked, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour), nil)
	})
	w.run()
	require.False(t, booked.Done)
	require.True(t, stop.Done)
	var calls []string
	for _, c := range w.lab.Traffic().CallsFor(w.number) {
		calls = append(calls, c.Operation)
	}
	require.Equal(t, []string{"neutral.place", "neutral.book", "neutral.cancel_appointment"}, calls)
}

// TestAReportOnABookingThatNobodyAnswers: a provider's fact about a pending booking waits for the end of the booking.
// If the booking fails, the fact is late.
func TestAReportOnABookingThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn, withScript("fail-book-1000"))
	booked := w.newReply()
	w.at(hour, func() {
		w.sendDemand(booked, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour), nil)
	})
	w.at(hour+3*time.Second, func() {
		w.reportFact(order.FactAppointment, func(f *order.Fact) {
			f.AppointmentID = booked.id
			f.Appointment = &order.ReportedAppointment{Status: lifecycle.AppointmentStatusConfirmed, Provider: "quest",
				Reference: "R-1"}
		})
	})
	w.runUntil(3 * day)
	require.Equal(t, order.ReasonProviderUnanswered, booked.Reason)
	require.Equal(t, []string{"appointment: late"}, w.factOutcomes())
	require.Empty(t, w.attention(), "nothing is out of place")
}
