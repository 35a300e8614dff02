package order

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// walk drives one order through anything that can happen to it, sensible or not, and checks every decision.
type walk struct {
	t     *rapid.T
	s     State
	now   time.Time
	step  int
	fired []Deadline
	past  []snapshot

	raised map[AttentionReason][]cause // what has raised each mark
}

// snapshot is a state that a decision was made on, and what it looked like then.
type snapshot struct {
	state State
	text  string
}

// cause is something that happens: a decision on a state. It is pure, so that it can be asked twice.
type cause func(State) Decision

func (w *walk) pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(w.t, label) }

// start chooses a state from which orders set out.
func (w *walk) start() {
	p := DefaultPolicy()
	p.Replacement = rapid.SampledFrom([]Replacement{ReplaceNever, ReplaceManual, ReplaceAuto}).Draw(w.t, "replacement")
	p.BookBeforeRequisition = rapid.Bool().Draw(w.t, "book before requisition")
	o := &Order{ID: "o1", Modality: rapid.SampledFrom(lifecycle.Modalities()).Draw(w.t, "modality"), Origin: OriginInitial, CreatedAt: t0}
	switch {
	case o.Modality == lifecycle.Testkit:
		o.Depth = w.pick("depth", 4)
		o.Registrable = rapid.Bool().Draw(w.t, "registrable")
	case o.Modality == lifecycle.WalkIn && rapid.Bool().Draw(w.t, "redraw"):
		o.Origin = OriginRedraw
	}
	activateAt := time.Time{}
	switch rapid.SampledFrom([]string{"now", "scheduled", "imported"}).Draw(w.t, "begins") {
	case "scheduled":
		day := DateOf(t0.AddDate(0, 0, 7))
		o.ActivateBy, activateAt = &day, day.Start(time.UTC)
	case "imported":
		o.Imported = !o.Registrable
	}
	w.s, w.now = Begin(o, p, activateAt), t0
}

// next makes something happen. Every time in it is the only one of its kind.
func (w *walk) next() {
	w.step++
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20*24*60).Draw(w.t, "minutes"))*time.Minute + time.Microsecond)
	switch kind := w.pick("what happens", 12); {
	case kind < 5:
		w.fact(w.anyFact())
	case kind == 5 && len(w.s.Parked) > 0:
		w.fact(w.s.Parked[w.pick("parked", len(w.s.Parked))])
	case kind < 8:
		w.demand(w.anyDemand())
	case kind < 10 && len(w.s.Deadlines) > 0:
		w.deadline()
	default:
		w.callAnswered()
	}
}

func (w *walk) anyFact() Fact {
	f := Fact{
		InboxID:    fmt.Sprint(w.step),
		Kind:       rapid.SampledFrom(w.likelyFacts()).Draw(w.t, "fact"),
		ReceivedAt: w.now,
		Accession:  rapid.SampledFrom([]string{"", "M1", "M2"}).Draw(w.t, "accession"),
		Amendment:  w.pick("amendment", 10) == 0,
	}
	if w.pick("time", 10) > 0 {
		f.SentAt = w.now.Add(-time.Duration(rapid.IntRange(-10, 60*24*60).Draw(w.t, "minutes ago")) * time.Minute)
	}
	switch f.Kind {
	case KitRejected:
		f.Detail = rapid.SampledFrom(append(lifecycle.Details(), "")).Draw(w.t, "detail")
		if n := w.pick("recoverable", 3); n < 2 {
			recoverable := n == 0
			f.Recoverable = &recoverable
		}
	case KitShipped:
		f.Outbound = rapid.SampledFrom([]string{"", "out"}).Draw(w.t, "number")
	case CourierReport:
		f.Leg = rapid.SampledFrom([]string{"outbound", "inbound"}).Draw(w.t, "leg")
		f.Target = rapid.SampledFrom(courierTargets).Draw(w.t, "target")
		f.Delivered = rapid.Bool().Draw(w.t, "delivered")
	case DrawReport:
		f.CollectedAt = w.now.Add(-time.Hour)
	case AppointmentReport:
		w.appointmentReport(&f)
	}
	return f
}

// likelyFacts are all, those that the order's collection method has more often.
func (w *walk) likelyFacts() []FactKind {
	all := []FactKind{KitShipped, KitReceived, KitRejected, ReportReady, CourierReport, DrawReport, AppointmentReport}
	switch w.s.Modality {
	case lifecycle.Testkit:
		return append(all, KitShipped, KitReceived, KitRejected, ReportReady, CourierReport, CourierReport, CourierReport)
	case lifecycle.OnSite:
		return append(all, KitReceived, KitRejected, ReportReady, DrawReport)
	default:
		return append(all, ReportReady, DrawReport, AppointmentReport, AppointmentReport, AppointmentReport, AppointmentReport)
	}
}

