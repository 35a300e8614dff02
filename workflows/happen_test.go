package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// fact lets the lab report something that has just happened: into the inbox, and signalled. edit changes it before it is kept.
func (w *world) fact(after time.Duration, kind order.FactKind, edit ...func(*order.Fact)) {
	w.at(after, func() { w.report(kind, edit...) })
}

func (w *world) report(kind order.FactKind, edit ...func(*order.Fact)) {
	w.t.Helper()
	f := order.Fact{Kind: kind, SentAt: w.now()}
	if kind == order.KitShipped {
		f.Outbound, f.Inbound = w.tracking("outbound"), w.tracking("inbound")
	}
	for _, e := range edit {
		e(&f)
	}
	w.signal(w.receive(f))
}

// receive keeps a report in the inbox, as the endpoints for partners do: a lab's names the order, a courier's a tracking number.
func (w *world) receive(f order.Fact) store.Received {
	w.t.Helper()
	body, err := json.Marshal(f)
	require.NoError(w.t, err)
	r := store.Report{
		Partner: molecular.Partner, Key: w.number + string(f.Kind) + f.SentAt.Format(time.RFC3339Nano), Hash: string(body),
		Kind: string(f.Kind), Body: body, ReceivedAt: w.now(),
	}
	if f.Kind != order.CourierReport {
		r.OrderNumber, r.Fact = w.number, &f
	} else {
		r.Partner, r.Key, r.Tracking = "courier", r.Key+f.Leg+string(f.Target), w.tracking(f.Leg)
		r.Legs = func(leg string) *order.Fact {
			if leg != f.Leg {
				return nil
			}
			return &f
		}
	}
	got, err := w.store.Receive(context.Background(), r)
	require.NoError(w.t, err)
	return got
}

// signal tells the run of a report that is new and has found its order.
func (w *world) signal(got store.Received) {
	if !got.Duplicate && got.Fact != nil {
		w.env.SignalWorkflow(dispatch.SignalFact, *got.Fact)
	}
}

// tracking is the order's number with the courier on a leg.
func (w *world) tracking(leg string) string {
	if leg == "inbound" {
		return fmt.Sprintf("92%019d1", w.parcel)
	}
	return fmt.Sprintf("92%019d0", w.parcel)
}

func recoverable(yes bool) func(*order.Fact) {
	return func(f *order.Fact) { f.Recoverable = &yes }
}

func sentAt(after time.Duration) func(*order.Fact) {
	return func(f *order.Fact) { f.SentAt = day0.Add(after) }
}

func accession(id string) func(*order.Fact) {
	return func(f *order.Fact) { f.Accession = id }
}

// courier lets the courier report something on a leg.
func (w *world) courier(after time.Duration, leg string, to lifecycle.Low, edit ...func(*order.Fact)) {
	w.fact(after, order.CourierReport, append([]func(*order.Fact){func(f *order.Fact) { f.Leg, f.Target = leg, to }}, edit...)...)
}

// reply is what became of a demand.
type reply struct {
	order.Answer
	Answered bool      // an answer came
	At       time.Time // when

	id       string
	now      func() time.Time
	err      error
	accepted chan struct{} // closed once the handler has begun
}

// demand asks something of the order.
func (w *world) demand(after time.Duration, d order.Demand) *reply {
	r := w.newReply()
	w.at(after, func() { w.ask(r, d, nil) })
	return r
}

func (w *world) newReply() *reply {
	r := &reply{id: uuid.NewString(), now: w.now, accepted: make(chan struct{})}
	w.replies = append(w.replies, r)
	return r
}

// meanwhile does something from outside the run, such as from a lab's handler, while the run goes on.
func (w *world) meanwhile(do func()) { w.env.RegisterDelayedCallback(do, 0) }

func (w *world) ask(r *reply, d order.Demand, body []byte) {
	d.ID = r.id
	require.NoError(w.t, w.store.AddDemand(context.Background(), store.DemandRow{
		ID: d.ID, OrderID: w.orderID, Kind: d.Kind, By: d.By, Body: body,
	}))
	w.env.UpdateWorkflow(dispatch.UpdateDemand, d.ID, r, d)
}

// Accept implements the test environment's callbacks.
func (r *reply) Accept() { close(r.accepted) }

// Reject takes a validator's refusal.
func (r *reply) Reject(err error) {
	answer, ok := dispatch.Refused(err)
	if !ok {
		r.err = err
		return
	}
	r.Answer, r.Answered, r.At = answer, true, r.now()
}

// Complete takes the handler's answer. It runs inside a workflow, where a test must not fail: world.check does.
func (r *reply) Complete(success any, err error) {
	answer, ok := success.(order.Answer)
	r.Answer, r.err = answer, err
	r.Answered, r.At = ok && err == nil, r.now()
}

func cancel() order.Demand { return order.Demand{Kind: order.DemandCancel, By: lifecycle.Client} }

func byOperations(kind order.DemandKind) order.Demand {
	return order.Demand{Kind: kind, By: lifecycle.Operations}
}

func scheduleFor(d order.Date, zone *time.Location) order.Demand {
	return order.Demand{Kind: order.DemandActivate, By: lifecycle.Client, ActivateBy: d.String(), ActivateAt: d.Start(zone)}
}

// results lets the lab have results; another call makes another version. `{}` generates them.
func (w *world) results(after time.Duration, body string) {
	w.at(after, func() { w.putLab("results", body) })
}

// script replaces what the lab's simulation does with the order.
func (w *world) script(after time.Duration, name string) {
	w.at(after, func() { w.putLab("script", `{"script":"`+name+`"}`) })
}

// shipAtLab lets the lab ship without telling anybody.
func (w *world) shipAtLab() {
	w.t.Helper()
	require.Equal(w.t, http.StatusBadGateway, w.askLab(http.MethodPost, "facts", `{"type":"kit_shipped"}`), "nobody hears its webhook")
}

func (w *world) putLab(what, body string) {
	w.t.Helper()
	require.Less(w.t, w.askLab(http.MethodPut, what, body), 300)
}

func (w *world) askLab(method, what, body string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method,
		w.labHTTP.URL+"/sandbox/orders/"+w.number+"/"+what, bytes.NewBufferString(body))
	require.NoError(w.t, err)
	req.Header.Set("user", labUser)
	req.Header.Set("token", labToken)
	res, err := w.labHTTP.Client().Do(req)
	require.NoError(w.t, err)
	require.NoError(w.t, res.Body.Close())
	return res.StatusCode
}
