package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func newKitWorld(t *testing.T, settings ...orderSetting) *orderHarness {
	t.Helper()
	return newLabHarness(t, withNeutralLab).newWorld(t, append([]orderSetting{asRegistrable}, settings...)...)
}

func TestAKitIsRegisteredAndTested(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t)
	w.factAt(day, order.FactKitShipped)
	w.courierFactAt(2*day, "outbound", lifecycle.WithCustomer)
	register := w.registerKit(3 * day)
	again := w.registerKit(4 * day)
	w.courierFactAt(5*day, "inbound", lifecycle.TransitLab)
	w.factAt(6*day, order.FactKitReceived)
	w.resultsAt(8*day, `{}`)
	w.factAt(8*day, order.FactReportReady)
	w.run()

	require.True(t, register.Done, "%s", register.Reason)
	require.Equal(t, order.ReasonAlreadyRegistered, again.Reason)
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.WithCustomer,
		lifecycle.Registered,
		lifecycle.RequisitionCreated, lifecycle.TransitLab, lifecycle.DeliveredToLab, lifecycle.Completed,
	}, w.statusHistory())
	o := w.order()
	require.Equal(t, "Okafor", o.Patient.LastName)
	require.NotEmpty(t, o.SampleID)
	require.Len(t, w.labCalls("neutral.place"), 1)
	require.Len(t, w.labCalls("neutral.register"), 1)
	body, err := w.store.DemandBody(context.Background(), register.id)
	require.NoError(t, err)
	require.Empty(t, body, "it has moved to the order")
}

// TestAppliedFactIsNotParkedAgain: an applied fact is signalled again, while the status would park a new fact.
func TestAppliedFactIsNotParkedAgain(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t, withScript("fail-register-3"))
	w.factAt(day, order.FactKitShipped)
	var arrived store.ReceivedItem
	w.at(2*day, func() {
		arrived = w.storeInboxItem(order.Fact{Kind: order.FactCourierReport, SentAt: w.now(), Leg: "outbound",
			TargetStatus: lifecycle.WithCustomer})
		w.wakeFor(arrived)
	})
	w.registerKit(3 * day)
	w.at(3*day+time.Second, func() {
		require.Equal(t, lifecycle.Registered, w.order().Status)
		w.wakeFor(arrived)
	})
	w.courierFactAt(5*day, "inbound", lifecycle.TransitLab)
	w.factAt(6*day, order.FactKitReceived)
	w.resultsAt(8*day, `{}`)
	w.factAt(8*day, order.FactReportReady)
	w.run()
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.WithCustomer,
		lifecycle.Registered,
		lifecycle.RequisitionCreated, lifecycle.TransitLab, lifecycle.DeliveredToLab, lifecycle.Completed,
	}, w.statusHistory())
	row, err := w.store.InboxItem(context.Background(), arrived.ID)
	require.NoError(t, err)
	require.Equal(t, store.InboxApplied, row.State)
}

// TestSampleReceivedBeforeRegistration: a sample that reaches the lab before its registration is not lost.
func TestSampleReceivedBeforeRegistration(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t)
	w.factAt(day, order.FactKitShipped)
	w.factAt(5*day, order.FactKitReceived)
	w.factAt(6*day, order.FactKitRejected, withRecoverable(true))
	w.registerKit(8 * day)
	w.runUntil(9 * day)
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.Registered,
		lifecycle.RequisitionCreated, lifecycle.DeliveredToLab,
	}, w.statusHistory())
	require.Equal(t, []string{"kit_shipped: applied", "kit_received: applied", "kit_rejected: late"}, w.factOutcomes())
	require.Empty(t, w.attention())
}

func TestAKitThatIsNotRegistered(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t)
	w.factAt(day, order.FactKitShipped)
	w.courierFactAt(2*day, "outbound", lifecycle.WithCustomer)
	w.factAt(10*day, order.FactKitReceived)
	late := w.registerKit(366 * day)
	w.run()
	require.Equal(t, lifecycle.DoNotProcess, w.order().Status)
	last := w.order().Events[len(w.order().Events)-1]
	require.Equal(t, day0.Add(365*day), last.RecordedAt)
	require.Equal(t, order.ReasonTransitionNotAllowed, late.Reason)
	require.Contains(t, w.attention(), order.AttentionUnregisteredSample)
}

// TestAKitThatIsLostAfterItsRegistration: the deadlines of the outbound leg apply after the registration.
func TestAKitThatIsLostAfterItsRegistration(t *testing.T) {
	t.Parallel()
	w := newKitWorld(t, withPolicy(func(p *order.Policy) { p.Replacement = order.ReplaceAuto }))
	w.factAt(day, order.FactKitShipped)
	w.courierFactAt(2*day, "outbound", lifecycle.OutForDelivery)
	w.registerKit(3 * day)
	w.run()
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.OutForDelivery,
		lifecycle.Registered,
		lifecycle.RequisitionCreated, lifecycle.Lost,
	}, w.statusHistory())
	last := w.order().Events[6]
	require.Equal(t, day0.Add(32*day), last.RecordedAt)
	require.Len(t, w.temporal.orders, 1)
	child, err := w.store.Order(context.Background(), "", w.temporal.orders[0])
	require.NoError(t, err)
	require.False(t, child.Registrable, "a kit that was registered is replaced by a registered testkit")
	require.Equal(t, "Okafor", child.Patient.LastName)
}