// appointmentReport is about the order's appointment, or about one that nobody here has booked.
func (w *walk) appointmentReport(f *Fact) {
	f.Appointment = &Booked{
		Status:        rapid.SampledFrom(lifecycle.AppointmentStatuses()).Draw(w.t, "appointment status"),
		Reference:     rapid.SampledFrom([]string{"", "ref-1", "ref-2"}).Draw(w.t, "reference"),
		CanReschedule: rapid.Bool().Draw(w.t, "can reschedule"),
	}
	if a := w.s.Appointment; a != nil && w.pick("known", 4) > 0 {
		f.AppointmentID = a.ID
	}
	if rapid.Bool().Draw(w.t, "timed") {
		w.timed(&f.Appointment.StartAt, &f.Appointment.EndAt)
	}
}

func (w *walk) timed(start, end *time.Time) {
	*start = w.now.Add(time.Duration(rapid.IntRange(-24, 20*24).Draw(w.t, "hours ahead")) * time.Hour)
	*end = start.Add(20 * time.Minute)
}

var courierTargets = []lifecycle.Low{
	"", lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.ProblemInTransitCustomer, lifecycle.WithCustomer,
	lifecycle.TransitLab, lifecycle.ProblemInTransitLab, lifecycle.DeliveredToLab,
	lifecycle.FailureToDeliverToCustomer, lifecycle.FailureToDeliverToLab, lifecycle.Lost,
}

func (w *walk) fact(f Fact) {
	before := w.s
	again := func(s State) Decision { return s.ApplyFact(f, f.ReceivedAt) }
	d := w.decide(func(s State) Decision { return s.ApplyFact(f, w.now) })
	w.remember(before, d, again)
	kept := slices.DeleteFunc(append([]Fact{}, before.Parked...), func(g Fact) bool { return g.InboxID == f.InboxID })
	if d.Outcome == Parked {
		kept = append(kept, f)
	}
	require.Equal(w.t, text(w.t, kept), text(w.t, append([]Fact{}, d.Next.Parked...)), "a fact is parked or settled, and no other is touched")
}

func (w *walk) anyDemand() Demand {
	dm := Demand{
		ID: fmt.Sprint(w.step),
		Kind: rapid.SampledFrom([]DemandKind{
			DemandCancel, DemandActivate, DemandPlace, DemandRecover, DemandDoNotProcess, DemandReplace, DemandAcknowledge,
			DemandRegister, DemandRegister, DemandDraw, DemandAccept, DemandBook, DemandBook, DemandRequest, DemandReschedule, DemandCancelAppointment,
		}).Draw(w.t, "demand"),
		By:        rapid.SampledFrom([]lifecycle.Actor{lifecycle.Client, lifecycle.Operations}).Draw(w.t, "by"),
		Confirmed: rapid.Bool().Draw(w.t, "confirmed"),
	}
	switch dm.Kind {
	case DemandAcknowledge:
		dm.Reason = rapid.SampledFrom(append(w.s.AttentionReasons(), "none")).Draw(w.t, "mark")
	case DemandActivate:
		if days := w.pick("days", 30); days > 0 {
			day := DateOf(w.now.AddDate(0, 0, days-5))
			dm.ActivateBy, dm.ActivateAt = day.String(), day.Start(time.UTC)
		}
	case DemandAccept:
		f := w.anyFetched()
		if held := w.s.held(); held != "" && rapid.Bool().Draw(w.t, "what is held") {
			f.ResultID, f.HeldID = held, held
		}
		dm.Fetched = &f
	case DemandBook, DemandRequest, DemandReschedule:
		dm.By, dm.Async, dm.ConfirmWithin = lifecycle.Client, rapid.Bool().Draw(w.t, "async"), Duration(15*time.Minute)
		dm.Slot = &Slot{AccountID: "acc", Provider: "quest", Type: AppointmentTypeOf(w.s.Modality)}
		if a := w.s.Appointment; a != nil {
			dm.Slot.Provider, dm.Slot.AccountID = a.Provider, a.AccountID
		}
		if dm.Kind != DemandRequest {
			dm.Slot.Key = rapid.SampledFrom([]string{"slot-1", "slot-2", "slot-3"}).Draw(w.t, "slot")
			w.timed(&dm.Slot.StartAt, &dm.Slot.EndAt)
		}
	case DemandCancelAppointment:
		dm.By = lifecycle.Client
	case DemandRecover:
		dm.Correctable = rapid.Bool().Draw(w.t, "correctable")
	}
	return dm
}

func (w *walk) anyFetched() Fetched {
	return Fetched{
		ResultID: fmt.Sprint(w.step), Changed: rapid.Bool().Draw(w.t, "changed"), Partial: rapid.Bool().Draw(w.t, "partial"),
		Critical: rapid.Bool().Draw(w.t, "critical"), LabMissing: rapid.Bool().Draw(w.t, "missing"),
	}
}

