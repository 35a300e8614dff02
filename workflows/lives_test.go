package workflows_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// life draws what happens to one order: what a client and operations ask, what partners report and how they answer, sensible or not,
// with time passing in between. It is drawn while it happens, because much of it is about the order as it stands.
type life struct {
	*world
	t  *rapid.T
	at time.Duration
	n  int
}

// lives are the orders that are drawn, by name.
var lives = map[string][]setting{
	"testkit":     {collectedBy(lifecycle.Testkit)},
	"registrable": {unregistered},
	"walk_in":     {collectedBy(lifecycle.WalkIn), withPolicy(bookEarly)},
	"phlebotomy":  {collectedBy(lifecycle.AtHomePhlebotomy)},
	"on_site":     {collectedBy(lifecycle.OnSite)},
	"imported":    {collectedBy(lifecycle.WalkIn), importedOrder},
}

func TestAnyLifeOfAnyOrder(t *testing.T) {
	t.Parallel()
	c := newClinic(t, withNeutralLab)
	rapid.Check(t, func(rt *rapid.T) { c.live(rt) })
}

func (c *clinic) live(t *rapid.T) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(lives))).Draw(t, "order")
	scripts := []string{"silent", "silent", "fail-place-2", "refuse-place"}
	if name == "walk_in" || name == "phlebotomy" {
		scripts = append(scripts, "fail-book-3", "fail-book-1000", "book-pending")
	}
	manners := slices.Clone(lives[name])
	manners = append(manners, withScript(rapid.SampledFrom(scripts).Draw(t, "script")))
	l := &life{world: c.newWorld(t, manners...), t: t}
	l.onRecord = l.recorded
	for range rapid.IntRange(1, 14).Draw(t, "what happens") {
		l.n++
		l.at += rapid.SampledFrom([]time.Duration{time.Second, time.Minute, hour, 9 * hour, day, 5 * day, 16 * day, 40 * day}).Draw(t, "later")
		l.world.at(l.at, l.something())
	}
	l.runUntil(l.at + 60*day)
	l.checkLife()
}

// recorded looks at the order after every recording.
func (l *life) recorded(ctx context.Context, rec order.Recording, record recordFunc) (order.Recorded, error) {
	out, err := record(ctx, rec)
	if err == nil {
		l.checkHistory(l.order())
	}
	return out, err
}

// something draws one thing that happens.
func (l *life) something() func() {
	switch kind := rapid.IntRange(0, 9).Draw(l.t, "kind"); {
	case kind < 4:
		return l.someReport()
	case kind < 5:
		body := rapid.SampledFrom([]string{`{}`, `{"status":"partial"}`, `{"interpretation":"critical"}`, lacksTSH}).Draw(l.t, "results")
		return func() {
			if l.askLab("PUT", "results", body) < 300 {
				l.report(order.ReportReady)
			}
		}
	default:
		return l.someDemand()
	}
}

func (l *life) someReport() func() {
	kind := rapid.SampledFrom([]order.FactKind{
		order.KitShipped, order.KitReceived, order.KitRejected, order.ReportReady, order.CourierReport, order.CourierReport,
		order.DrawReport, order.AppointmentReport, order.AppointmentReport, order.AppointmentReport,
	}).Draw(l.t, "fact")
	ago := rapid.SampledFrom([]time.Duration{0, 0, 0, hour, 6 * day}).Draw(l.t, "told late")
	yes := rapid.Bool().Draw(l.t, "recoverable")
	to := rapid.SampledFrom(lifecycle.AppointmentStatuses()).Draw(l.t, "appointment")
	target := rapid.SampledFrom([]lifecycle.Low{
		lifecycle.TransitCustomer, lifecycle.WithCustomer, lifecycle.TransitLab, lifecycle.ProblemInTransitLab, lifecycle.Lost,
	}).Draw(l.t, "target")
	earlier := func(f *order.Fact) { f.SentAt = f.SentAt.Add(-ago) }
	return func() {
		switch kind {
		case order.AppointmentReport:
			l.reportVisit(to)
		case order.KitRejected:
			l.report(kind, earlier, recoverable(yes))
		case order.CourierReport:
			leg := "outbound"
			if target == lifecycle.TransitLab || target == lifecycle.ProblemInTransitLab {
				leg = "inbound"
			}
			l.report(kind, earlier, func(f *order.Fact) { f.Leg, f.Target = leg, target })
		default:
			l.report(kind, earlier)
		}
	}
}

