package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

const (
	pending    = lifecycle.AppointmentStatusPending
	reserved   = lifecycle.AppointmentStatusReserved
	confirmed  = lifecycle.AppointmentStatusConfirmed
	inProgress = lifecycle.AppointmentStatusInProgress
	completed  = lifecycle.AppointmentStatusCompleted
	cancelled  = lifecycle.AppointmentStatusCancelled
)

// slot returns a slot of twenty minutes that begins h hours after the order's creation.
func slot(m lifecycle.Modality, key string, h int) *Slot {
	return &Slot{
		AccountID: "acc", Provider: "quest", Type: AppointmentTypeOf(m), Key: key, Site: "PHX1",
		StartAt: hour(h), EndAt: hour(h).Add(20 * time.Minute), Zone: "America/Phoenix",
	}
}

func bookingOf(m lifecycle.Modality, kind DemandKind, key string, h int) Demand {
	return Demand{ID: "b-" + key, Kind: kind, By: lifecycle.Client, Slot: slot(m, key, h)}
}

// bookAppointment asks the provider at hour 2 and applies its answer.
func bookAppointment(t *testing.T, s State, dm Demand, answer ReportedAppointment) Decision {
	t.Helper()
	require.Empty(t, s.CheckDemand(dm, hour(2)))
	d := s.ApplyBookingAsked(dm, hour(2)).Next.ApplyBookingAnswer(dm, answer, hour(2))
	require.Nil(t, d.Next.PendingBooking)
	return d
}

// withBookedAppointment returns an order with a confirmed appointment at hour 48.
func withBookedAppointment(t *testing.T, m lifecycle.Modality) State {
	t.Helper()
	d := bookAppointment(t, requisitionedState(m, nil), bookingOf(m, DemandBookAppointment, "s1", 48),
		ReportedAppointment{Status: confirmed, Reference: "ref-1", CanReschedule: true})
	require.Equal(t, lifecycle.AppointmentScheduled, d.Next.Status)
	return d.Next
}

// appointmentFact returns a provider's fact of hour h about the order's appointment.
func appointmentFact(s State, h int, to lifecycle.AppointmentStatus) Fact {
	f := newFact(FactAppointment, h)
	f.InboxID += string(to)
	f.Appointment = &ReportedAppointment{Status: to, Reference: "ref-1", CanReschedule: true}
	if s.Appointment != nil {
		f.AppointmentID = s.Appointment.ID
		f.Appointment.StartAt, f.Appointment.EndAt = s.Appointment.StartAt, s.Appointment.EndAt
	}
	return f
}

func appointmentStatuses(steps []AppointmentStep) []lifecycle.AppointmentStatus {
	out := make([]lifecycle.AppointmentStatus, len(steps))
	for i, s := range steps {
		out[i] = s.Appointment.Status
	}
	return out
}

var withAppointments = []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy}

func TestBookingAnswers(t *testing.T) {
	t.Parallel()
	for _, m := range withAppointments {
		for _, test := range []struct {
			answer lifecycle.AppointmentStatus
			want   []lifecycle.LowStatus
		}{
			{confirmed, []lifecycle.LowStatus{lifecycle.AppointmentScheduled}},
			{pending, []lifecycle.LowStatus{lifecycle.AppointmentPending}},
			{reserved, []lifecycle.LowStatus{}}, // the order follows on confirmation only
		} {
			d := bookAppointment(t, requisitionedState(m, nil), bookingOf(m, DemandBookAppointment, "s1", 48),
				ReportedAppointment{Status: test.answer, Reference: "ref-1"})
			require.Equal(t, OutcomeApplied, d.Outcome)
			require.Equal(t, test.want, lowStatuses(d.Steps), "%s on %s", test.answer, m)
			require.Len(t, d.Appointments, 1)
			step := d.Appointments[0]
			require.True(t, step.First)
			require.Equal(t, AppointmentOriginPatient, step.Origin)
			require.Equal(t, "b-s1", step.Appointment.ID, "the demand's own id")
			require.Equal(t, hour(48), step.Appointment.StartAt)
		}
	}
}

