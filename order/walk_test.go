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
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, Origin: OriginInitial, CreatedAt: t0, Depth: w.pick("depth", 4)}
	o.Registrable = rapid.Bool().Draw(w.t, "registrable")
	activateAt := time.Time{}
	if rapid.Bool().Draw(w.t, "scheduled") {
		day := DateOf(t0.AddDate(0, 0, 7))
		o.ActivateBy, activateAt = &day, day.Start(time.UTC)
	}
	w.s, w.now = Begin(o, p, activateAt), t0
	if o.Registrable && rapid.Bool().Draw(w.t, "registered") {
		w.s.Registered, w.s.Status = true, lifecycle.Registered
		w.s.activate()
		w.s.arm()
	}
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
		Kind:       rapid.SampledFrom([]FactKind{KitShipped, KitReceived, KitRejected, ReportReady, CourierReport}).Draw(w.t, "fact"),
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
	}
	return f
}

var courierTargets = []lifecycle.Low{
	"", lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.ProblemInTransitCustomer, lifecycle.WithCustomer,
	lifecycle.TransitLab, lifecycle.ProblemInTransitLab, lifecycle.DeliveredToLab,
	lifecycle.FailureToDeliverToCustomer, lifecycle.FailureToDeliverToLab, lifecycle.Lost,
}

func (w *walk) fact(f Fact) {
	before := w.s
	d := w.decide(func(s State) Decision { return s.ApplyFact(f, w.now) })
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
	}
	return dm
}

func (w *walk) demand(dm Demand) {
	before, check := w.s, w.s.CheckDemand(dm, w.now)
	mayAsk := dm.Kind == DemandCancel && check == "" && before.Placement.State == PlacementDone && !before.Shipped
	if mayAsk && rapid.Bool().Draw(w.t, "the lab has to confirm") {
		w.decide(func(s State) Decision { return s.ApplyCancelAsked(dm, w.now) })
		return
	}
	d := w.decide(func(s State) Decision { return s.ApplyDemand(dm, w.now) })
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
		f := Fetched{
			Generation: 1 + w.pick("generation", g), ResultID: fmt.Sprint(w.step),
			Changed: rapid.Bool().Draw(w.t, "changed"), Partial: rapid.Bool().Draw(w.t, "partial"),
		}
		calls = append(calls,
			func(s State) Decision { d, _ := s.ApplyFetched(f, w.now); return d },
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
	if len(calls) > 0 {
		w.decide(calls[w.pick("call", len(calls))])
	}
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