func (l *life) someDemand() func() {
	kind := rapid.SampledFrom([]order.DemandKind{
		order.DemandCancel, order.DemandDoNotProcess, order.DemandPlace, order.DemandRegister, order.DemandRegister, order.DemandDraw,
		order.DemandBook, order.DemandBook, order.DemandBook, order.DemandRequest, order.DemandReschedule, order.DemandReschedule,
		order.DemandCancelAppointment, order.DemandReplace, order.DemandAcknowledge,
	}).Draw(l.t, "demand")
	async := rapid.Bool().Draw(l.t, "async")
	ahead := time.Duration(rapid.IntRange(1, 20).Draw(l.t, "days ahead")) * day
	twice := rapid.IntRange(0, 4).Draw(l.t, "twice") == 0
	d := order.Demand{Kind: kind, By: lifecycle.Client}
	switch kind {
	case order.DemandDoNotProcess, order.DemandPlace, order.DemandReplace:
		d.By = lifecycle.Operations
	case order.DemandAcknowledge:
		d.By, d.Reason = lifecycle.Operations, string(order.FactOutOfPlace)
	}
	ask := func() {
		var body []byte
		switch kind {
		case order.DemandRegister:
			body = l.registration()
		case order.DemandRequest:
			d.Slot = l.requestedVisit().Slot
			d.Slot.Type = order.AppointmentTypeOf(l.order().Modality)
		case order.DemandBook, order.DemandReschedule:
			noon := l.now().Sub(day0).Truncate(day) + ahead + 6*hour // 16:00 UTC
			d.Slot = l.slotAt(l.order().Modality, noon+time.Duration(l.n)*hour/3)
			d.Async, d.Wait, d.ConfirmWithin = async, order.Duration(time.Second), order.Duration(15*time.Minute)
		}
		l.ask(l.newReply(), d, body)
	}
	return func() {
		ask()
		if twice {
			ask()
		}
	}
}

// checkLife asserts what holds of every order at the end of the drawn time, besides what holds at any time.
func (l *life) checkLife() {
	o, story := l.order(), l.story()
	state, err := l.store.LoadState(context.Background(), l.orderID)
	require.NoError(l.t, err)
	require.Nil(l.t, state.Booking, "a provider has been asked for 60 days")
	states := map[string]string{}
	for _, d := range story.Demands {
		states[d.ID] = d.State
	}
	for _, r := range l.replies {
		require.True(l.t, r.Answered, "a demand was never answered")
		if r.Done { // the API notes what a validator has refused
			require.NotEqual(l.t, store.DemandOpen, states[r.id], "a demand was granted and not settled")
		}
	}
	l.checkVisits(o, story)
	l.checkTold(o, story)
}

// checkVisits: each appointment is what its history amounts to, one at most is active, and the order is where its newest one is.
func (l *life) checkVisits(o *order.Order, story store.Story) {
	active := 0
	for _, a := range story.Appointments {
		require.NotEmpty(l.t, a.History)
		require.Equal(l.t, a.Status.Event(), a.History[len(a.History)-1].Status)
		if a.Status.Active() {
			active++
		}
	}
	require.LessOrEqual(l.t, active, 1)
	newest := o.State.Appointment
	want := map[lifecycle.Low][]lifecycle.AppointmentStatus{
		lifecycle.AppointmentPending:   {lifecycle.AppointmentIsPending, lifecycle.AppointmentIsReserved},
		lifecycle.AppointmentScheduled: {lifecycle.AppointmentIsConfirmed, lifecycle.AppointmentIsInProgress, lifecycle.AppointmentIsCompleted},
		lifecycle.AppointmentCancelled: {lifecycle.AppointmentIsCancelled, lifecycle.AppointmentIsReserved},
	}[o.Status]
	if want != nil {
		require.NotNil(l.t, newest)
		require.Contains(l.t, want, newest.Status, "the order is %s", o.Status)
	}
}

// checkTold: there is one message for every event that clients hear of, and none besides.
func (l *life) checkTold(o *order.Order, story store.Story) {
	want := map[string]int{}
	for i, e := range o.Events {
		switch {
		case i == 0:
			want[toldCreated]++
		case e.Status.Low() != lifecycle.PartialResults:
			want[toldUpdated]++
		}
	}
	for _, a := range story.Appointments {
		want[toldBooked]++
		want[toldChanged] += len(a.History) - 1
	}
	got := map[string]int{toldCreated: 0}
	for _, kind := range l.told() {
		if kind == toldCreated || kind == toldUpdated || kind == toldBooked || kind == toldChanged {
			got[kind]++
		}
	}
	for _, kind := range []string{toldCreated, toldUpdated, toldBooked, toldChanged} {
		require.Equal(l.t, want[kind], got[kind], "%s of %v", kind, l.history())
	}
}
