package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

const (
	pending    = lifecycle.AppointmentIsPending
	reserved   = lifecycle.AppointmentIsReserved
	confirmed  = lifecycle.AppointmentIsConfirmed
	inProgress = lifecycle.AppointmentIsInProgress
	completed  = lifecycle.AppointmentIsCompleted
	cancelled  = lifecycle.AppointmentIsCancelled
)

// slot is one of twenty minutes that begins h hours after the order's creation.
func slot(m lifecycle.Modality, key string, h int) *Slot {
	return &Slot{
		AccountID: "acc", Provider: "quest", Type: AppointmentTypeOf(m), Key: key, Site: "PHX1",
		StartAt: hour(h), EndAt: hour(h).Add(20 * time.Minute), Zone: "America/Phoenix",
	}
}

func bookingOf(m lifecycle.Modality, kind DemandKind, key string, h int) Demand {
	return Demand{ID: "b-" + key, Kind: kind, By: lifecycle.Client, Slot: slot(m, key, h)}
}

// book has the provider asked at hour 2 and answer.
func book(t *testing.T, s State, dm Demand, answer Booked) Decision {
	t.Helper()
	require.Empty(t, s.CheckDemand(dm, hour(2)))
	d := s.ApplyBookingAsked(dm, hour(2)).Next.ApplyBooked(dm, answer, hour(2))
	require.Nil(t, d.Next.Booking)
	return d
}

// booked is an order with a confirmed appointment at hour 48.
func booked(t *testing.T, m lifecycle.Modality) State {
	t.Helper()
	d := book(t, requisitioned(m, nil), bookingOf(m, DemandBook, "s1", 48), Booked{Status: confirmed, Reference: "ref-1", CanReschedule: true})
	require.Equal(t, lifecycle.AppointmentScheduled, d.Next.Status)
	return d.Next
}

// visit is a provider's report of hour h on the appointment that the order has.
func visit(s State, h int, to lifecycle.AppointmentStatus) Fact {
	f := fact(AppointmentReport, h)
	f.InboxID += string(to)
	f.Appointment = &Booked{Status: to, Reference: "ref-1", CanReschedule: true}
	if s.Appointment != nil {
		f.AppointmentID = s.Appointment.ID
		f.Appointment.StartAt, f.Appointment.EndAt = s.Appointment.StartAt, s.Appointment.EndAt
	}
	return f
}

func statuses(steps []AppointmentStep) []lifecycle.AppointmentStatus {
	out := make([]lifecycle.AppointmentStatus, len(steps))
	for i, s := range steps {
		out[i] = s.Appointment.Status
	}
	return out
}

var withAppointments = []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy}

func TestABookingIsAnswered(t *testing.T) {
	t.Parallel()
	for _, m := range withAppointments {
		for _, test := range []struct {
			answer lifecycle.AppointmentStatus
			want   []lifecycle.Low
		}{
			{confirmed, []lifecycle.Low{lifecycle.AppointmentScheduled}},
			{pending, []lifecycle.Low{lifecycle.AppointmentPending}},
			{reserved, []lifecycle.Low{}}, // the order follows on confirmation only
		} {
			d := book(t, requisitioned(m, nil), bookingOf(m, DemandBook, "s1", 48), Booked{Status: test.answer, Reference: "ref-1"})
			require.Equal(t, Applied, d.Outcome)
			require.Equal(t, test.want, lows(d.Steps), "%s on %s", test.answer, m)
			require.Len(t, d.Appointments, 1)
			step := d.Appointments[0]
			require.True(t, step.Created)
			require.Equal(t, OriginPatient, step.Origin)
			require.Equal(t, "b-s1", step.Appointment.ID, "the demand's own id")
			require.Equal(t, hour(48), step.Appointment.StartAt)
		}
	}
}

