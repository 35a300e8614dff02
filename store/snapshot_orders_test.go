package store

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// snapshotPolicy is the policy of the snapshot's team. Its deadlines are a century ahead, so that no order of the
// snapshot misses one while a test runs.
const snapshotPolicy = `{"replacement":"auto","replacement_limit":3,"partial_result_webhooks":true,"minors":true,
	"recovery":{"window":"876000h","reminders":["875000h"],"max_restarts":1},
	"deadlines":{"requisition":"876000h","shipment":"876000h","outbound":"876000h","outbound_lost":"876001h",
	"with_customer":"876000h","inbound":"876000h","inbound_lost":"876001h","results":"876000h","results_fetch":"876000h",
	"partial_results":"876000h",
	"out_of_place":"876000h","visit":"876000h","appointment_assign":"876000h","draw_report":"876000h",
	"on_site_draw":"876000h","kit_expiry":"876000h"}}`

// snapshotRoute is the route of the idempotency keys in the snapshot.
const snapshotRoute = "POST /v3/order"

// snapshotWriter writes the rows of the snapshot.
type snapshotWriter struct {
	t       *testing.T
	s       *Store
	forward func(time.Duration)
	words   int

	team, user, molecular, neutral, endpoint string
	orders                                   map[string]*order.Order // by name
}

// word returns a word that is used only once in the snapshot.
func (w *snapshotWriter) word() string {
	w.words++
	return fmt.Sprintf("Word%dx", w.words)
}

// order creates an order, named in the snapshot, with a word in every field that holds patient data.
func (w *snapshotWriter) order(name string, adjust ...func(*order.Order)) *order.Order {
	w.t.Helper()
	w.forward(time.Minute)
	claim, err := w.s.ClaimIdempotencyKey(w.t.Context(), w.team, snapshotRoute, name, "", time.Hour)
	require.NoError(w.t, err)
	n := newOrder(w.s, w.team, append([]func(*order.Order){w.fill}, adjust...)...)
	policy, err := order.ResolvePolicy([]byte(snapshotPolicy))
	require.NoError(w.t, err)
	var activateAt time.Time
	if n.Order.ActivateBy != nil {
		activateAt = n.Order.ActivateBy.Start(time.UTC)
	}
	n.Order.State = order.NewState(&n.Order, policy, activateAt)
	n.IdempotencyKey, n.RenderAnswer = claim.Claimed,
		func(*order.Order) (int, []byte, error) { return 200, []byte(w.word()), nil }
	c, err := w.s.CreateOrder(w.t.Context(), n)
	require.NoError(w.t, err)
	w.orders[name] = c.Order
	return c.Order
}

func (w *snapshotWriter) fill(o *order.Order) {
	o.UserID, o.ClientUserID, o.LabAccountID = w.user, "patient-1", w.molecular
	o.Patient.FirstName, o.Patient.LastName, o.Patient.Email = w.word(), w.word(), w.word()
	o.Patient.DOB.Day = 1 + len(w.orders)%28
	o.Address.ReceiverName, o.Address.FirstLine, o.Address.AccessNotes = w.word(), w.word(), new(w.word())
	o.Physician.LastName = w.word()
	o.Passthrough, o.ClinicalNotes, o.Notes, o.AccountNotes = new(w.word()), new(w.word()), new(w.word()), new(w.word())
	o.AoEAnswers[0].Answer, o.ICDCodes, o.Consents[0].Version = w.word(), []string{w.word()}, w.word()
	o.Insurance, o.InsuranceID = json.RawMessage(`{"member_id":"`+w.word()+`"}`), sqldb.NewID()
	o.CreatorMemberID = new("member-1")
}

// registrable makes the order one for a kit without a patient.
func (w *snapshotWriter) registrable(o *order.Order) {
	setRegistrable(o)
	o.LabAccountID = w.neutral
	o.Shipping.ReceiverName, o.Shipping.FirstLine = w.word()+" "+w.word(), w.word()
}

// at returns a change that gives an order another modality, at the neutral partner.
func (w *snapshotWriter) at(m lifecycle.Modality) func(*order.Order) {
	return func(o *order.Order) {
		setModality(m)(o)
		o.LabAccountID = w.neutral
	}
}

// decide records a decision under a cause of its own.
func (w *snapshotWriter) decide(o *order.Order, r order.Recording, rule func(order.State) order.Decision) RecordResult {
	w.t.Helper()
	w.forward(time.Minute)
	r.OrderID = o.ID
	if r.Cause == "" {
		r.Cause = order.CauseCall(sqldb.NewID())
	}
	out, err := recordUntil(w.t, w.s, r, rule)
	require.NoError(w.t, err)
	require.Contains(w.t, []order.Outcome{order.OutcomeApplied, order.OutcomeParked}, out.Outcome, "%s: %s", r.Cause,
		out.Reason)
	return out
}

// placeOrders records for each order that the lab has accepted its requisition.
func (w *snapshotWriter) placeOrders(orders ...*order.Order) {
	w.t.Helper()
	for _, o := range orders {
		w.decide(o, order.Recording{}, func(st order.State) order.Decision {
			return st.ApplyPlacementAccepted("ACC-"+o.Number[:6], w.s.now())
		})
	}
}

