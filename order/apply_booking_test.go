package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestAsyncBooking(t *testing.T) {
	t.Parallel()
	m := lifecycle.WalkIn
	dm := bookingOf(m, DemandBookAppointment, "s1", 48)
	dm.Async, dm.ConfirmWithin = true, Duration(15*time.Minute)
	asked := requisitionedState(m, nil).ApplyBookingAsked(dm, hour(2)).Next
	d := asked.ApplyBookingPending(hour(2).Add(time.Second))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.AppointmentPending}, lowStatuses(d.Steps))
	require.Equal(t, []lifecycle.AppointmentStatus{pending}, appointmentStatuses(d.Appointments))
	waiting := d.Next
	dl := Deadline{DeadlineAppointmentConfirmation, hour(2).Add(15 * time.Minute)}
	require.True(t, hasDeadline(waiting, dl.Name, dl.Due))

	d = waiting.ApplyBookingAnswer(dm, ReportedAppointment{Status: confirmed, Reference: "ref-1"},
		hour(2).Add(time.Minute))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.AppointmentScheduled}, lowStatuses(d.Steps))
	require.False(t, d.Appointments[0].First)
	require.False(t, hasDeadline(d.Next, dl.Name, dl.Due))

	reported, _ := applyFacts(waiting, appointmentFact(waiting, 3, confirmed))
	require.Equal(t, lifecycle.AppointmentScheduled, reported.Status)
	d = reported.ApplyBookingAnswer(dm, ReportedAppointment{Status: pending, Reference: "ref-1"}, hour(4))
	require.Equal(t, OutcomeApplied, d.Outcome)
	require.Nil(t, d.Next.PendingBooking)
	require.Empty(t, d.Steps, "the provider's report was faster than its answer, and is newer")
	require.Equal(t, confirmed, d.Next.Appointment.Status)

	d = waiting.ApplyBookingRefused(dm, ReasonSlotGone, hour(2).Add(time.Minute))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.AppointmentCancelled}, lowStatuses(d.Steps))

	d = waiting.ApplyDeadline(dl, dl.Due)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.AppointmentCancelled}, lowStatuses(d.Steps), "not confirmed in time")
	require.Nil(t, d.Next.PendingBooking)
	require.Len(t, d.Next.PendingReleases, 1)
	d = d.Next.ApplyBookingAnswer(dm, ReportedAppointment{Status: confirmed}, dl.Due.Add(time.Second))
	require.Equal(t, OutcomeRefused, d.Outcome, "the answer comes too late")
	require.Empty(t, d.Appointments)
}

func TestABookingThatNobodyAnsweredIsGivenBack(t *testing.T) {
	t.Parallel()
	m := lifecycle.WalkIn
	dm := bookingOf(m, DemandBookAppointment, "s1", 48)
	d := requisitionedState(m, nil).ApplyBookingAsked(dm, hour(2)).Next.ApplyBookingGivenUp(dm,
		hour(2).Add(12*time.Second))
	require.Equal(t, OutcomeRefused, d.Outcome)
	require.Equal(t, ReasonProviderUnanswered, d.Reason)
	require.Nil(t, d.Next.Appointment)
	require.Len(t, d.Next.PendingReleases, 1)

	late := appointmentFact(State{}, 3, confirmed)
	late.AppointmentID = dm.AppointmentID()
	_, d2 := applyFacts(d.Next, late)
	require.Equal(t, OutcomeLate, d2.Outcome, "the release is pending")

	s := d.Next
	for range releaseAttemptsBeforeMark {
		s = s.ApplyReleaseUnanswered("b-s1", hour(3)).Next
	}
	require.True(t, s.HasMark(AttentionAppointmentAtProvider))
	s = s.ApplyReleaseAnswer("b-s1", false, hour(4)).Next
	require.Empty(t, s.PendingReleases)
	require.False(t, s.HasMark(AttentionAppointmentAtProvider))
	refused := d.Next.ApplyReleaseAnswer("b-s1", true, hour(4)).Next
	require.True(t, refused.HasMark(AttentionAppointmentAtProvider), "it would not")

	again := refused.ApplyBookingAsked(bookingOf(m, DemandBookAppointment, "s2", 48), hour(5)).Next
	again = again.ApplyBookingGivenUp(bookingOf(m, DemandBookAppointment, "s2", 48), hour(5).Add(12*time.Second)).Next
	again = again.ApplyReleaseAnswer("b-s2", false, hour(6)).Next
	require.Empty(t, again.PendingReleases)
	require.True(t, again.HasMark(AttentionAppointmentAtProvider), "it has dropped another one, and this one not")
	seen := again.ApplyDemand(Demand{ID: "a", Kind: DemandAcknowledgeMark, Reason: string(AttentionAppointmentAtProvider),
		By: lifecycle.Operations}, hour(7)).Next
	require.False(t, seen.HasMark(AttentionAppointmentAtProvider))
	require.False(t, seen.ReleaseRefused)
}

func TestActivationIsNotMovedPastAVisit(t *testing.T) {
	t.Parallel()
	day := DateOf(t0.AddDate(0, 0, 3))
	p := DefaultPolicy()
	p.BookBeforeRequisition = true
	o := &Order{ID: "o1", Modality: lifecycle.WalkIn, Origin: OriginInitial, CreatedAt: t0, ActivateBy: &day}
	s := bookAppointment(t, NewState(o, p, day.Start(time.UTC)),
		bookingOf(lifecycle.WalkIn, DemandBookAppointment, "s1", 24*5), ReportedAppointment{Status: confirmed}).Next
	to := func(days int) Demand {
		d := DateOf(t0.AddDate(0, 0, days))
		return Demand{Kind: DemandActivate, By: lifecycle.Client, ActivateBy: d.String(), ActivateAt: d.Start(time.UTC)}
	}
	require.Empty(t, s.CheckDemand(to(4), hour(3)))
	require.Equal(t, ReasonBeforeActivation, s.CheckDemand(to(6), hour(3)))
}

func TestDeadlinesOfAppointments(t *testing.T) {
	t.Parallel()
	m := lifecycle.AtHomePhlebotomy
	requested := Demand{ID: "q1", Kind: DemandRequestAppointment, By: lifecycle.Client,
		Slot: &Slot{AccountID: "acc", Provider: "phlebfinders", Type: Phlebotomy}}
	waiting := bookAppointment(t, requisitionedState(m, nil), requested,
		ReportedAppointment{Status: pending, Reference: "ref-1"}).Next
	require.Equal(t, lifecycle.AppointmentPending, waiting.Status)
	for _, test := range []struct {
		state State
		want  Deadline
		mark  AttentionReason
	}{
		{waiting, Deadline{"appointment_unassigned", hour(2).Add(48 * time.Hour)}, AttentionAppointmentUnassigned},
		{withBookedAppointment(t, m), Deadline{"draw_unreported", hour(48).Add(20*time.Minute + Day)},
			AttentionDrawUnreported},
	} {
		require.Equal(t, []Deadline{test.want}, test.state.Deadlines)
		d := test.state.ApplyDeadline(test.want, test.want.Due)
		require.Empty(t, d.Steps)
		require.True(t, d.Next.HasMark(test.mark))
	}
}