func TestAnImportedOrder(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t, withNeutralLab)
	w := c.newWorld(t, withModality(lifecycle.OnSite), asImported)
	draw := w.demandAt(hour, order.Demand{Kind: order.DemandDrawCompleted, By: lifecycle.Client})
	w.runUntil(2 * hour)
	require.True(t, draw.Done)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.RequisitionBypassed, lifecycle.DrawCompleted},
		w.statusHistory())
	require.Empty(t, w.labCalls("neutral.place"), "its requisition was made elsewhere")
	require.Equal(t, []string{webhookOrderCreated, webhookOrderUpdated, webhookOrderUpdated}, w.webhookTypes())
}

// TestDeadlinesOfEveryCollectionMethod checks the table of deadlines for all orders but testkits with a known patient.
func TestDeadlinesOfEveryCollectionMethod(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings []orderSetting
		happens  func(w *orderHarness)
		reason   order.AttentionReason
		since    time.Duration
	}{
		{"walk-in, no visit", []orderSetting{withModality(lifecycle.WalkIn)}, nil, order.AttentionVisitOverdue, 14 * day},
		{"phlebotomy without a booking", []orderSetting{withModality(lifecycle.AtHomePhlebotomy)}, nil,
			order.AttentionVisitOverdue, 14 * day},
		{"an appointment is cancelled", []orderSetting{withModality(lifecycle.WalkIn)}, func(w *orderHarness) {
			w.demandAt(hour, w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour))
			w.demandAt(day, cancelAppointmentDemand())
		}, order.AttentionVisitOverdue, 15 * day},
		{"no phlebotomist is assigned", []orderSetting{withModality(lifecycle.AtHomePhlebotomy), withZip("54650")},
			func(w *orderHarness) {
				w.demandAt(hour, w.requestAppointmentDemand())
			}, order.AttentionAppointmentUnassigned, 49 * hour},
		{"no draw is reported", []orderSetting{withModality(lifecycle.AtHomePhlebotomy)}, func(w *orderHarness) {
			w.demandAt(hour, w.bookingDemand(lifecycle.AtHomePhlebotomy, order.DemandBookAppointment, 54*hour))
		}, order.AttentionDrawUnreported, 79 * hour},
		{"no draw on site", []orderSetting{withModality(lifecycle.OnSite)}, nil, order.AttentionDrawUnreported, 14 * day},
		{"a drawn sample without results", []orderSetting{withModality(lifecycle.OnSite)}, func(w *orderHarness) {
			w.demandAt(hour, order.Demand{Kind: order.DemandDrawCompleted, By: lifecycle.Client})
		}, order.AttentionResultsOverdue, 14*day + hour},
		{"partial results", []orderSetting{withModality(lifecycle.WalkIn)}, func(w *orderHarness) {
			w.resultsAt(day, `{"status":"partial"}`)
			w.factAt(day, order.FactReportReady)
		}, order.AttentionResultsIncomplete, 15 * day},
		{"a kit that is not shipped", []orderSetting{asRegistrable}, nil, order.AttentionShipmentOverdue, 7 * day},
		{"a registration without a requisition", []orderSetting{asRegistrable, withScript("refuse-register")},
			func(w *orderHarness) {
				w.registerKit(day)
			}, order.AttentionRequisitionOverdue, day + 8*hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newLabHarness(t, withNeutralLab).newWorld(t, test.settings...)
			if test.happens != nil {
				test.happens(w)
			}
			w.runUntil(test.since - time.Minute)
			require.NotContains(t, w.attention(), test.reason)
			w.runUntil(test.since + 2*time.Minute)
			since, open := w.markSince(test.reason)
			require.True(t, open, "open are %v", w.attention())
			require.InDelta(t, test.since.Seconds(), since.Seconds(), 15)
		})
	}
}

// TestCorrectionIsSentToTheLab: an order is back in production once its lab has accepted the correction by a call.
func TestCorrectionIsSentToTheLab(t *testing.T) {
	t.Parallel()
	correctable := func(_ *simlab.Config, a *store.LabAccount) {
		a.Settings = []byte(`{"collection_methods":["testkit"],"correct":true}`)
	}
	for _, test := range []struct {
		name   string
		held   bool // the lab has blocked the kit; otherwise it accepts no other patient
		status lifecycle.LowStatus
		marks  []order.AttentionReason
	}{
		{"accepted", true, lifecycle.DeliveredToLab, []order.AttentionReason{}},
		{"refused", false, lifecycle.LabProcessingBlocked, []order.AttentionReason{order.AttentionTellLab}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newLabHarness(t, withNeutralLab, correctable).newWorld(t, withModality(lifecycle.Testkit))
			w.at(day, func() {
				if test.held {
					w.askLab("POST", "facts", `{"type":"sample_rejected","data":{"recoverable":true,"reason":"no date of birth"}}`)
				}
				w.reportFact(order.FactKitRejected, withRecoverable(true))
			})
			supply := w.newReply()
			w.at(2*day, func() {
				w.sendDemand(supply, operationsDemand(order.DemandRecover),
					[]byte(`{"patient_details":{"first_name":"Ines","last_name":"Okafor-Lee",
					"dob":"1988-11-30","gender":"female","phone_number":"+12535550142","email":"ines@example.org"}}`))
			})
			w.runUntil(2*day + 10*time.Minute)
			require.True(t, supply.Done)
			require.Equal(t, "Okafor-Lee", w.order().Patient.LastName)
			require.Equal(t, test.status, w.order().Status)
			require.Equal(t, test.marks, w.attention())
			require.NotEmpty(t, w.labCalls("neutral.register"))
			require.Nil(t, w.order().State.PendingCorrection)
		})
	}
}
