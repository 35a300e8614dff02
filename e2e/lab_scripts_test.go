package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The statuses of kits without problems.
const (
	placedEvents    = "ordered requisition_created"
	shippedEvents   = placedEvents + " transit_customer"
	fullWayToLab    = shippedEvents + " out_for_delivery with_customer transit_lab"
	receivedEvents  = shippedEvents + " delivered_to_lab"
	completedEvents = fullWayToLab + " delivered_to_lab completed"
)

// scriptCase is a script of the simulated lab with its expected effects.
type scriptCase struct {
	script    string
	events    string
	detail    string   // of the last event
	attention []string // the open attention marks
	deadline  string   // the next deadline, for a lab that has become silent
}

// scriptCases are the scripts of the simulated lab. The scripts early-report and no-observations need the second
// attempt of the fetch schedule, one minute later. Tests that skip time cover them, and the deadlines of the silent
// scripts.
var scriptCases = []scriptCase{
	{script: "happy", events: completedEvents},
	{script: "happy-lab-only", events: receivedEvents + " completed"},
	{script: "silent", events: placedEvents, deadline: "shipment_overdue"},
	{script: "silent-after-shipped", events: shippedEvents, deadline: "outbound_overdue"},
	{script: "send-twice", events: completedEvents},
	{script: "send-late", events: placedEvents + " delivered_to_lab completed"},
	{script: "out-of-order", events: placedEvents + " delivered_to_lab completed"},
	{script: "reject-recoverable", events: receivedEvents + " lab_processing_blocked delivered_to_lab completed"},
	{script: "reject-recoverable-results", events: receivedEvents + " lab_processing_blocked completed"},
	{
		script: "reject-recoverable-silent", events: receivedEvents + " lab_processing_blocked",
		attention: []string{"recovery_needed"}, deadline: "recovery_reminder_1",
	},
	{
		script: "reject-final", events: receivedEvents + " sample_error", detail: "sample_quantity_not_sufficient",
		attention: []string{"replacement_needed"},
	},
	{
		script: "reject-twice-final", events: receivedEvents + " lab_processing_blocked sample_error",
		detail:    "sample_quantity_not_sufficient",
		attention: []string{"replacement_needed"},
	},
	{script: "lost-outbound", events: shippedEvents + " lost", attention: []string{"replacement_needed"}},
	{script: "lost-inbound", events: fullWayToLab + " lost", attention: []string{"replacement_needed"}},
	{
		script: "problem-outbound",
		events: shippedEvents +
			" problem_in_transit_customer transit_customer out_for_delivery with_customer transit_lab delivered_to_lab" +
			" completed",
	},
	{script: "problem-inbound", events: fullWayToLab + " problem_in_transit_lab transit_lab delivered_to_lab completed"},
	{script: "failure-outbound", events: shippedEvents + " failure_to_deliver_to_customer",
		attention: []string{"replacement_needed"}},
	{script: "failure-inbound", events: fullWayToLab + " failure_to_deliver_to_lab",
		attention: []string{"replacement_needed"}},
	{script: "fail-place-2", events: completedEvents},
	{script: "timeout-after-accept", events: completedEvents},
}

func TestScriptsEndAsTheContractSays(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true})
	for _, r := range scriptCases {
		t.Run(r.script, func(t *testing.T) { t.Parallel(); s.forSubtest(t).runScriptCase(r) })
	}
}

func TestScriptsEndTheSameOnPostgres(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true, postgres: true})
	for _, r := range scriptCases {
		switch r.script {
		case "happy", "send-twice", "out-of-order", "reject-twice-final", "lost-inbound":
			t.Run(r.script, func(t *testing.T) { t.Parallel(); s.forSubtest(t).runScriptCase(r) })
		}
	}
}

// runScriptCase runs a script at the lab and checks the end of the order.
func (s *system) runScriptCase(r scriptCase) {
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:" + r.script})
	o := s.awaitEvents(id, r.events)
	require.Equal(s.t, r.detail, o.Events[len(o.Events)-1].Detail)
	ops := s.awaitAttention(id, r.attention...)
	if r.deadline != "" {
		require.Contains(s.t, ops.deadlines(), r.deadline)
	}
	s.requireInboxResolved(id)
}

