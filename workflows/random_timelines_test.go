package workflows_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// randomLife draws what happens to one order: demands, facts, partners' answers, sensible or not, with time in between.
// It draws while the order runs, because much of it depends on the order's state.
type randomLife struct {
	*orderHarness
	t  *rapid.T
	at time.Duration
	n  int
}

// orderKinds are the orders that are drawn, by name.
var orderKinds = map[string][]orderSetting{
	"testkit":     {withModality(lifecycle.Testkit)},
	"registrable": {asRegistrable},
	"walk_in":     {withModality(lifecycle.WalkIn), withPolicy(allowEarlyBooking)},
	"phlebotomy":  {withModality(lifecycle.AtHomePhlebotomy)},
	"on_site":     {withModality(lifecycle.OnSite)},
	"imported":    {withModality(lifecycle.WalkIn), asImported},
}

func TestRandomTimelines(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t, withNeutralLab)
	rapid.Check(t, func(rt *rapid.T) { c.checkRandomLife(rt) })
}

func (c *labHarness) checkRandomLife(t *rapid.T) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(orderKinds))).Draw(t, "order")
	scripts := []string{"silent", "silent", "fail-place-2", "refuse-place"}
	if name == "walk_in" || name == "phlebotomy" {
		scripts = append(scripts, "fail-book-3", "fail-book-1000", "book-pending")
	}
	manners := slices.Clone(orderKinds[name])
	manners = append(manners, withScript(rapid.SampledFrom(scripts).Draw(t, "script")))
	l := &randomLife{orderHarness: c.newWorld(t, manners...), t: t}
	l.onSettle = l.checkAfterSettling
	for range rapid.IntRange(1, 14).Draw(t, "what happens") {
		l.n++
		l.at += rapid.SampledFrom([]time.Duration{time.Second, time.Minute, hour, 9 * hour, day, 5 * day, 16 * day,
			40 * day}).Draw(t, "later")
		l.orderHarness.at(l.at, l.drawEvent())
	}
	l.runUntil(l.at + 60*day)
	l.checkLife()
}

// checkAfterSettling checks the order after every settling.
func (l *randomLife) checkAfterSettling(ctx context.Context, in dispatch.SettleInput,
	settle settleFunc) (dispatch.SettledOrder, error) {
	out, err := settle(ctx, in)
	if err == nil {
		l.checkHistory(l.order())
	}
	return out, err
}

// drawEvent draws one thing that happens.
func (l *randomLife) drawEvent() func() {
	switch kind := rapid.IntRange(0, 9).Draw(l.t, "kind"); {
	case kind < 4:
		return l.drawFact()
	case kind < 5:
		body := rapid.SampledFrom([]string{`{}`, `{"status":"partial"}`, `{"interpretation":"critical"}`,
			reportWithoutTSH}).Draw(l.t, "results")
		return func() {
			if l.askLab("PUT", "results", body) < 300 {
				l.reportFact(order.FactReportReady)
			}
		}
	default:
		return l.drawDemand()
	}
}

func (l *randomLife) drawFact() func() {
	kind := rapid.SampledFrom([]order.FactKind{
		order.FactKitShipped, order.FactKitReceived, order.FactKitRejected, order.FactReportReady, order.FactCourierReport,
		order.FactCourierReport,
		order.FactDrawCompleted, order.FactAppointment, order.FactAppointment, order.FactAppointment,
	}).Draw(l.t, "fact")
	ago := rapid.SampledFrom([]time.Duration{0, 0, 0, hour, 6 * day}).Draw(l.t, "reported late")
	yes := rapid.Bool().Draw(l.t, "recoverable")
	to := rapid.SampledFrom(lifecycle.AppointmentStatuses()).Draw(l.t, "appointment")
	target := rapid.SampledFrom([]lifecycle.LowStatus{
		lifecycle.TransitCustomer, lifecycle.WithCustomer, lifecycle.TransitLab, lifecycle.ProblemInTransitLab,
		lifecycle.Lost,
	}).Draw(l.t, "target")
	earlier := func(f *order.Fact) { f.SentAt = f.SentAt.Add(-ago) }
	return func() {
		switch kind {
		case order.FactAppointment:
			l.reportAppointment(to)
		case order.FactKitRejected:
			l.reportFact(kind, earlier, withRecoverable(yes))
		case order.FactCourierReport:
			leg := "outbound"
			if target == lifecycle.TransitLab || target == lifecycle.ProblemInTransitLab {
				leg = "inbound"
			}
			l.reportFact(kind, earlier, func(f *order.Fact) { f.Leg, f.TargetStatus = leg, target })
		default:
			l.reportFact(kind, earlier)
		}
	}
}

