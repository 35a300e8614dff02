package simlab_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// Short names of facts of the neutral protocol: the type, and what differs between facts of the type.
var (
	sample      = "sample_received"
	draw        = "draw_completed"
	started     = "appointment in_progress"
	attended    = "appointment completed"
	scheduled   = "appointment confirmed"
	withdrawn   = "appointment pending"
	calledOff   = "appointment cancelled"
	spoilt      = "sample_rejected false"
	heldUp      = "sample_rejected true"
	atHome      = join(started, attended, draw)
	relayedTrip = join("outbound transit_customer", "outbound out_for_delivery", "outbound with_customer")
)

// factsByFlow are the facts of a flow until the lab has the sample, in "happy" and in other scripts.
var factsByFlow = map[string]struct{ happy, other []string }{
	simlab.FlowTestkit:     {join(shipped, outboundTrip, toLab, sample), join(shipped, outboundTrip, toLab, sample)},
	simlab.FlowRegistrable: {join(shipped, outboundTrip, toLab, sample), join(shipped, outboundTrip, toLab, sample)},
	simlab.FlowWalkIn:      {join(attended, sample), join(sample)},
	simlab.FlowPhlebotomy:  {join(atHome, sample), join(atHome, sample)},
	simlab.FlowOnSite:      {join(sample), join(sample)},
}

// expectedFlowFacts are the scripts of a flow that run to their end, with the facts that they send.
func expectedFlowFacts(flow string) map[string][]string {
	happy, other := factsByFlow[flow].happy, factsByFlow[flow].other
	var twice []string
	for _, fact := range join(other, report) {
		twice = append(twice, fact, fact)
	}
	tested := join(happy, report)
	if flow == simlab.FlowPhlebotomy {
		tested = join(happy, report, report)
	}
	emits := map[string][]string{
		"happy": tested, "fail-results-3": tested,
		"silent": nil, "refuse-cancel": nil, "unanswered-cancel": nil,
		"silent-after-sample": other, "send-twice": twice, "early-report": join(other, report),
		"out-of-order": join(other[:len(other)-1], report, sample),
		"partial":      join(other, report, report), "partial-twice": join(other, report, report, report),
		"partial-silent": join(other, report),
		"abnormal":       join(other, report), "critical": join(other, report),
		"critical-partial":  join(other, report, report),
		"missing-lab-fault": join(other, report), "missing-lab-fault-again": join(other, report),
		"missing-order-entry":   join(other, report),
		"missing-patient-fault": join(other, report), "no-results": join(other, report, report),
		"corrected":       join(other, report, report),
		"repeated-report": join(other, report, report), "sample-error": join(other, spoilt),
		"sample-error-in-words": join(other, spoilt),
		"reject-recoverable":    join(other, heldUp, sample, report), "reject-recoverable-silent": join(other, heldUp),
		"reject-twice-final": join(other, heldUp, spoilt),
	}
	emits["webhooks-lost"] = nil
	add := func(more map[string][]string) {
		for name, facts := range more {
			emits[name] = facts
		}
	}
	switch flow {
	case simlab.FlowTestkit:
		add(expectedTestkitFacts())
	case simlab.FlowRegistrable:
		add(expectedRegistrableFacts(tested))
	case simlab.FlowWalkIn:
		add(map[string][]string{"walk-in-no-appointment": join(sample, report)})
		add(expectedVisitFacts(tested, join(attended, sample, report)))
	case simlab.FlowPhlebotomy:
		add(map[string][]string{"draw-without-appointment": join(draw, sample, report), "draw-untold": join(sample, report)})
		add(expectedVisitFacts(tested, join(atHome, sample, report)))
	}
	return emits
}

func expectedTestkitFacts() map[string][]string {
	end := join("inbound transit_lab", "inbound delivered_to_lab", sample, report)
	return map[string][]string{
		"happy-lab-only":   join(shipped, sample, report),
		"lost-outbound":    expectedWebhooks()["lost-outbound"],
		"lost-inbound":     expectedWebhooks()["lost-inbound"],
		"failure-outbound": expectedWebhooks()["failure-outbound"],
		"failure-inbound":  expectedWebhooks()["failure-inbound"],
		"problem-outbound": join(shipped, toCustomer, "outbound in_transit transit_exception", outboundTrip, toLab,
			sample, report),
		"problem-inbound": join(shipped, outboundTrip, toLab, "inbound in_transit transit_exception", toLab, sample,
			report),
		"relayed": join(shipped, relayedTrip, end),
		"relayed-problem": join(shipped, relayedTrip[0], "outbound problem_in_transit_customer", relayedTrip,
			"inbound transit_lab", "inbound problem_in_transit_lab", end),
		"relayed-failure-outbound": join(shipped, relayedTrip[0], "outbound failure_to_deliver_to_customer"),
		"relayed-failure-inbound":  join(shipped, relayedTrip, "inbound transit_lab", "inbound failure_to_deliver_to_lab"),
		"relayed-lost-outbound":    join(shipped, relayedTrip[0], "outbound lost"),
		"relayed-lost-inbound":     join(shipped, relayedTrip, "inbound transit_lab", "inbound lost"),
	}
}