func (w *walk) demand(dm Demand) {
	before, check := w.s, w.s.CheckDemand(dm, w.now)
	if dm.Kind.Booking() && check == "" && !before.Holds(dm) {
		w.decide(func(s State) Decision { return s.ApplyBookingAsked(dm, w.now) })
		return
	}
	mayAsk := dm.Kind == DemandCancel && check == "" && before.Placement.State == PlacementDone && !before.Shipped
	if mayAsk && rapid.Bool().Draw(w.t, "the lab has to confirm") {
		w.decide(func(s State) Decision { return s.ApplyCancelAsked(dm, w.now) })
		return
	}
	d := w.decide(func(s State) Decision { return s.ApplyDemand(dm, w.now) })
	w.checkResolved(dm, d)
	require.Equal(w.t, check == "", d.Outcome == Applied, "CheckDemand says what ApplyDemand does")
	require.Equal(w.t, check, d.Reason)
	if check != "" && !dm.Confirmed {
		require.Equal(w.t, text(w.t, before), text(w.t, d.Next), "a refused demand changes nothing")
	}
}

func (w *walk) deadline() {
	dl, _ := w.s.NextDeadline()
	if dl.Due.After(w.now) {
		w.now = dl.Due
	}
	require.NotContains(w.t, w.fired, dl, "a deadline acts once")
	w.fired = append(w.fired, dl)
	w.decide(func(s State) Decision { return s.ApplyDeadline(dl, w.now) })
}

// callAnswered is the outcome of a partner call that the state may have in flight.
func (w *walk) callAnswered() {
	var calls []cause
	if w.s.Placement.State != PlacementNone {
		calls = append(calls,
			func(s State) Decision { return s.ApplyPlaced("M1", w.now) },
			func(s State) Decision { return s.ApplyPlacementRefused(w.now) },
			func(s State) Decision { return s.ApplyPlacementUnanswered(w.now) })
	}
	if g := w.s.Fetch.Generation; g > 0 {
		f := w.anyFetched()
		f.Generation = 1 + w.pick("generation", g)
		calls = append(calls,
			func(s State) Decision {
				d, _ := s.ApplyFetched(f, w.now)
				w.remember(s, d, func(s State) Decision { d, _ := s.ApplyFetched(f, w.now); return d })
				return d
			},
			func(s State) Decision { return s.ApplyFetchMissed(f.Generation, w.now) })
	}
	if w.s.Trackers {
		calls = append(calls, func(s State) Decision { return s.ApplyTracked(s.ShipmentAt, w.now) })
	}
	if w.s.Cancelling != nil {
		calls = append(calls,
			func(s State) Decision { return s.ApplyCancelRefused(w.now) },
			func(s State) Decision { return s.ApplyCancelUnanswered(w.now) })
	}
	if w.s.Correcting != nil {
		calls = append(calls,
			func(s State) Decision { return s.ApplyCorrected(w.now) },
			func(s State) Decision { return s.ApplyCorrectionRefused(w.now) },
			func(s State) Decision { return s.ApplyCorrectionUnanswered(w.now) })
	}
	calls = append(calls, w.providerCalls()...)
	if len(calls) > 0 {
		w.decide(calls[w.pick("call", len(calls))])
	}
}

// providerCalls are what a provider may answer to what it is being asked.
func (w *walk) providerCalls() []cause {
	var calls []cause
	if under := w.s.Booking; under != nil {
		dm := under.Demand
		b := Booked{
			Status:    rapid.SampledFrom([]lifecycle.AppointmentStatus{"pending", "reserved", "confirmed", "confirmed", "cancelled"}).Draw(w.t, "booked"),
			Reference: rapid.SampledFrom([]string{"ref-1", "ref-2"}).Draw(w.t, "booked as"), CanReschedule: rapid.Bool().Draw(w.t, "movable"),
		}
		calls = append(calls,
			func(s State) Decision { return s.ApplyBooked(dm, b, w.now) },
			func(s State) Decision { return s.ApplyBooked(dm, b, w.now) },
			func(s State) Decision { return s.ApplyBookingRefused(dm, ReasonSlotGone, w.now) })
		switch {
		case dm.Kind != DemandBook && dm.Kind != DemandRequest:
		case dm.Async:
			calls = append(calls, func(s State) Decision { return s.ApplyBookingPending(w.now) })
		default:
			calls = append(calls, func(s State) Decision { return s.ApplyBookingGivenUp(dm, w.now) })
		}
	}
	if len(w.s.Releasing) > 0 {
		id := w.s.Releasing[0].AppointmentID
		calls = append(calls,
			func(s State) Decision { return s.ApplyReleased(id, false, w.now) },
			func(s State) Decision { return s.ApplyReleased(id, true, w.now) },
			func(s State) Decision { return s.ApplyReleaseMissed(id, w.now) })
	}
	return calls
}

// decide makes a decision twice, on the state and on what JSON makes of it, checks it, and moves on to its outcome.
func (w *walk) decide(c cause) Decision {
	before := w.s
	w.past = append(w.past, snapshot{state: before, text: text(w.t, before)})
	d := c(before)
	var stored State
	require.NoError(w.t, json.Unmarshal([]byte(text(w.t, before)), &stored))
	require.Equal(w.t, text(w.t, before), text(w.t, stored), "JSON loses nothing")
	require.Equal(w.t, text(w.t, d), text(w.t, c(stored)), "the stored state decides the same")
	w.check(before, d)
	w.s = d.Next
	return d
}
