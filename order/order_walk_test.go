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

// orderWalk applies random causes to one order, sensible or not, and checks every decision.
type orderWalk struct {
	t         *rapid.T
	s         State
	now       time.Time
	step      int
	fired     []Deadline
	snapshots []snapshot

	raised map[AttentionReason][]cause // the causes that raised each mark
}

// snapshot is a state before a decision, and its text at that time.
type snapshot struct {
	state State
	text  string
}

// cause is something that happens: a decision on a state. It is pure, so it can be called twice.
type cause func(State) Decision

func (w *orderWalk) pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(w.t, label) }

// start chooses the first state of the order.
func (w *orderWalk) start() {
	p := DefaultPolicy()
	p.Replacement = rapid.SampledFrom([]ReplacementPolicy{ReplaceNever, ReplaceManual, ReplaceAuto}).Draw(w.t,
		"replacement")
	p.BookBeforeRequisition = rapid.Bool().Draw(w.t, "book before requisition")
	o := &Order{ID: "o1", Modality: rapid.SampledFrom(lifecycle.Modalities()).Draw(w.t, "modality"), Origin: OriginInitial,
		CreatedAt: t0}
	switch {
	case o.Modality == lifecycle.Testkit:
		o.ReplacementDepth = w.pick("depth", 4)
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
	w.s, w.now = NewState(o, p, activateAt), t0
}

// doSomething applies a random cause. Every time that it uses is unique.
func (w *orderWalk) doSomething() {
	w.step++
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20*24*60).Draw(w.t, "minutes"))*time.Minute + time.Microsecond)
	switch kind := w.pick("what happens", 12); {
	case kind < 5:
		w.applyFact(w.anyFact())
	case kind == 5 && len(w.s.ParkedFacts) > 0:
		w.applyFact(w.s.ParkedFacts[w.pick("parked", len(w.s.ParkedFacts))])
	case kind < 8:
		w.applyDemand(w.anyDemand())
	case kind < 10 && len(w.s.Deadlines) > 0:
		w.applyDeadline()
	default:
		w.answerCall()
	}
}

func (w *orderWalk) anyFact() Fact {
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
	case FactKitRejected:
		f.Detail = rapid.SampledFrom(append(lifecycle.Details(), "")).Draw(w.t, "detail")
		if n := w.pick("recoverable", 3); n < 2 {
			recoverable := n == 0
			f.Recoverable = &recoverable
		}
	case FactKitShipped:
		f.OutboundNumber = rapid.SampledFrom([]string{"", "out"}).Draw(w.t, "number")
	case FactCourierReport:
		f.Leg = rapid.SampledFrom([]string{"outbound", "inbound"}).Draw(w.t, "leg")
		f.TargetStatus = rapid.SampledFrom(courierTargets).Draw(w.t, "target")
		f.LegEnded = rapid.Bool().Draw(w.t, "delivered")
	case FactDrawCompleted:
		f.CollectedAt = w.now.Add(-time.Hour)
	case FactAppointment:
		w.appointmentReport(&f)
	}
	return f
}

// likelyFacts returns all kinds of facts, with those of the order's collection method more often.
func (w *orderWalk) likelyFacts() []FactKind {
	all := []FactKind{FactKitShipped, FactKitReceived, FactKitRejected, FactReportReady, FactCourierReport,
		FactDrawCompleted, FactAppointment}
	switch w.s.Modality {
	case lifecycle.Testkit:
		return append(all, FactKitShipped, FactKitReceived, FactKitRejected, FactReportReady, FactCourierReport,
			FactCourierReport, FactCourierReport)
	case lifecycle.OnSite:
		return append(all, FactKitReceived, FactKitRejected, FactReportReady, FactDrawCompleted)
	default:
		return append(all, FactReportReady, FactDrawCompleted, FactAppointment, FactAppointment, FactAppointment,
			FactAppointment)
	}
}

// appointmentReport makes a fact about the order's appointment, or about one that was not booked through us.
func (w *orderWalk) appointmentReport(f *Fact) {
	f.Appointment = &ReportedAppointment{
		Status:        rapid.SampledFrom(lifecycle.AppointmentStatuses()).Draw(w.t, "appointment status"),
		Reference:     rapid.SampledFrom([]string{"", "ref-1", "ref-2"}).Draw(w.t, "reference"),
		CanReschedule: rapid.Bool().Draw(w.t, "can reschedule"),
	}
	if a := w.s.Appointment; a != nil && w.pick("known", 4) > 0 {
		f.AppointmentID = a.ID
	}
	if rapid.Bool().Draw(w.t, "timed") {
		w.drawTimes(&f.Appointment.StartAt, &f.Appointment.EndAt)
	}
}

func (w *orderWalk) drawTimes(start, end *time.Time) {
	*start = w.now.Add(time.Duration(rapid.IntRange(-24, 20*24).Draw(w.t, "hours ahead")) * time.Hour)
	*end = start.Add(20 * time.Minute)
}

