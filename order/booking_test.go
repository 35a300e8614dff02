package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestACallerDoesNotWait(t *testing.T) {
	t.Parallel()
	m := lifecycle.WalkIn
	dm := bookingOf(m, DemandBook, "s1", 48)
	dm.Async, dm.ConfirmWithin = true, Duration(15*time.Minute)
	asked := requisitioned(m, nil).ApplyBookingAsked(dm, hour(2)).Next
	d := asked.ApplyBookingPending(hour(2).Add(time.Second))
	require.Equal(t, []lifecycle.Low{lifecycle.AppointmentPending}, lows(d.Steps))
	require.Equal(t, []lifecycle.AppointmentStatus{pending}, statuses(d.Appointments))
	waiting := d.Next
	dl := Deadline{DeadlineConfirmation, hour(2).Add(15 * time.Minute)}
	require.True(t, hasDeadline(waiting, dl.Name, dl.Due))

	d = waiting.ApplyBooked(dm, Booked{Status: confirmed, Reference: "ref-1"}, hour(2).Add(time.Minute))
	require.Equal(t, []lifecycle.Low{lifecycle.AppointmentScheduled}, lows(d.Steps))
	require.False(t, d.Appointments[0].Created)
	require.False(t, hasDeadline(d.Next, dl.Name, dl.Due))

	reported, _ := run(waiting, visit(waiting, 3, confirmed))
	require.Equal(t, lifecycle.AppointmentScheduled, reported.Status)
	d = reported.ApplyBooked(dm, Booked{Status: pending, Reference: "ref-1"}, hour(4))
	require.Equal(t, Applied, d.Outcome)
	require.Nil(t, d.Next.Booking)
	require.Empty(t, d.Steps, "the provider's report was faster than its answer, and is newer")
	require.Equal(t, confirmed, d.Next.Appointment.Status)

	d = waiting.ApplyBookingRefused(dm, ReasonSlotGone, hour(2).Add(time.Minute))
	require.Equal(t, []lifecycle.Low{lifecycle.AppointmentCancelled}, lows(d.Steps))

	d = waiting.ApplyDeadline(dl, dl.Due)
	require.Equal(t, []lifecycle.Low{lifecycle.AppointmentCancelled}, lows(d.Steps), "not confirmed in time")
	require.Nil(t, d.Next.Booking)
	require.Len(t, d.Next.Releasing, 1)
	d = d.Next.ApplyBooked(dm, Booked{Status: confirmed}, dl.Due.Add(time.Second))
	require.Equal(t, Refused, d.Outcome, "the answer comes too late")
	require.Empty(t, d.Appointments)
}

func TestABookingThatNobodyAnsweredIsGivenBack(t *testing.T) {
	t.Parallel()
	m := lifecycle.WalkIn
	dm := bookingOf(m, DemandBook, "s1", 48)
	d := requisitioned(m, nil).ApplyBookingAsked(dm, hour(2)).Next.ApplyBookingGivenUp(dm, hour(2).Add(12*time.Second))
	require.Equal(t, Refused, d.Outcome)
	require.Equal(t, ReasonUnanswered, d.Reason)
	require.Nil(t, d.Next.Appointment)
	require.Len(t, d.Next.Releasing, 1)

	late := visit(State{}, 3, confirmed)
	late.AppointmentID = dm.AppointmentID()
	_, d2 := run(d.Next, late)
	require.Equal(t, Late, d2.Outcome, "the provider is being told")

	s := d.Next
	for range releaseTries {
		s = s.ApplyReleaseMissed("b-s1", hour(3)).Next
	}
	require.True(t, s.Needs(AppointmentAtProvider))
	s = s.ApplyReleased("b-s1", false, hour(4)).Next
	require.Empty(t, s.Releasing)
	require.False(t, s.Needs(AppointmentAtProvider))
	refused := d.Next.ApplyReleased("b-s1", true, hour(4)).Next
	require.True(t, refused.Needs(AppointmentAtProvider), "it would not")

	again := refused.ApplyBookingAsked(bookingOf(m, DemandBook, "s2", 48), hour(5)).Next
	again = again.ApplyBookingGivenUp(bookingOf(m, DemandBook, "s2", 48), hour(5).Add(12*time.Second)).Next
	again = again.ApplyReleased("b-s2", false, hour(6)).Next
	require.Empty(t, again.Releasing)
	require.True(t, again.Needs(AppointmentAtProvider), "it has dropped another one, and this one not")
	seen := again.ApplyDemand(Demand{ID: "a", Kind: DemandAcknowledge, Reason: string(AppointmentAtProvider), By: lifecycle.Operations}, hour(7)).Next
	require.False(t, seen.Needs(AppointmentAtProvider))
	require.False(t, seen.Undropped)
}

func TestActivationIsNotMovedPastAVisit(t *testing.T) {
	t.Parallel()
	day := DateOf(t0.AddDate(0, 0, 3))
	p := DefaultPolicy()
	p.BookBeforeRequisition = true
	o := &Order{ID: "o1", Modality: lifecycle.WalkIn, Origin: OriginInitial, CreatedAt: t0, ActivateBy: &day}
	s := book(t, Begin(o, p, day.Start(time.UTC)), bookingOf(lifecycle.WalkIn, DemandBook, "s1", 24*5), Booked{Status: confirmed}).Next
	to := func(days int) Demand {
		d := DateOf(t0.AddDate(0, 0, days))
		return Demand{Kind: DemandActivate, By: lifecycle.Client, ActivateBy: d.String(), ActivateAt: d.Start(time.UTC)}
	}
	require.Empty(t, s.CheckDemand(to(4), hour(3)))
	require.Equal(t, ReasonBeforeActive, s.CheckDemand(to(6), hour(3)))
}

func TestDeadlinesOfAppointments(t *testing.T) {
	t.Parallel()
	m := lifecycle.AtHomePhlebotomy
	requested := Demand{ID: "q1", Kind: DemandRequest, By: lifecycle.Client, Slot: &Slot{AccountID: "acc", Provider: "phlebfinders", Type: Phlebotomy}}
	waiting := book(t, requisitioned(m, nil), requested, Booked{Status: pending, Reference: "ref-1"}).Next
	require.Equal(t, lifecycle.AppointmentPending, waiting.Status)
	for _, test := range []struct {
		state State
		want  Deadline
		mark  AttentionReason
	}{
		{waiting, Deadline{"appointment_unassigned", hour(2).Add(48 * time.Hour)}, Unassigned},
		{booked(t, m), Deadline{"draw_unreported", hour(48).Add(20*time.Minute + Day)}, DrawUnreported},
	} {
		require.Equal(t, []Deadline{test.want}, test.state.Deadlines)
		d := test.state.ApplyDeadline(test.want, test.want.Due)
		require.Empty(t, d.Steps)
		require.True(t, d.Next.Needs(test.mark))
	}
}