func TestWhatCannotBeBooked(t *testing.T) {
	t.Parallel()
	m := lifecycle.WalkIn
	dm := bookingOf(m, DemandBook, "s1", 48)
	soon := bookingOf(m, DemandBook, "s1", 1)
	expired := bookingOf(m, DemandBook, "s1", 48)
	expired.Slot.ExpiresAt = hour(1)
	day := DateOf(t0.AddDate(0, 0, 7))
	scheduledVisit := func(o *Order, p *Policy) { o.ActivateBy, p.BookBeforeRequisition = &day, true }
	waiting := func() State {
		p := DefaultPolicy()
		o := &Order{ID: "o1", Modality: m, Origin: OriginInitial, CreatedAt: t0}
		scheduledVisit(o, &p)
		return Begin(o, p, day.Start(time.UTC))
	}
	asking := requisitioned(m, nil).ApplyBookingAsked(bookingOf(m, DemandBook, "s9", 48), hour(1)).Next
	for name, test := range map[string]struct {
		state  State
		demand Demand
		want   Reason
	}{
		"a testkit":                        {placed(t, nil), dm, ReasonNotHere},
		"an on-site order":                 {requisitioned(lifecycle.OnSite, nil), dm, ReasonNotHere},
		"a phlebotomist's slot":            {requisitioned(m, nil), bookingOf(lifecycle.AtHomePhlebotomy, DemandBook, "s1", 48), ReasonNotHere},
		"a request at a center":            {requisitioned(m, nil), bookingOf(m, DemandRequest, "", 48), ReasonNotHere},
		"before the requisition":           {ordered(m, nil), dm, ReasonNoRequisition},
		"a second appointment":             {booked(t, m), bookingOf(m, DemandBook, "s2", 48), ReasonBooked},
		"while another is being booked":    {asking, dm, ReasonBooking},
		"a slot that has begun":            {requisitioned(m, nil), soon, ReasonSlotGone},
		"a key that has expired":           {requisitioned(m, nil), expired, ReasonSlotGone},
		"a start before the activation":    {waiting(), dm, ReasonBeforeActive},
		"an order that has been cancelled": {requisitioned(m, nil).ApplyDemand(cancelBy(lifecycle.Client), hour(1)).Next, dm, ReasonTransition},
		"moving none":                      {requisitioned(m, nil), bookingOf(m, DemandReschedule, "s2", 60), ReasonNoAppointment},
		"cancelling none":                  {requisitioned(m, nil), Demand{Kind: DemandCancelAppointment, By: lifecycle.Client}, ReasonNoAppointment},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.state.CheckDemand(test.demand, hour(2)))
		})
	}
}

func TestTheSameSlotAgainIsTheSameAppointment(t *testing.T) {
	t.Parallel()
	s := booked(t, lifecycle.WalkIn)
	again := bookingOf(lifecycle.WalkIn, DemandBook, "s1", 48)
	again.ID = "another demand"
	require.True(t, s.Holds(again))
	d := s.ApplyDemand(again, hour(3))
	require.Equal(t, Applied, d.Outcome)
	require.Empty(t, d.Appointments)
}

// Booked before the requisition exists, an appointment is held; when the requisition comes, three events follow in quick succession.
func TestAnAppointmentBeforeTheRequisition(t *testing.T) {
	t.Parallel()
	early := func(_ *Order, p *Policy) { p.BookBeforeRequisition = true }
	for _, m := range withAppointments {
		d := book(t, ordered(m, early), bookingOf(m, DemandBook, "s1", 48), Booked{Status: confirmed, Reference: "ref-1"})
		require.Empty(t, d.Steps, "the order stays ordered")
		require.Equal(t, reserved, d.Next.Appointment.Status)

		d = d.Next.ApplyPlaced("A1", hour(3))
		require.Equal(t, []lifecycle.Low{lifecycle.RequisitionCreated, lifecycle.AppointmentPending, lifecycle.AppointmentScheduled}, lows(d.Steps))
		require.Equal(t, []lifecycle.AppointmentStatus{confirmed}, statuses(d.Appointments))
		require.Equal(t, OriginSystem, d.Appointments[0].Origin)
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
		s := book(t, ordered(m, early), bookingOf(m, DemandBook, "s1", test.start), Booked{Status: confirmed, Reference: "ref-1"}).Next
		dl := Deadline{DeadlineUnplaced, test.due}
		require.True(t, hasDeadline(s, dl.Name, dl.Due), "%v", s.Deadlines)
		d := s.ApplyDeadline(dl, dl.Due)
		require.Empty(t, d.Steps, "the order is unchanged")
		require.Equal(t, []lifecycle.AppointmentStatus{cancelled}, statuses(d.Appointments))
		require.Len(t, d.Next.Releasing, 1, "its provider is told")
	}
}