func TestWhatCannotBeBooked(t *testing.T) {
	t.Parallel()
	m := lifecycle.WalkIn
	dm := bookingOf(m, DemandBookAppointment, "s1", 48)
	soon := bookingOf(m, DemandBookAppointment, "s1", 1)
	expired := bookingOf(m, DemandBookAppointment, "s1", 48)
	expired.Slot.ExpiresAt = hour(1)
	day := DateOf(t0.AddDate(0, 0, 7))
	scheduledVisit := func(o *Order, p *Policy) { o.ActivateBy, p.BookBeforeRequisition = &day, true }
	waiting := func() State {
		p := DefaultPolicy()
		o := &Order{ID: "o1", Modality: m, Origin: OriginInitial, CreatedAt: t0}
		scheduledVisit(o, &p)
		return NewState(o, p, day.Start(time.UTC))
	}
	asking := requisitionedState(m, nil).ApplyBookingAsked(bookingOf(m, DemandBookAppointment, "s9", 48), hour(1)).Next
	for name, test := range map[string]struct {
		state  State
		demand Demand
		want   Reason
	}{
		"a testkit":        {placedState(t, nil), dm, ReasonNotForThisMethod},
		"an on-site order": {requisitionedState(lifecycle.OnSite, nil), dm, ReasonNotForThisMethod},
		"a phlebotomist's slot": {requisitionedState(m, nil),
			bookingOf(lifecycle.AtHomePhlebotomy, DemandBookAppointment, "s1", 48), ReasonNotForThisMethod},
		"a request at a center": {requisitionedState(m, nil), bookingOf(m, DemandRequestAppointment, "", 48),
			ReasonNotForThisMethod},
		"before the requisition": {newStateOf(m, nil), dm, ReasonNoRequisition},
		"a second appointment": {withBookedAppointment(t, m), bookingOf(m, DemandBookAppointment, "s2", 48),
			ReasonAlreadyBooked},
		"while another is being booked": {asking, dm, ReasonBookingUnderWay},
		"a slot that has begun":         {requisitionedState(m, nil), soon, ReasonSlotGone},
		"a key that has expired":        {requisitionedState(m, nil), expired, ReasonSlotGone},
		"a start before the activation": {waiting(), dm, ReasonBeforeActivation},
		"an order that has been cancelled": {requisitionedState(m, nil).ApplyDemand(cancelBy(lifecycle.Client), hour(1)).Next,
			dm, ReasonTransitionNotAllowed},
		"moving none": {requisitionedState(m, nil), bookingOf(m, DemandRescheduleAppointment, "s2", 60),
			ReasonNoAppointment},
		"cancelling none": {requisitionedState(m, nil),
			Demand{Kind: DemandCancelAppointment, By: lifecycle.Client}, ReasonNoAppointment},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.state.CheckDemand(test.demand, hour(2)))
		})
	}
}

func TestTheSameSlotAgainIsTheSameAppointment(t *testing.T) {
	t.Parallel()
	s := withBookedAppointment(t, lifecycle.WalkIn)
	again := bookingOf(lifecycle.WalkIn, DemandBookAppointment, "s1", 48)
	again.ID = "another demand"
	require.True(t, s.HoldsSlot(again))
	d := s.ApplyDemand(again, hour(3))
	require.Equal(t, OutcomeApplied, d.Outcome)
	require.Empty(t, d.Appointments)
}

// TestAnAppointmentBeforeTheRequisition checks that it is reserved, and that three events follow with the requisition.
func TestAnAppointmentBeforeTheRequisition(t *testing.T) {
	t.Parallel()
	early := func(_ *Order, p *Policy) { p.BookBeforeRequisition = true }
	for _, m := range withAppointments {
		d := bookAppointment(t, newStateOf(m, early), bookingOf(m, DemandBookAppointment, "s1", 48),
			ReportedAppointment{Status: confirmed, Reference: "ref-1"})
		require.Empty(t, d.Steps, "the order stays ordered")
		require.Equal(t, reserved, d.Next.Appointment.Status)

		d = d.Next.ApplyPlacementAccepted("A1", hour(3))
		require.Equal(t, []lifecycle.LowStatus{lifecycle.RequisitionCreated, lifecycle.AppointmentPending,
			lifecycle.AppointmentScheduled}, lowStatuses(d.Steps))
		require.Equal(t, []lifecycle.AppointmentStatus{confirmed}, appointmentStatuses(d.Appointments))
		require.Equal(t, AppointmentOriginSystem, d.Appointments[0].Origin)
	}
}