var courierTargets = []lifecycle.LowStatus{
	"", lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.ProblemInTransitCustomer, lifecycle.WithCustomer,
	lifecycle.TransitLab, lifecycle.ProblemInTransitLab, lifecycle.DeliveredToLab,
	lifecycle.FailureToDeliverToCustomer, lifecycle.FailureToDeliverToLab, lifecycle.Lost,
}

func (w *orderWalk) applyFact(f Fact) {
	before := w.s
	again := func(s State) Decision { return s.ApplyFact(f, f.ReceivedAt) }
	d := w.decide(func(s State) Decision { return s.ApplyFact(f, w.now) })
	w.remember(before, d, again)
	kept := slices.DeleteFunc(append([]Fact{}, before.ParkedFacts...), func(g Fact) bool { return g.InboxID == f.InboxID })
	if d.Outcome == OutcomeParked {
		kept = append(kept, f)
	}
	require.Equal(w.t, jsonText(w.t, kept), jsonText(w.t, append([]Fact{}, d.Next.ParkedFacts...)),
		"a fact is parked or not, and no other fact changes")
}

func (w *orderWalk) anyDemand() Demand {
	dm := Demand{
		ID: fmt.Sprint(w.step),
		Kind: rapid.SampledFrom([]DemandKind{
			DemandCancel, DemandActivate, DemandPlace, DemandRecover, DemandDoNotProcess, DemandReplace, DemandAcknowledgeMark,
			DemandRegister, DemandRegister, DemandDrawCompleted, DemandAcceptResults, DemandBookAppointment,
			DemandBookAppointment, DemandRequestAppointment, DemandRescheduleAppointment, DemandCancelAppointment,
		}).Draw(w.t, "demand"),
		By:        rapid.SampledFrom([]lifecycle.Actor{lifecycle.Client, lifecycle.Operations}).Draw(w.t, "by"),
		Confirmed: rapid.Bool().Draw(w.t, "confirmed"),
	}
	switch dm.Kind {
	case DemandAcknowledgeMark:
		dm.Reason = rapid.SampledFrom(append(w.s.Agenda().MarkReasons(), "none")).Draw(w.t, "mark")
	case DemandActivate:
		if days := w.pick("days", 30); days > 0 {
			day := DateOf(w.now.AddDate(0, 0, days-5))
			dm.ActivateBy, dm.ActivateAt = day.String(), day.Start(time.UTC)
		}
	case DemandAcceptResults:
		f := w.anyFetched()
		if held := w.s.heldResultID(AttentionResultAfterEnd); held != "" && rapid.Bool().Draw(w.t, "what is held") {
			f.ResultID, f.HeldID = held, held
		}
		dm.Results = &f
	case DemandBookAppointment, DemandRequestAppointment, DemandRescheduleAppointment:
		dm.By, dm.Async, dm.ConfirmWithin = lifecycle.Client, rapid.Bool().Draw(w.t, "async"), Duration(15*time.Minute)
		dm.Slot = &Slot{AccountID: "acc", Provider: "quest", Type: AppointmentTypeOf(w.s.Modality)}
		if a := w.s.Appointment; a != nil {
			dm.Slot.Provider, dm.Slot.AccountID = a.Provider, a.AccountID
		}
		if dm.Kind != DemandRequestAppointment {
			dm.Slot.Key = rapid.SampledFrom([]string{"slot-1", "slot-2", "slot-3"}).Draw(w.t, "slot")
			w.drawTimes(&dm.Slot.StartAt, &dm.Slot.EndAt)
		}
	case DemandCancelAppointment:
		dm.By = lifecycle.Client
	case DemandRecover:
		dm.LabTakesCorrections = rapid.Bool().Draw(w.t, "correctable")
	}
	return dm
}

func (w *orderWalk) anyFetched() FetchOutcome {
	return FetchOutcome{
		ResultID: fmt.Sprint(w.step), Changed: rapid.Bool().Draw(w.t, "changed"), Partial: rapid.Bool().Draw(w.t, "partial"),
		Critical: rapid.Bool().Draw(w.t, "critical"), MissingByLabFault: rapid.Bool().Draw(w.t, "missing"),
		Differs: rapid.SampledFrom([]PatientDifference{PatientDiffersNot, PatientDiffersNot, PatientDiffersByName,
			PatientDiffersByBoth}).Draw(w.t, "differs"),
	}
}

func (w *orderWalk) applyDemand(dm Demand) {
	before, check := w.s, w.s.CheckDemand(dm, w.now)
	if dm.Kind.ConcernsAppointment() && check == "" && !before.HoldsSlot(dm) {
		w.decide(func(s State) Decision { return s.ApplyBookingAsked(dm, w.now) })
		return
	}
	mayAsk := dm.Kind == DemandCancel && check == "" && before.Placement.State == PlacementDone && !before.HasShipped
	if mayAsk && rapid.Bool().Draw(w.t, "the lab has to confirm") {
		w.decide(func(s State) Decision { return s.ApplyCancelAsked(dm, w.now) })
		return
	}
	d := w.decide(func(s State) Decision { return s.ApplyDemand(dm, w.now) })
	w.checkResolved(dm, d)
	require.Equal(w.t, check == "", d.Outcome == OutcomeApplied, "CheckDemand says what ApplyDemand does")
	require.Equal(w.t, check, d.Reason)
	if check != "" && !dm.Confirmed {
		require.Equal(w.t, jsonText(w.t, before), jsonText(w.t, d.Next), "a refused demand changes nothing")
	}
}

