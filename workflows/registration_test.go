package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/sandbox"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func newKitWorld(t *testing.T, settings ...setting) *world {
	t.Helper()
	return newClinic(t, withNeutralLab).newWorld(t, append([]setting{unregistered}, settings...)...)
}

func TestAKitIsRegisteredAndTested(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t)
	w.fact(day, order.KitShipped)
	w.courier(2*day, "outbound", lifecycle.WithCustomer)
	register := w.registerKit(3 * day)
	again := w.registerKit(4 * day)
	w.courier(5*day, "inbound", lifecycle.TransitLab)
	w.fact(6*day, order.KitReceived)
	w.results(8*day, `{}`)
	w.fact(8*day, order.ReportReady)
	w.run()

	require.True(t, register.Done, "%s", register.Reason)
	require.Equal(t, order.ReasonRegistered, again.Reason)
	require.Equal(t, []lifecycle.Low{
		lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.WithCustomer, lifecycle.Registered,
		lifecycle.RequisitionCreated, lifecycle.TransitLab, lifecycle.DeliveredToLab, lifecycle.Completed,
	}, w.history())
	o := w.order()
	require.Equal(t, "Okafor", o.Patient.LastName)
	require.NotEmpty(t, o.SampleID)
	require.Len(t, w.labCalls("neutral.place"), 1)
	require.Len(t, w.labCalls("neutral.register"), 1)
	body, err := w.store.DemandBody(context.Background(), register.id)
	require.NoError(t, err)
	require.Empty(t, body, "it has moved to the order")
}

// A report is signalled again, as it is after a fault, while the order stands where a new one would have to wait: this one has had its turn.
func TestAReportThatWasAppliedDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t, withScript("fail-register-3"))
	w.fact(day, order.KitShipped)
	var arrived store.Received
	w.at(2*day, func() {
		arrived = w.receive(order.Fact{Kind: order.CourierReport, SentAt: w.now(), Leg: "outbound", Target: lifecycle.WithCustomer})
		w.signal(arrived)
	})
	w.registerKit(3 * day)
	w.at(3*day+time.Second, func() {
		require.Equal(t, lifecycle.Registered, w.order().Status)
		w.signal(arrived)
	})
	w.courier(5*day, "inbound", lifecycle.TransitLab)
	w.fact(6*day, order.KitReceived)
	w.results(8*day, `{}`)
	w.fact(8*day, order.ReportReady)
	w.run()
	require.Equal(t, []lifecycle.Low{
		lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.WithCustomer, lifecycle.Registered,
		lifecycle.RequisitionCreated, lifecycle.TransitLab, lifecycle.DeliveredToLab, lifecycle.Completed,
	}, w.history())
	row, err := w.store.InboxItem(context.Background(), arrived.ID)
	require.NoError(t, err)
	require.Equal(t, store.InboxApplied, row.State)
}

// A sample that reaches the lab before its kit is registered is not lost: the order goes on by itself.
func TestASampleThatWasFasterThanItsRegistration(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t)
	w.fact(day, order.KitShipped)
	w.fact(5*day, order.KitReceived)
	w.fact(6*day, order.KitRejected, recoverable(true))
	w.registerKit(8 * day)
	w.runUntil(9 * day)
	require.Equal(t, []lifecycle.Low{
		lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.Registered,
		lifecycle.RequisitionCreated, lifecycle.DeliveredToLab,
	}, w.history())
	require.Equal(t, []string{"kit_shipped: applied", "kit_received: applied", "kit_rejected: late"}, w.fates())
	require.Empty(t, w.attention())
}

func TestAKitThatIsNotRegistered(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t)
	w.fact(day, order.KitShipped)
	w.courier(2*day, "outbound", lifecycle.WithCustomer)
	w.fact(10*day, order.KitReceived)
	late := w.registerKit(366 * day)
	w.run()
	require.Equal(t, lifecycle.DoNotProcess, w.order().Status)
	last := w.order().Events[len(w.order().Events)-1]
	require.Equal(t, day0.Add(365*day), last.RecordedAt)
	require.Equal(t, order.ReasonTransition, late.Reason)
	require.Contains(t, w.attention(), order.UnregisteredKit)
}

// The outbound leg's deadlines run on after the registration.
func TestAKitThatIsLostAfterItsRegistration(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t, withPolicy(func(p *order.Policy) { p.Replacement = order.ReplaceAuto }))
	w.fact(day, order.KitShipped)
	w.courier(2*day, "outbound", lifecycle.OutForDelivery)
	w.registerKit(3 * day)
	w.run()
	require.Equal(t, []lifecycle.Low{
		lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.Registered,
		lifecycle.RequisitionCreated, lifecycle.Lost,
	}, w.history())
	last := w.order().Events[6]
	require.Equal(t, day0.Add(32*day), last.RecordedAt)
	require.Len(t, w.started.orders, 1)
	child, err := w.store.Order(context.Background(), "", w.started.orders[0])
	require.NoError(t, err)
	require.False(t, child.Registrable, "a kit that was registered is replaced by a registered testkit")
	require.Equal(t, "Okafor", child.Patient.LastName)
}