func TestAnAppointmentWithoutARequisitionIsGivenUp(t *testing.T) {
	t.Parallel()
	early := func(_ *Order, p *Policy) { p.BookBeforeRequisition = true }
	for _, test := range []struct {
		start int
		due   time.Time
	}{
		{48, hour(8)}, // eight hours after the order's creation
		{9, hour(7)},  // two hours before its start
	} {
		m := lifecycle.WalkIn
		s := bookAppointment(t, newStateOf(m, early), bookingOf(m, DemandBookAppointment, "s1", test.start),
			ReportedAppointment{Status: confirmed, Reference: "ref-1"}).Next
		dl := Deadline{DeadlineAppointmentUnplaced, test.due}
		require.True(t, hasDeadline(s, dl.Name, dl.Due), "%v", s.Deadlines)
		d := s.ApplyDeadline(dl, dl.Due)
		require.Empty(t, d.Steps, "the order is unchanged")
		require.Equal(t, []lifecycle.AppointmentStatus{cancelled}, appointmentStatuses(d.Appointments))
		require.Len(t, d.Next.PendingReleases, 1, "its provider has to drop it")
	}
}

// TestAppointmentFacts checks that an order follows what its provider reports.
func TestAppointmentFacts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		modality lifecycle.Modality
		reports  []lifecycle.AppointmentStatus
		want     lifecycle.LowStatus
		steps    []lifecycle.AppointmentStatus // of the last fact
	}{
		{"withdrawn", lifecycle.WalkIn, []lifecycle.AppointmentStatus{pending}, lifecycle.AppointmentPending,
			[]lifecycle.AppointmentStatus{pending}},
		{"withdrawn and given again", lifecycle.AtHomePhlebotomy, []lifecycle.AppointmentStatus{pending, confirmed},
			lifecycle.AppointmentScheduled, []lifecycle.AppointmentStatus{confirmed}},
		{"cancelled", lifecycle.WalkIn, []lifecycle.AppointmentStatus{cancelled}, lifecycle.AppointmentCancelled,
			[]lifecycle.AppointmentStatus{cancelled}},
		{"under way", lifecycle.AtHomePhlebotomy, []lifecycle.AppointmentStatus{inProgress}, lifecycle.AppointmentScheduled,
			[]lifecycle.AppointmentStatus{inProgress}},
		{"done", lifecycle.AtHomePhlebotomy, []lifecycle.AppointmentStatus{inProgress, completed}, lifecycle.DrawCompleted,
			[]lifecycle.AppointmentStatus{completed}},
		{"done at a center", lifecycle.WalkIn, []lifecycle.AppointmentStatus{inProgress, completed},
			lifecycle.AppointmentScheduled, []lifecycle.AppointmentStatus{completed}},
		{"withdrawn, and done all the same", lifecycle.AtHomePhlebotomy, []lifecycle.AppointmentStatus{pending, completed},
			lifecycle.DrawCompleted, []lifecycle.AppointmentStatus{confirmed, completed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := withBookedAppointment(t, test.modality)
			var d Decision
			for i, to := range test.reports {
				f := appointmentFact(s, 40+i, to)
				if to == pending {
					f.Appointment.StartAt, f.Appointment.EndAt = time.Time{}, time.Time{}
				}
				d = s.ApplyFact(f, f.ReceivedAt)
				require.Equal(t, OutcomeApplied, d.Outcome, "%s", d.Reason)
				s = d.Next
			}
			require.Equal(t, test.want, s.Status)
			require.Equal(t, test.steps, appointmentStatuses(d.Appointments))
			require.Equal(t, AppointmentOriginProvider, d.Appointments[0].Origin)
		})
	}
}