// requireInboxResolved checks that every fact about the order is in the inbox, and that the workflow has recorded its
// outcome.
func (s *system) requireInboxResolved(id string) {
	s.t.Helper()
	number := s.labOrderNumber(id)
	sent := map[string]int{}
	for _, w := range s.lab.Traffic().WebhookAttemptsFor(number) {
		require.Contains(s.t, []int{http.StatusOK, http.StatusAccepted}, w.Status, "%s", w.Type)
		sent[w.Type]++
	}
	kept := map[string]int{}
	s.await(func() bool {
		clear(kept)
		for _, f := range s.story(id).Facts {
			if f.State == "received" || f.State == "signalled" || f.State == "parked" {
				return false
			}
			kind := f.Kind
			if kind == "tracker" {
				kind = "courier"
			}
			kept[kind] += f.Deliveries
		}
		return true
	}, "order %s has inbox items that are not resolved", id)
	require.Equal(s.t, sent, kept)
}

func TestADuplicateWebhookIsCountedAndDoesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:send-twice"})
	s.awaitEvents(id, completedEvents)
	s.requireInboxResolved(id)
	for _, f := range s.story(id).Facts {
		require.Equal(t, 2, f.Deliveries, "%s", f.Kind)
	}
}

func TestAPlacementKeepsItsNumberUntilTheLabHasIt(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{}) // a lab that reports nothing; a fact would prove that it has the requisition
	for script, want := range map[string][]string{
		"fail-place-2":           {"unavailable", "unavailable", "accepted"},
		"timeout-after-accept-1": {"dropped", "duplicate"},
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			s := s.forSubtest(t)
			id := s.placeOrder(map[string]any{"passthrough": "sandbox:" + script})
			s.awaitEvents(id, placedEvents)
			var outcomes []string
			s.await(func() bool {
				outcomes = nil
				for _, c := range s.lab.Traffic().CallsFor(s.labOrderNumber(id)) {
					if c.Operation == "PlaceOrder" {
						outcomes = append(outcomes, c.Orders[0].Outcome)
					}
				}
				return len(outcomes) >= len(want)
			}, "calls of order %s", id)
			require.Equal(t, want, outcomes)
		})
	}
}

func TestAReportIsCorrected(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:happy-lab-only"})
	s.awaitEvents(id, receivedEvents+" completed")
	first := s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil)

	// These are the steps that the script "correct" adds. Without waiting, the script itself would publish the correction
	// before the first report is fetched, so that there would be no correction.
	s.putScript(id, map[string]any{"steps": []map[string]any{{"kind": "results"}, {"kind": "report_ready"}}})
	s.awaitEvents(id, receivedEvents+" completed corrected")
	second := s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil)
	require.Equal(t, http.StatusOK, second.Status)
	require.NotEqual(t, string(first.Body), string(second.Body))

	// The same report is announced again: the order does not change.
	s.sendFact(id, "report_ready")
	s.await(func() bool { return len(s.story(id).outcomes("results")) == 3 }, "the third report was not fetched")
	s.requireInboxResolved(id)
	s.awaitEvents(id, receivedEvents+" completed corrected")
}

func TestARefusedPlacementIsTriedAgainByOperations(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:refuse-place"})
	o := s.awaitAttention(id, "placement_refused")
	require.Equal(t, "received.testkit.ordered", o.FullStatus)
	r := s.callAsOperations(http.MethodGet, "/ops/orders?attention=placement_refused", nil)
	require.Contains(t, string(r.Body), id)

	s.putScript(id, map[string]any{"script": "happy-lab-only"})
	s.sendOperationsDemand(id, "place", nil)
	s.awaitEvents(id, receivedEvents+" completed")
	s.awaitAttention(id)
	require.Equal(t, []string{"refused:refused_by_lab", "done"}, s.story(id).outcomes("place"))
}