func expectedRegistrableFacts(happy []string) map[string][]string {
	return map[string][]string{
		"fail-register-3": happy, "unanswered-register": happy,
		"sample-before-registration":   happy,
		"rejected-before-registration": join(shipped, outboundTrip, toLab, sample, spoilt),
		"blocked-before-registration":  join(shipped, outboundTrip, toLab, sample, heldUp, report),
		"undelivered":                  join(shipped, toCustomer, "outbound return_to_sender"),
		"lost-outbound":                expectedWebhooks()["lost-outbound"],
		"relayed":                      join(shipped, relayedTrip, "inbound transit_lab", sample, report),
	}
}

func expectedVisitFacts(happy, tested []string) map[string][]string {
	return map[string][]string{
		"provider-withdraws": join(withdrawn, scheduled, tested), "provider-reschedules": join(scheduled, tested),
		"no-show":      nil,
		"book-pending": join(scheduled, happy), "fail-book-3": happy, "slow-book-3": nil, "refuse-reschedule": happy,
		"book-unanswered": happy,
	}
}

// scriptsWithOwnTests are scripts that need more than an appointment or a registration to continue.
var scriptsWithOwnTests = []string{
	"fail-place-3", "refuse-place", "timeout-after-accept", "slow-place-3", "refuse-register",
	"reject-recoverable-corrected",
	"provider-cancels", "provider-declines", "unconfirmed", "book-refused", "book-slot-gone", "slow-book-3",
}

func describeFact(state orderState, r receivedWebhook) string {
	if r.path != "/neutral" {
		return describe(state, r)
	}
	kind, data := r.fields["type"].(string), r.fields["data"].(map[string]any)
	switch kind {
	case "transit":
		return data["leg"].(string) + " " + data["status"].(string)
	case "appointment":
		return kind + " " + data["status"].(string)
	case "sample_rejected":
		return kind + map[bool]string{true: " true", false: " false"}[data["recoverable"].(bool)]
	}
	return kind
}

func (w *testLab) factNames(state orderState) (names []string) {
	for _, r := range w.webhooks() {
		names = append(names, describeFact(state, r))
	}
	return names
}

func TestEveryFlowScriptIsExpected(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/sandbox.md")
	require.NoError(t, err)
	documented := map[string]bool{}
	for i, part := range strings.Split(string(page), "`") {
		documented[part] = documented[part] || i%2 == 1
	}
	for _, flow := range simlab.Flows() {
		want := expectedFlowFacts(flow)
		names := map[string]bool{}
		for _, script := range simlab.FlowScripts(flow) {
			require.False(t, names[script.Name], "%s twice: %s", flow, script.Name)
			names[script.Name] = true
			require.NotEmpty(t, script.Description, script.Name)
			require.True(t, documented[script.Name], script.Name)
			found, ok := simlab.FlowScript(flow, script.Name)
			require.True(t, ok, script.Name)
			require.Equal(t, script, found)
			if _, expected := want[script.Name]; !expected {
				require.Contains(t, scriptsWithOwnTests, script.Name, flow)
			}
		}
		for name := range want {
			require.True(t, names[name], "%s: %s", flow, name)
		}
	}
	for _, name := range []string{"", "hapy", "fail-place-x", "fail-place-1001", "slow-place-601"} {
		_, ok := simlab.FlowScript(simlab.FlowWalkIn, name)
		require.False(t, ok, name)
	}
	for flow, name := range map[string]string{simlab.FlowOnSite: "fail-book-2", "": "happy",
		simlab.FlowTestkit: "walk-in-no-appointment"} {
		_, ok := simlab.FlowScript(flow, name)
		require.False(t, ok, name)
	}
	script, ok := simlab.FlowScript(simlab.FlowPhlebotomy, "fail-book-7")
	require.True(t, ok)
	require.Equal(t, 7, script.Book.Unavailable)
}

func TestFlowScriptsSend(t *testing.T) {
	t.Parallel()
	for _, flow := range simlab.Flows() {
		for name, want := range expectedFlowFacts(flow) {
			if slices.Contains(scriptsWithOwnTests, name) {
				continue
			}
			t.Run(flow+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newNeutralLab(t)
				w.placeOnSite(flow, "sandbox:"+name)
				w.satisfyConditions(flow)
				var state orderState
				w.await(func() bool { state = w.order("N1"); return !state.Running && len(w.webhooks()) >= len(want) })
				require.Equal(t, name, state.Script)
				require.Equal(t, want, w.factNames(state))
				w.verifiedWebhooks()
				require.Len(t, state.Webhooks, len(want))
			})
		}
	}
}

// satisfyConditions meets the conditions of the order's script until it has ended: it books appointments, or registers
// the kit.
func (w *testLab) satisfyConditions(flow string) {
	w.t.Helper()
	method, path, body := http.MethodPut, "/orders/N1/patient", neutralOrderBody("N1", simlab.FlowTestkit, "")
	switch flow {
	case simlab.FlowWalkIn, simlab.FlowPhlebotomy:
		path, body = "/orders/N1/appointments/a1", bookingBody(flow, w.freeSlot(flow))
	case simlab.FlowRegistrable:
	default:
		return
	}
	w.await(func() bool {
		status, _, err := w.sendSigned(accountName, method, path, body)
		return err == nil && (status == http.StatusCreated || status == http.StatusOK)
	})
}