func TestOldRepeatedAndEarlyAppointmentFacts(t *testing.T) {
	t.Parallel()
	s := withBookedAppointment(t, lifecycle.AtHomePhlebotomy)
	s, _ = applyFacts(s, appointmentFact(s, 30, pending))
	s, d := applyFacts(s, appointmentFact(s, 20, cancelled))
	require.Equal(t, OutcomeLate, d.Outcome, "older than what is known")
	s, d = applyFacts(s, appointmentFact(s, 31, pending))
	require.Equal(t, ReasonRepeated, d.Reason)
	require.Empty(t, d.Appointments)

	done, _ := applyFacts(withBookedAppointment(t, lifecycle.AtHomePhlebotomy), appointmentFact(s, 49, completed))
	_, d = applyFacts(done, appointmentFact(s, 60, cancelled))
	require.Equal(t, OutcomeRefused, d.Outcome, "it has taken place")
	require.True(t, d.Next.HasMark(AttentionContradictoryFact))

	for _, m := range []lifecycle.Modality{lifecycle.AtHomePhlebotomy, lifecycle.WalkIn} {
		proven, _ := applyFacts(withBookedAppointment(t, m), newFact(FactDrawCompleted, 60))
		require.Equal(t, completed, proven.Appointment.Status, "the lab has reported the draw")
		begun := appointmentFact(proven, 49, lifecycle.AppointmentStatusInProgress)
		late, d := applyFacts(proven, begun)
		require.Equal(t, OutcomeLate, d.Outcome, "that it had begun is old")
		require.Empty(t, late.Agenda().MarkReasons())
		_, d = applyFacts(proven, appointmentFact(proven, 61, lifecycle.AppointmentStatusInProgress))
		require.Equal(t, OutcomeRefused, d.Outcome, "it is reported to begin after it was over")
	}

	early := func(_ *Order, p *Policy) { p.BookBeforeRequisition = true }
	held := bookAppointment(t, newStateOf(lifecycle.WalkIn, early),
		bookingOf(lifecycle.WalkIn, DemandBookAppointment, "s1", 48),
		ReportedAppointment{Status: reserved, Reference: "ref-1"}).Next
	_, d = applyFacts(held, appointmentFact(held, 3, confirmed))
	require.Equal(t, OutcomeParked, d.Outcome, "the requisition confirms it")
	_, d = applyFacts(held, appointmentFact(held, 3, cancelled))
	require.Equal(t, OutcomeApplied, d.Outcome)
	require.Equal(t, lifecycle.Ordered, d.Next.Status)
}

func TestAnAppointmentThatTheProviderMade(t *testing.T) {
	t.Parallel()
	s := requisitionedState(lifecycle.WalkIn, nil)
	f := appointmentFact(s, 20, confirmed)
	f.Appointment.StartAt = hour(48)
	s, d := applyFacts(s, f)
	require.Equal(t, lifecycle.AppointmentScheduled, s.Status)
	require.True(t, d.Appointments[0].First)
	require.Equal(t, f.InboxID, s.Appointment.ID)

	other := appointmentFact(State{}, 21, confirmed)
	other.InboxID, other.Appointment.Reference = "other", "ref-2"
	_, d = applyFacts(s, other)
	require.Equal(t, OutcomeParked, d.Outcome, "one at a time")

	unplaced := appointmentFact(State{}, 1, confirmed)
	_, d = applyFacts(newStateOf(lifecycle.WalkIn, nil), unplaced)
	require.Equal(t, OutcomeParked, d.Outcome)
}

func TestAnAppointmentIsMoved(t *testing.T) {
	t.Parallel()
	for _, m := range withAppointments {
		s := withBookedAppointment(t, m)
		dm := bookingOf(m, DemandRescheduleAppointment, "s2", 72)
		d := bookAppointment(t, s, dm, ReportedAppointment{Status: confirmed, Reference: "ref-1", CanReschedule: true})
		require.Equal(t, []lifecycle.LowStatus{lifecycle.AppointmentScheduled}, lowStatuses(d.Steps))
		require.True(t, d.Appointments[0].Reschedule)
		require.Equal(t, hour(72), d.Next.Appointment.StartAt)
		require.Equal(t, "b-s1", d.Next.Appointment.ID, "the same appointment")
		require.True(t, hasDeadline(d.Next, DeadlineName(AttentionDrawUnreported), hour(72).Add(20*time.Minute+Day)))

		byProvider := appointmentFact(s, 20, confirmed)
		byProvider.Appointment.StartAt = hour(90)
		moved, d := applyFacts(s, byProvider)
		require.Equal(t, []lifecycle.LowStatus{lifecycle.AppointmentScheduled}, lowStatuses(d.Steps))
		require.Equal(t, hour(90), moved.Appointment.StartAt)

		s.Appointment.CanReschedule = false
		require.Equal(t, ReasonNotReschedulable, s.CheckDemand(dm, hour(3)))
	}
}