func (w *orderWalk) applyDeadline() {
	dl, _ := w.s.NextDeadline()
	if dl.Due.After(w.now) {
		w.now = dl.Due
	}
	require.NotContains(w.t, w.fired, dl, "a deadline acts once")
	w.fired = append(w.fired, dl)
	w.decide(func(s State) Decision { return s.ApplyDeadline(dl, w.now) })
}

// answerCall applies the outcome of a partner call that the state may have in flight.
func (w *orderWalk) answerCall() {
	var calls []cause
	if w.s.Placement.State != PlacementNone {
		calls = append(calls,
			func(s State) Decision { return s.ApplyPlacementAccepted("M1", w.now) },
			func(s State) Decision { return s.ApplyPlacementRefused(w.now) },
			func(s State) Decision { return s.ApplyPlacementUnanswered(w.now) })
	}
	if g := w.s.Fetch.Generation; g > 0 {
		f := w.anyFetched()
		f.Generation = 1 + w.pick("generation", g)
		calls = append(calls,
			func(s State) Decision {
				d, _ := s.ApplyFetchedResults(f, w.now)
				w.remember(s, d, func(s State) Decision { d, _ := s.ApplyFetchedResults(f, w.now); return d })
				return d
			},
			func(s State) Decision { return s.ApplyFetchFailed(f.Generation, w.now) })
	}
	if w.s.TrackersPending {
		calls = append(calls, func(s State) Decision { return s.ApplyTrackersCreated(s.ShipmentAt, w.now) })
	}
	if w.s.PendingCancellation != nil {
		calls = append(calls,
			func(s State) Decision { return s.ApplyCancelRefused(w.now) },
			func(s State) Decision { return s.ApplyCancelUnanswered(w.now) })
	}
	if w.s.PendingCorrection != nil {
		calls = append(calls,
			func(s State) Decision { return s.ApplyCorrectionAccepted(w.now) },
			func(s State) Decision { return s.ApplyCorrectionRefused(w.now) },
			func(s State) Decision { return s.ApplyCorrectionUnanswered(w.now) })
	}
	calls = append(calls, w.providerCalls()...)
	if len(calls) > 0 {
		w.decide(calls[w.pick("call", len(calls))])
	}
}

// providerCalls returns what a provider may answer to what it is being asked.
func (w *orderWalk) providerCalls() []cause {
	var calls []cause
	if under := w.s.PendingBooking; under != nil {
		dm := under.Demand
		b := ReportedAppointment{
			Status: rapid.SampledFrom([]lifecycle.AppointmentStatus{"pending", "reserved", "confirmed", "confirmed",
				"cancelled"}).Draw(w.t, "booked"),
			Reference:     rapid.SampledFrom([]string{"ref-1", "ref-2"}).Draw(w.t, "booked as"),
			CanReschedule: rapid.Bool().Draw(w.t, "movable"),
		}
		calls = append(calls,
			func(s State) Decision { return s.ApplyBookingAnswer(dm, b, w.now) },
			func(s State) Decision { return s.ApplyBookingAnswer(dm, b, w.now) },
			func(s State) Decision { return s.ApplyBookingRefused(dm, ReasonSlotGone, w.now) })
		switch {
		case dm.Kind != DemandBookAppointment && dm.Kind != DemandRequestAppointment:
		case dm.Async:
			calls = append(calls, func(s State) Decision { return s.ApplyBookingPending(w.now) })
		default:
			calls = append(calls, func(s State) Decision { return s.ApplyBookingGivenUp(dm, w.now) })
		}
	}
	if len(w.s.PendingReleases) > 0 {
		id := w.s.PendingReleases[0].AppointmentID
		calls = append(calls,
			func(s State) Decision { return s.ApplyReleaseAnswer(id, false, w.now) },
			func(s State) Decision { return s.ApplyReleaseAnswer(id, true, w.now) },
			func(s State) Decision { return s.ApplyReleaseUnanswered(id, w.now) })
	}
	return calls
}

// decide makes a decision twice, on the state and on its copy through JSON, checks it, and moves on to its outcome.
func (w *orderWalk) decide(c cause) Decision {
	before := w.s
	w.snapshots = append(w.snapshots, snapshot{state: before, text: jsonText(w.t, before)})
	d := c(before)
	var stored State
	require.NoError(w.t, json.Unmarshal([]byte(jsonText(w.t, before)), &stored))
	require.Equal(w.t, jsonText(w.t, before), jsonText(w.t, stored), "JSON loses nothing")
	require.Equal(w.t, jsonText(w.t, d), jsonText(w.t, c(stored)), "the stored state decides the same")
	w.check(before, d)
	w.s = d.Next
	return d
}