// fact stores an item of the order's partner and records its fact.
func (w *snapshotWriter) fact(o *order.Order, f order.Fact) {
	w.t.Helper()
	w.forward(time.Minute)
	in, err := w.s.StoreInboxItem(w.t.Context(), w.message(o.Number, f))
	require.NoError(w.t, err)
	w.decide(o, order.Recording{Cause: order.CauseInbox(in.Fact.InboxID), Fact: in.Fact},
		func(st order.State) order.Decision {
			return st.ApplyFact(*in.Fact, w.s.now())
		})
}

func (w *snapshotWriter) message(number string, f order.Fact) NewInboxItem {
	return NewInboxItem{
		Partner: "molecular", DedupKey: sqldb.NewID(), BodyHash: sqldb.NewID(), Kind: string(f.Kind), OrderNumber: number,
		Fact: &f,
		Body: []byte(w.word()), Headers: map[string]string{"X-Word": w.word()}, PartnerReason: w.word(),
	}
}

// demand adds a demand with a body, and records what it does.
func (w *snapshotWriter) demand(o *order.Order, d order.Demand, body any) {
	w.t.Helper()
	d.ID, d.By = sqldb.NewID(), lifecycle.Client
	if d.Kind == order.DemandRecover {
		d.By = lifecycle.Operations
	}
	w.add(o, d, body)
	w.decide(o, order.Recording{Cause: order.CauseDemand(d.ID), DemandID: d.ID}, func(st order.State) order.Decision {
		return st.ApplyDemand(d, w.s.now())
	})
}

func (w *snapshotWriter) add(o *order.Order, d order.Demand, body any) {
	w.t.Helper()
	row := DemandRow{ID: d.ID, OrderID: o.ID, Kind: d.Kind, By: d.By, Request: d}
	if body != nil {
		var err error
		row.Body, err = json.Marshal(body)
		require.NoError(w.t, err)
	}
	require.NoError(w.t, w.s.AddDemand(w.t.Context(), row))
}

// book creates an appointment: requested, and confirmed by the provider.
func (w *snapshotWriter) book(o *order.Order, kind order.DemandKind) {
	w.t.Helper()
	start := w.s.now().AddDate(90, 0, 0)
	var at *order.Location
	if kind == order.DemandRequestAppointment {
		at = &order.Location{Name: w.word(), FirstLine: w.word(), City: w.word(), Notes: new(w.word())}
	}
	d := order.Demand{ID: sqldb.NewID(), Kind: kind, By: lifecycle.Client, Slot: &order.Slot{
		AccountID: w.neutral, Provider: "quest", Type: order.AppointmentTypeOf(o.Modality), Key: "slot-1", Site: "PHX",
		StartAt: start, EndAt: start.Add(time.Hour), Zone: "America/Phoenix",
	}}
	w.add(o, d, order.BookingBody{Notes: new(w.word()), Location: at})
	w.decide(o, order.Recording{}, func(st order.State) order.Decision { return st.ApplyBookingAsked(d, w.s.now()) })
	reference := "ref-" + o.Number[:6]
	w.decide(o, order.Recording{Cause: order.CauseDemand(d.ID), DemandID: d.ID}, func(st order.State) order.Decision {
		return st.ApplyBookingAnswer(d, order.ReportedAppointment{
			Status: lifecycle.AppointmentStatusConfirmed, Provider: "quest", Reference: reference, Confirmation: "CONF",
			Site:    "PHX",
			StartAt: start, EndAt: start.Add(time.Hour), Zone: "America/Phoenix", CanReschedule: true,
		}, w.s.now())
	})
	if at == nil { // the provider reports the location
		require.NoError(w.t, w.s.PutAppointmentLocation(w.t.Context(), o.ID, reference,
			order.Location{Name: w.word(), FirstLine: w.word()}))
	}
}

// results stores a lab report that was announced, and records it as the order's newest.
func (w *snapshotWriter) results(o *order.Order, i order.Interpretation, partial bool) {
	w.t.Helper()
	w.fact(o, order.Fact{Kind: order.FactReportReady})
	st := state(w.t, w.s, o.ID)
	v := w.report(o, st.Fetch.Generation, i)
	f := order.FetchOutcome{Generation: st.Fetch.Generation, ResultID: v.ID, Changed: true, Partial: partial,
		Critical: i == order.InterpretationCritical}
	w.decide(o, order.Recording{ResultID: v.ID, NewlyCritical: f.Critical}, func(st order.State) order.Decision {
		d, _ := st.ApplyFetchedResults(f, w.s.now())
		return d
	})
}

func (w *snapshotWriter) report(o *order.Order, generation int, i order.Interpretation) order.ResultVersion {
	w.t.Helper()
	r := newReport(w.word())
	r.Interpretation = i
	r.Patient = &order.TestedPatient{FirstName: o.Patient.FirstName, LastName: o.Patient.LastName,
		DOB: o.Patient.DOB.String()}
	v, _, err := w.s.StoreLabReport(w.t.Context(), o.ID, generation, r, sha256Hex(w.word()), []byte(w.word()),
		[]byte(w.word()))
	require.NoError(w.t, err)
	return v
}