func TestAnAppointmentIsCancelled(t *testing.T) {
	t.Parallel()
	drop := Demand{ID: "c1", Kind: DemandCancelAppointment, By: lifecycle.Client}
	for _, m := range withAppointments {
		d := bookAppointment(t, withBookedAppointment(t, m), drop, ReportedAppointment{Status: cancelled})
		require.Equal(t, []lifecycle.LowStatus{lifecycle.AppointmentCancelled}, lowStatuses(d.Steps))
		require.Equal(t, []lifecycle.AppointmentStatus{cancelled}, appointmentStatuses(d.Appointments))
		again := bookAppointment(t, d.Next, bookingOf(m, DemandBookAppointment, "s3", 90),
			ReportedAppointment{Status: confirmed, Reference: "ref-2"})
		require.Equal(t, lifecycle.AppointmentScheduled, again.Next.Status)
		require.Equal(t, "b-s3", again.Next.Appointment.ID)
	}
}

func TestCancellingAnOrderAndItsAppointment(t *testing.T) {
	t.Parallel()
	d := withBookedAppointment(t, lifecycle.AtHomePhlebotomy).ApplyDemand(cancelBy(lifecycle.Client), hour(5))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Cancelled}, lowStatuses(d.Steps))
	require.Equal(t, []lifecycle.AppointmentStatus{cancelled}, appointmentStatuses(d.Appointments))
	require.Len(t, d.Next.PendingReleases, 1)

	d = withBookedAppointment(t, lifecycle.WalkIn).ApplyDemand(cancelBy(lifecycle.Client), hour(5))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Cancelled}, lowStatuses(d.Steps))
	require.Empty(t, d.Appointments, "the appointment is left")
	require.True(t, d.Next.Appointment.Active())
	drop := Demand{ID: "c1", Kind: DemandCancelAppointment, By: lifecycle.Client}
	require.Empty(t, d.Next.CheckDemand(drop, hour(6)), "and can be cancelled alone")
}

// TestAppointmentFactsInAnyOrder checks that the order of arrival does not change the result.
func TestAppointmentFactsInAnyOrder(t *testing.T) {
	t.Parallel()
	placed := requisitionedState(lifecycle.WalkIn, nil)
	reports := []Fact{appointmentFact(State{}, 20, pending), appointmentFact(State{}, 21, confirmed),
		appointmentFact(State{}, 22, cancelled)}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		s := placed
		for _, i := range order {
			s = retryParked(applyFactRule, applyFactRule(s, reports[i]).Next)
		}
		require.Equal(t, cancelled, s.Appointment.Status, "%v", order)
		require.Equal(t, lifecycle.AppointmentCancelled, s.Status, "%v", order)
		require.Empty(t, s.ParkedFacts, "%v", order)
	}
}

func TestLateFactsOnAnEarlierAppointmentAreDistinguished(t *testing.T) {
	t.Parallel()
	m := lifecycle.WalkIn
	s := bookAppointment(t, withBookedAppointment(t, m),
		Demand{ID: "c1", Kind: DemandCancelAppointment, By: lifecycle.Client}, ReportedAppointment{Status: cancelled}).Next
	s = bookAppointment(t, s, bookingOf(m, DemandBookAppointment, "s2", 60),
		ReportedAppointment{Status: confirmed, Reference: "ref-2"}).Next
	for _, to := range []lifecycle.AppointmentStatus{cancelled, confirmed} {
		f := appointmentFact(State{}, 30, to)
		f.AppointmentID = "b-s1"
		_, d := applyFacts(s, f)
		require.Equal(t, OutcomeLate, d.Outcome, "%s", to)
		require.Equal(t, confirmed, d.Next.Appointment.Status)
	}
}
