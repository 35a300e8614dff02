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

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// factAt has the lab report something that has just happened: the fact is stored in the inbox, and the run is woken.
// edit changes it before it is stored.
func (w *orderHarness) factAt(after time.Duration, kind order.FactKind, edit ...func(*order.Fact)) {
	w.at(after, func() { w.reportFact(kind, edit...) })
}

func (w *orderHarness) reportFact(kind order.FactKind, edit ...func(*order.Fact)) {
	w.t.Helper()
	f := order.Fact{Kind: kind, SentAt: w.now()}
	if kind == order.FactKitShipped {
		f.OutboundNumber, f.InboundNumber = w.trackingNumber("outbound"), w.trackingNumber("inbound")
	}
	for _, e := range edit {
		e(&f)
	}
	w.wakeFor(w.storeInboxItem(f))
}

// storeInboxItem stores an inbox item as the endpoints for partners do: a lab's names the order, a courier's a tracking
// number.
func (w *orderHarness) storeInboxItem(f order.Fact) store.ReceivedItem {
	w.t.Helper()
	body, err := json.Marshal(f)
	require.NoError(w.t, err)
	r := store.NewInboxItem{
		Partner: molecular.Partner, DedupKey: w.number + string(f.Kind) + f.SentAt.Format(time.RFC3339Nano),
		BodyHash: string(body),
		Kind:     string(f.Kind), Body: body, ReceivedAt: w.now(),
	}
	if f.Kind != order.FactCourierReport {
		r.OrderNumber, r.Fact = w.number, &f
	} else {
		r.Partner, r.DedupKey, r.TrackingNumber = "courier", r.DedupKey+f.Leg+string(f.TargetStatus), w.trackingNumber(f.Leg)
		r.FactByLeg = func(leg string) *order.Fact {
			if leg != f.Leg {
				return nil
			}
			return &f
		}
	}
	got, err := w.store.StoreInboxItem(context.Background(), r)
	require.NoError(w.t, err)
	return got
}

// wakeFor wakes the run because of a new inbox item that has found its order.
func (w *orderHarness) wakeFor(got store.ReceivedItem) {
	if !got.Duplicate && got.Fact != nil {
		w.env.SignalWorkflow(dispatch.SignalWake, dispatch.Wake{Kind: dispatch.WakeFact, InboxID: got.ID})
	}
}

// trackingNumber returns the order's tracking number on a leg.
func (w *orderHarness) trackingNumber(leg string) string {
	if leg == "inbound" {
		return fmt.Sprintf("92%019d1", w.parcelNumber)
	}
	return fmt.Sprintf("92%019d0", w.parcelNumber)
}

func withRecoverable(yes bool) func(*order.Fact) {
	return func(f *order.Fact) { f.Recoverable = &yes }
}

func withSentAt(after time.Duration) func(*order.Fact) {
	return func(f *order.Fact) { f.SentAt = day0.Add(after) }
}

func withAccession(id string) func(*order.Fact) {
	return func(f *order.Fact) { f.Accession = id }
}

// courierFactAt has the courier report something on a leg.
func (w *orderHarness) courierFactAt(after time.Duration, leg string, to lifecycle.LowStatus,
	edit ...func(*order.Fact)) {
	w.factAt(after, order.FactCourierReport,
		append([]func(*order.Fact){func(f *order.Fact) { f.Leg, f.TargetStatus = leg, to }}, edit...)...)
}

// demandReply is the answer to a demand.
type demandReply struct {
	order.DemandAnswer
	Answered bool      // an answer arrived
	At       time.Time // when it arrived

	id       string
	now      func() time.Time
	err      error
	accepted chan struct{} // closed once the handler has started
}

// demandAt makes a demand on the order.
func (w *orderHarness) demandAt(after time.Duration, d order.Demand) *demandReply {
	r := w.newReply()
	w.at(after, func() { w.sendDemand(r, d, nil) })
	return r
}

func (w *orderHarness) newReply() *demandReply {
	r := &demandReply{id: uuid.NewString(), now: w.now, accepted: make(chan struct{})}
	w.replies = append(w.replies, r)
	return r
}

// meanwhile does something outside the run, such as in a lab's handler, while the run goes on.
func (w *orderHarness) meanwhile(do func()) { w.env.RegisterDelayedCallback(do, 0) }

func (w *orderHarness) sendDemand(r *demandReply, d order.Demand, body []byte) {
	d.ID = r.id
	require.NoError(w.t, w.store.AddDemand(context.Background(), store.DemandRow{
		ID: d.ID, OrderID: w.orderID, Kind: d.Kind, By: d.By, Request: d, Body: body,
	}))
	w.env.UpdateWorkflow(dispatch.UpdateDemand, d.ID, r, d)
}

// Accept implements the test environment's callbacks.
func (r *demandReply) Accept() { close(r.accepted) }

// Reject implements the test environment's callbacks. The workflow rejects no update.
func (r *demandReply) Reject(err error) { r.err = err }

// Complete receives the handler's answer. It runs inside a workflow, where a test must not fail: orderHarness.check
// does.
func (r *demandReply) Complete(success any, err error) {
	answer, ok := success.(order.DemandAnswer)
	r.DemandAnswer, r.err = answer, err
	r.Answered, r.At = ok && err == nil, r.now()
}

func cancelDemand() order.Demand { return order.Demand{Kind: order.DemandCancel, By: lifecycle.Client} }

func operationsDemand(kind order.DemandKind) order.Demand {
	return order.Demand{Kind: kind, By: lifecycle.Operations}
}

func activationDemand(d order.Date, zone *time.Location) order.Demand {
	return order.Demand{Kind: order.DemandActivate, By: lifecycle.Client, ActivateBy: d.String(),
		ActivateAt: d.Start(zone)}
}

// resultsAt gives the lab results. Another call makes another version. `{}` generates them.
func (w *orderHarness) resultsAt(after time.Duration, body string) {
	w.at(after, func() { w.putLab("results", body) })
}

// scriptAt replaces the simulated lab's script of the order.
func (w *orderHarness) scriptAt(after time.Duration, name string) {
	w.at(after, func() { w.putLab("script", `{"script":"`+name+`"}`) })
}

// shipAtLab has the lab ship without a report.
func (w *orderHarness) shipAtLab() {
	w.t.Helper()
	require.Equal(w.t, http.StatusBadGateway, w.askLab(http.MethodPost, "facts", `{"type":"kit_shipped"}`),
		"its webhook is lost")
}

func (w *orderHarness) putLab(what, body string) {
	w.t.Helper()
	require.Less(w.t, w.askLab(http.MethodPut, what, body), 300)
}

func (w *orderHarness) askLab(method, what, body string) int {
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