func (l *randomLife) drawDemand() func() {
	kind := rapid.SampledFrom([]order.DemandKind{
		order.DemandCancel, order.DemandDoNotProcess, order.DemandPlace, order.DemandRegister, order.DemandRegister,
		order.DemandDrawCompleted,
		order.DemandBookAppointment, order.DemandBookAppointment, order.DemandBookAppointment, order.DemandRequestAppointment,
		order.DemandRescheduleAppointment, order.DemandRescheduleAppointment,
		order.DemandCancelAppointment, order.DemandReplace, order.DemandAcknowledgeMark,
	}).Draw(l.t, "demand")
	async := rapid.Bool().Draw(l.t, "async")
	ahead := time.Duration(rapid.IntRange(1, 20).Draw(l.t, "days ahead")) * day
	twice := rapid.IntRange(0, 4).Draw(l.t, "twice") == 0
	d := order.Demand{Kind: kind, By: lifecycle.Client}
	switch kind {
	case order.DemandDoNotProcess, order.DemandPlace, order.DemandReplace:
		d.By = lifecycle.Operations
	case order.DemandAcknowledgeMark:
		d.By, d.Reason = lifecycle.Operations, string(order.AttentionFactOutOfPlace)
	}
	ask := func() {
		var body []byte
		switch kind {
		case order.DemandRegister:
			body = l.registration()
		case order.DemandRequestAppointment:
			d.Slot = l.requestAppointmentDemand().Slot
			d.Slot.Type = order.AppointmentTypeOf(l.order().Modality)
		case order.DemandBookAppointment, order.DemandRescheduleAppointment:
			noon := l.now().Sub(day0).Truncate(day) + ahead + 6*hour // 16:00 UTC
			d.Slot = l.slotAt(l.order().Modality, noon+time.Duration(l.n)*hour/3)
			d.Async, d.CallerWait, d.ConfirmWithin = async, order.Duration(time.Second), order.Duration(15*time.Minute)
		}
		l.sendDemand(l.newReply(), d, body)
	}
	return func() {
		ask()
		if twice {
			ask()
		}
	}
}

// checkLife asserts what holds of every order at the end of the drawn time, beyond what holds at any time.
func (l *randomLife) checkLife() {
	o, story := l.order(), l.story()
	state, err := l.store.State(context.Background(), l.orderID)
	require.NoError(l.t, err)
	require.Nil(l.t, state.PendingBooking, "a provider has been asked for 60 days")
	states := map[string]string{}
	for _, d := range story.Demands {
		states[d.ID] = d.State
	}
	for _, r := range l.replies {
		require.True(l.t, r.Answered, "a demand was never answered")
		if r.Done { // the API records what a validator has refused
			require.NotEqual(l.t, store.DemandOpen, states[r.id], "a demand was applied and has no outcome")
		}
	}
	l.checkAppointments(o, story)
	l.checkWebhooks(o, story)
}

// checkAppointments checks that each appointment agrees with its history, that at most one is active, and that the
// order agrees with its newest one.
func (l *randomLife) checkAppointments(o *order.Order, story store.Story) {
	active := 0
	for _, a := range story.Appointments {
		require.NotEmpty(l.t, a.History)
		require.Equal(l.t, a.Status.EventStatus(), a.History[len(a.History)-1].Status)
		if a.Status.Active() {
			active++
		}
	}
	require.LessOrEqual(l.t, active, 1)
	newest := o.State.Appointment
	want := map[lifecycle.LowStatus][]lifecycle.AppointmentStatus{
		lifecycle.AppointmentPending: {lifecycle.AppointmentStatusPending, lifecycle.AppointmentStatusReserved},
		lifecycle.AppointmentScheduled: {lifecycle.AppointmentStatusConfirmed, lifecycle.AppointmentStatusInProgress,
			lifecycle.AppointmentStatusCompleted},
		lifecycle.AppointmentCancelled: {lifecycle.AppointmentStatusCancelled, lifecycle.AppointmentStatusReserved},
	}[o.Status]
	if want != nil {
		require.NotNil(l.t, newest)
		require.Contains(l.t, want, newest.Status, "the order is %s", o.Status)
	}
}

// checkWebhooks checks that there is one webhook message for every event that clients get, and no other.
func (l *randomLife) checkWebhooks(o *order.Order, story store.Story) {
	want := map[string]int{}
	for i, e := range o.Events {
		switch {
		case i == 0:
			want[webhookOrderCreated]++
		case e.Status.Low() != lifecycle.PartialResults:
			want[webhookOrderUpdated]++
		}
	}
	for _, a := range story.Appointments {
		want[webhookAppointmentCreated]++
		want[webhookAppointmentUpdated] += len(a.History) - 1
	}
	got := map[string]int{webhookOrderCreated: 0}
	for _, kind := range l.webhookTypes() {
		if kind == webhookOrderCreated || kind == webhookOrderUpdated || kind == webhookAppointmentCreated ||
			kind == webhookAppointmentUpdated {
			got[kind]++
		}
	}
	for _, kind := range []string{webhookOrderCreated, webhookOrderUpdated, webhookAppointmentCreated,
		webhookAppointmentUpdated} {
		require.Equal(l.t, want[kind], got[kind], "%s of %v", kind, l.statusHistory())
	}
}