// An order follows what its provider reports.
func TestReportsOfAProvider(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		modality lifecycle.Modality
		reports  []lifecycle.AppointmentStatus
		want     lifecycle.Low
		steps    []lifecycle.AppointmentStatus // of the last report
	}{
		{"withdrawn", lifecycle.WalkIn, []lifecycle.AppointmentStatus{pending}, lifecycle.AppointmentPending, []lifecycle.AppointmentStatus{pending}},
		{"withdrawn and given again", lifecycle.AtHomePhlebotomy, []lifecycle.AppointmentStatus{pending, confirmed}, lifecycle.AppointmentScheduled, []lifecycle.AppointmentStatus{confirmed}},
		{"cancelled", lifecycle.WalkIn, []lifecycle.AppointmentStatus{cancelled}, lifecycle.AppointmentCancelled, []lifecycle.AppointmentStatus{cancelled}},
		{"under way", lifecycle.AtHomePhlebotomy, []lifecycle.AppointmentStatus{inProgress}, lifecycle.AppointmentScheduled, []lifecycle.AppointmentStatus{inProgress}},
		{"done", lifecycle.AtHomePhlebotomy, []lifecycle.AppointmentStatus{inProgress, completed}, lifecycle.DrawCompleted, []lifecycle.AppointmentStatus{completed}},
		{"done at a center", lifecycle.WalkIn, []lifecycle.AppointmentStatus{inProgress, completed}, lifecycle.AppointmentScheduled, []lifecycle.AppointmentStatus{completed}},
		{"withdrawn, and done all the same", lifecycle.AtHomePhlebotomy, []lifecycle.AppointmentStatus{pending, completed}, lifecycle.DrawCompleted, []lifecycle.AppointmentStatus{confirmed, completed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := booked(t, test.modality)
			var d Decision
			for i, to := range test.reports {
				f := visit(s, 40+i, to)
				if to == pending {
					f.Appointment.StartAt, f.Appointment.EndAt = time.Time{}, time.Time{}
				}
				d = s.ApplyFact(f, f.ReceivedAt)
				require.Equal(t, Applied, d.Outcome, "%s", d.Reason)
				s = d.Next
			}
			require.Equal(t, test.want, s.Status)
			require.Equal(t, test.steps, statuses(d.Appointments))
			require.Equal(t, OriginProvider, d.Appointments[0].Origin)
		})
	}
}

func TestAReportThatIsOldRepeatedOrTooEarly(t *testing.T) {
	t.Parallel()
	s := booked(t, lifecycle.AtHomePhlebotomy)
	s, _ = run(s, visit(s, 30, pending))
	s, d := run(s, visit(s, 20, cancelled))
	require.Equal(t, Late, d.Outcome, "older than what is known")
	s, d = run(s, visit(s, 31, pending))
	require.Equal(t, ReasonRepeated, d.Reason)
	require.Empty(t, d.Appointments)

	done, _ := run(booked(t, lifecycle.AtHomePhlebotomy), visit(s, 49, completed))
	_, d = run(done, visit(s, 60, cancelled))
	require.Equal(t, Refused, d.Outcome, "it has taken place")
	require.True(t, d.Next.Needs(ContradictoryFact))

	for _, m := range []lifecycle.Modality{lifecycle.AtHomePhlebotomy, lifecycle.WalkIn} {
		proven, _ := run(booked(t, m), fact(DrawReport, 60))
		require.Equal(t, completed, proven.Appointment.Status, "the lab has told of the draw")
		begun := visit(proven, 49, lifecycle.AppointmentIsInProgress)
		late, d := run(proven, begun)
		require.Equal(t, Late, d.Outcome, "that it had begun is old")
		require.Empty(t, late.AttentionReasons())
		_, d = run(proven, visit(proven, 61, lifecycle.AppointmentIsInProgress))
		require.Equal(t, Refused, d.Outcome, "it is reported to begin after it was over")
	}

	early := func(_ *Order, p *Policy) { p.BookBeforeRequisition = true }
	held := book(t, ordered(lifecycle.WalkIn, early), bookingOf(lifecycle.WalkIn, DemandBook, "s1", 48), Booked{Status: reserved, Reference: "ref-1"}).Next
	_, d = run(held, visit(held, 3, confirmed))
	require.Equal(t, Parked, d.Outcome, "the requisition confirms it")
	_, d = run(held, visit(held, 3, cancelled))
	require.Equal(t, Applied, d.Outcome)
	require.Equal(t, lifecycle.Ordered, d.Next.Status)
}

func TestAnAppointmentThatTheProviderMade(t *testing.T) {
	t.Parallel()
	s := requisitioned(lifecycle.WalkIn, nil)
	f := visit(s, 20, confirmed)
	f.Appointment.StartAt = hour(48)
	s, d := run(s, f)
	require.Equal(t, lifecycle.AppointmentScheduled, s.Status)
	require.True(t, d.Appointments[0].Created)
	require.Equal(t, f.InboxID, s.Appointment.ID)

	other := visit(State{}, 21, confirmed)
	other.InboxID, other.Appointment.Reference = "other", "ref-2"
	_, d = run(s, other)
	require.Equal(t, Parked, d.Outcome, "one at a time")

	unplaced := visit(State{}, 1, confirmed)
	_, d = run(ordered(lifecycle.WalkIn, nil), unplaced)
	require.Equal(t, Parked, d.Outcome)
}