func TestAnImportedOrder(t *testing.T) {
	t.Parallel()
	c := newClinic(t, withNeutralLab)
	w := c.newWorld(t, collectedBy(lifecycle.OnSite), importedOrder)
	draw := w.demand(hour, order.Demand{Kind: order.DemandDraw, By: lifecycle.Client})
	w.runUntil(2 * hour)
	require.True(t, draw.Done)
	require.Equal(t, []lifecycle.Low{lifecycle.Ordered, lifecycle.RequisitionBypassed, lifecycle.DrawCompleted}, w.history())
	require.Empty(t, w.labCalls("neutral.place"), "its requisition was made elsewhere")
	require.Equal(t, []string{toldCreated, toldUpdated, toldUpdated}, w.told())
}

// The deadlines table, for what is not a testkit whose patient is known.
func TestDeadlinesOfEveryCollectionMethod(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings []setting
		happens  func(w *world)
		reason   order.AttentionReason
		since    time.Duration
	}{
		{"walk-in, nobody comes", []setting{collectedBy(lifecycle.WalkIn)}, nil, order.VisitOverdue, 14 * day},
		{"phlebotomy, nobody books", []setting{collectedBy(lifecycle.AtHomePhlebotomy)}, nil, order.VisitOverdue, 14 * day},
		{"an appointment is cancelled", []setting{collectedBy(lifecycle.WalkIn)}, func(w *world) {
			w.demand(hour, w.booking(lifecycle.WalkIn, order.DemandBook, 50*hour))
			w.demand(day, dropVisit())
		}, order.VisitOverdue, 15 * day},
		{"nobody is assigned", []setting{collectedBy(lifecycle.AtHomePhlebotomy), livingIn("54650")}, func(w *world) {
			w.demand(hour, w.requestedVisit())
		}, order.Unassigned, 49 * hour},
		{"no draw is reported", []setting{collectedBy(lifecycle.AtHomePhlebotomy)}, func(w *world) {
			w.demand(hour, w.booking(lifecycle.AtHomePhlebotomy, order.DemandBook, 54*hour))
		}, order.DrawUnreported, 79 * hour},
		{"no draw on site", []setting{collectedBy(lifecycle.OnSite)}, nil, order.DrawUnreported, 14 * day},
		{"a drawn sample without results", []setting{collectedBy(lifecycle.OnSite)}, func(w *world) {
			w.demand(hour, order.Demand{Kind: order.DemandDraw, By: lifecycle.Client})
		}, order.ResultsOverdue, 14*day + hour},
		{"partial results", []setting{collectedBy(lifecycle.WalkIn)}, func(w *world) {
			w.results(day, `{"status":"partial"}`)
			w.fact(day, order.ReportReady)
		}, order.ResultsIncomplete, 15 * day},
		{"a kit that nobody ships", []setting{unregistered}, nil, order.ShipmentOverdue, 7 * day},
		{"a registration without a requisition", []setting{unregistered, withScript("refuse-register")}, func(w *world) {
			w.registerKit(day)
		}, order.RequisitionOverdue, day + 8*hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newClinic(t, withNeutralLab).newWorld(t, test.settings...)
			if test.happens != nil {
				test.happens(w)
			}
			w.runUntil(test.since - time.Minute)
			require.NotContains(t, w.attention(), test.reason)
			w.runUntil(test.since + 2*time.Minute)
			since, open := w.since(test.reason)
			require.True(t, open, "open are %v", w.attention())
			require.InDelta(t, test.since.Seconds(), since.Seconds(), 15)
		})
	}
}

// Where the lab can be told by a call what was missing, the order is back in production once it has accepted that.
func TestALabIsToldWhatWasMissing(t *testing.T) {
	t.Parallel()
	correctable := func(_ *sandbox.Config, a *store.LabAccount) {
		a.Settings = []byte(`{"collection_methods":["testkit"],"correct":true}`)
	}
	for _, test := range []struct {
		name   string
		held   bool // the lab knows that it holds the kit up; otherwise it takes nobody else for its patient
		status lifecycle.Low
		marks  []order.AttentionReason
	}{
		{"accepted", true, lifecycle.DeliveredToLab, []order.AttentionReason{}},
		{"refused", false, lifecycle.LabProcessingBlocked, []order.AttentionReason{order.TellLab}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newClinic(t, withNeutralLab, correctable).newWorld(t, collectedBy(lifecycle.Testkit))
			w.at(day, func() {
				if test.held {
					w.askLab("POST", "facts", `{"type":"sample_rejected","data":{"recoverable":true,"reason":"no date of birth"}}`)
				}
				w.report(order.KitRejected, recoverable(true))
			})
			supply := w.newReply()
			w.at(2*day, func() {
				w.ask(supply, byOperations(order.DemandRecover), []byte(`{"patient_details":{"first_name":"Ines","last_name":"Okafor-Lee",
					"dob":"1988-11-30","gender":"female","phone_number":"+12535550142","email":"ines@example.org"}}`))
			})
			w.runUntil(2*day + 10*time.Minute)
			require.True(t, supply.Done)
			require.Equal(t, "Okafor-Lee", w.order().Patient.LastName)
			require.Equal(t, test.status, w.order().Status)
			require.Equal(t, test.marks, w.attention())
			require.NotEmpty(t, w.labCalls("neutral.register"))
			require.Nil(t, w.order().State.Correcting)
		})
	}
}