func TestAnAppointmentIsMoved(t *testing.T) {
	t.Parallel()
	for _, m := range withAppointments {
		s := booked(t, m)
		dm := bookingOf(m, DemandReschedule, "s2", 72)
		d := book(t, s, dm, Booked{Status: confirmed, Reference: "ref-1", CanReschedule: true})
		require.Equal(t, []lifecycle.Low{lifecycle.AppointmentScheduled}, lows(d.Steps))
		require.True(t, d.Appointments[0].Reschedule)
		require.Equal(t, hour(72), d.Next.Appointment.StartAt)
		require.Equal(t, "b-s1", d.Next.Appointment.ID, "the same appointment")
		require.True(t, hasDeadline(d.Next, DeadlineName(DrawUnreported), hour(72).Add(20*time.Minute+Day)))

		byProvider := visit(s, 20, confirmed)
		byProvider.Appointment.StartAt = hour(90)
		moved, d := run(s, byProvider)
		require.Equal(t, []lifecycle.Low{lifecycle.AppointmentScheduled}, lows(d.Steps))
		require.Equal(t, hour(90), moved.Appointment.StartAt)

		s.Appointment.CanReschedule = false
		require.Equal(t, ReasonFixed, s.CheckDemand(dm, hour(3)))
	}
}

func TestAnAppointmentIsCancelled(t *testing.T) {
	t.Parallel()
	drop := Demand{ID: "c1", Kind: DemandCancelAppointment, By: lifecycle.Client}
	for _, m := range withAppointments {
		d := book(t, booked(t, m), drop, Booked{Status: cancelled})
		require.Equal(t, []lifecycle.Low{lifecycle.AppointmentCancelled}, lows(d.Steps))
		require.Equal(t, []lifecycle.AppointmentStatus{cancelled}, statuses(d.Appointments))
		again := book(t, d.Next, bookingOf(m, DemandBook, "s3", 90), Booked{Status: confirmed, Reference: "ref-2"})
		require.Equal(t, lifecycle.AppointmentScheduled, again.Next.Status)
		require.Equal(t, "b-s3", again.Next.Appointment.ID)
	}
}

func TestCancellingAnOrderAndItsAppointment(t *testing.T) {
	t.Parallel()
	d := booked(t, lifecycle.AtHomePhlebotomy).ApplyDemand(cancelBy(lifecycle.Client), hour(5))
	require.Equal(t, []lifecycle.Low{lifecycle.Cancelled}, lows(d.Steps))
	require.Equal(t, []lifecycle.AppointmentStatus{cancelled}, statuses(d.Appointments))
	require.Len(t, d.Next.Releasing, 1)

	d = booked(t, lifecycle.WalkIn).ApplyDemand(cancelBy(lifecycle.Client), hour(5))
	require.Equal(t, []lifecycle.Low{lifecycle.Cancelled}, lows(d.Steps))
	require.Empty(t, d.Appointments, "the appointment is left")
	require.True(t, d.Next.Appointment.Active())
	drop := Demand{ID: "c1", Kind: DemandCancelAppointment, By: lifecycle.Client}
	require.Empty(t, d.Next.CheckDemand(drop, hour(6)), "and can be cancelled by itself")
}

// Whatever the order in which reports on a provider's own appointment arrive, it ends where it is.
func TestAProvidersAppointmentInAnyOrderOfArrival(t *testing.T) {
	t.Parallel()
	placed := requisitioned(lifecycle.WalkIn, nil)
	reports := []Fact{visit(State{}, 20, pending), visit(State{}, 21, confirmed), visit(State{}, 22, cancelled)}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		s := placed
		for _, i := range order {
			s = retry(theRule, theRule(s, reports[i]).Next)
		}
		require.Equal(t, cancelled, s.Appointment.Status, "%v", order)
		require.Equal(t, lifecycle.AppointmentCancelled, s.Status, "%v", order)
		require.Empty(t, s.Parked, "%v", order)
	}
}

func TestLateReportsOnAnEarlierAppointmentAreToldApart(t *testing.T) {
	t.Parallel()
	m := lifecycle.WalkIn
	s := book(t, booked(t, m), Demand{ID: "c1", Kind: DemandCancelAppointment, By: lifecycle.Client}, Booked{Status: cancelled}).Next
	s = book(t, s, bookingOf(m, DemandBook, "s2", 60), Booked{Status: confirmed, Reference: "ref-2"}).Next
	for _, to := range []lifecycle.AppointmentStatus{cancelled, confirmed} {
		f := visit(State{}, 30, to)
		f.AppointmentID = "b-s1"
		_, d := run(s, f)
		require.Equal(t, Late, d.Outcome, "%s", to)
		require.Equal(t, confirmed, d.Next.Appointment.Status)
	}
}
