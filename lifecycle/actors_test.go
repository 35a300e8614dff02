package lifecycle

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contractActors says who may ask for what, written by hand: an actor, the targets, and the statuses from which it may
// ask. * means all statuses from which order-lifecycle#edges lists the edge.
var contractActors = map[MachineName]string{
	"testkit": `
client cancelled: *
operations cancelled do_not_process: *
operations delivered_to_lab: lab_processing_blocked
lab transit_customer out_for_delivery with_customer transit_lab problem_in_transit_customer problem_in_transit_lab: *
lab failure_to_deliver_to_customer failure_to_deliver_to_lab lost: *
lab delivered_to_lab lab_processing_blocked sample_error completed corrected: *
courier transit_customer out_for_delivery with_customer transit_lab problem_in_transit_customer \
	problem_in_transit_lab: *
courier failure_to_deliver_to_customer failure_to_deliver_to_lab lost: *
courier delivered_to_lab: requisition_created requisition_bypassed transit_customer \
	out_for_delivery problem_in_transit_customer with_customer transit_lab problem_in_transit_lab
timer lost: transit_customer out_for_delivery problem_in_transit_customer transit_lab problem_in_transit_lab
timer sample_error: lab_processing_blocked
system requisition_created requisition_bypassed delivered_to_lab completed corrected: *`,

	"testkit_before_registration": `
client cancelled registered: *
operations cancelled do_not_process: *
lab transit_customer out_for_delivery with_customer problem_in_transit_customer \
	failure_to_deliver_to_customer lost do_not_process: *
courier transit_customer out_for_delivery with_customer problem_in_transit_customer \
	failure_to_deliver_to_customer lost: *
timer do_not_process: *
timer lost: transit_customer out_for_delivery problem_in_transit_customer
system awaiting_registration: *`,

	"testkit_after_registration": `
client cancelled: *
operations cancelled do_not_process: *
operations delivered_to_lab: lab_processing_blocked
lab transit_customer out_for_delivery with_customer transit_lab problem_in_transit_customer problem_in_transit_lab: *
lab failure_to_deliver_to_customer failure_to_deliver_to_lab lost: *
lab delivered_to_lab lab_processing_blocked sample_error completed corrected: *
courier transit_customer out_for_delivery with_customer transit_lab problem_in_transit_customer \
	problem_in_transit_lab: *
courier failure_to_deliver_to_customer failure_to_deliver_to_lab lost: *
courier delivered_to_lab: requisition_created transit_customer out_for_delivery \
	problem_in_transit_customer with_customer transit_lab problem_in_transit_lab
timer lost: requisition_created transit_customer out_for_delivery \
	problem_in_transit_customer transit_lab problem_in_transit_lab
timer sample_error: lab_processing_blocked
system requisition_created delivered_to_lab completed corrected: *`,

	"walk_in_test": `
client cancelled appointment_cancelled: *
client appointment_pending: requisition_created requisition_bypassed appointment_cancelled
client appointment_scheduled: *
operations cancelled: *
lab partial_results completed corrected sample_error: *
provider appointment_pending appointment_scheduled appointment_cancelled: *
timer appointment_cancelled: appointment_pending
system requisition_created requisition_bypassed partial_results completed corrected redraw_available: *
system appointment_pending: requisition_created requisition_bypassed
system appointment_scheduled: requisition_created requisition_bypassed appointment_pending`,

	"at_home_phlebotomy": `
client cancelled appointment_cancelled: *
client appointment_pending: requisition_created requisition_bypassed appointment_cancelled
client appointment_scheduled: *
operations cancelled: *
lab partial_results completed corrected sample_error: *
provider appointment_pending appointment_scheduled appointment_cancelled draw_completed: *
timer appointment_cancelled: appointment_pending
system requisition_created requisition_bypassed draw_completed partial_results completed corrected: *
system appointment_pending: requisition_created requisition_bypassed
system appointment_scheduled: requisition_created requisition_bypassed appointment_pending`,

	"on_site_collection": `
client cancelled draw_completed: *
operations cancelled: *
lab partial_results completed corrected sample_error: *
system requisition_created requisition_bypassed draw_completed partial_results completed corrected: *`,
}

type request struct {
	actor Actor
	move  statusPair
}

// contractRequests reads who may ask for what of one machine.
func contractRequests(t *testing.T, name MachineName) map[request]bool {
	t.Helper()
	rules := contractRules(t, name)
	allowed := map[request]bool{}
	for _, line := range tableLines(contractActors[name]) {
		left, right, ok := strings.Cut(line, ":")
		require.True(t, ok, line)
		words := strings.Fields(left)
		for _, to := range words[1:] {
			for _, from := range sourceStatuses(rules, strings.TrimSpace(right), to) {
				at := statusPair{from, to}
				require.Contains(t, rules, at, "order-lifecycle#edges does not list it")
				allowed[request{Actor(words[0]), at}] = true
			}
		}
	}
	return allowed
}

// sourceStatuses are the statuses that a line names, or all that order-lifecycle#edges lists for the target.
func sourceStatuses(rules map[statusPair]rule, named, to string) []string {
	if named != "*" {
		return strings.Fields(named)
	}
	var all []string
	for at := range rules {
		if at.to == to {
			all = append(all, at.from)
		}
	}
	return all
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	for _, m := range Machines() {
		t.Run(string(m.Name()), func(t *testing.T) {
			t.Parallel()
			allowed := contractRequests(t, m.Name())
			for at := range contractRules(t, m.Name()) {
				for _, a := range append(Actors(), "stranger") {
					err := m.Check(LowStatus(at.from), LowStatus(at.to), a, Conditions{})
					if allowed[request{a, at}] {
						require.NoError(t, err, "%s: %v", a, at)
						continue
					}
					var refused *RefusedError
					require.ErrorAs(t, err, &refused, "%s: %v", a, at)
					require.Equal(t, ReasonActor, refused.Reason, "%s: %v", a, at)
				}
			}
		})
	}
}

// TestCancellable checks the table of cancellable statuses (client-api#18-order-states) for orders without a shipment.
func TestCancellable(t *testing.T) {
	t.Parallel()
	tests := map[MachineName]string{
		"walk_in_test": "ordered requisition_created requisition_bypassed appointment_pending " +
			"appointment_scheduled appointment_cancelled",
		"at_home_phlebotomy": "ordered requisition_created requisition_bypassed appointment_pending " +
			"appointment_scheduled appointment_cancelled draw_completed",
		"testkit":                     "ordered requisition_created requisition_bypassed",
		"testkit_before_registration": "ordered awaiting_registration",
		"testkit_after_registration":  "requisition_created registered",
		"on_site_collection":          "ordered requisition_created requisition_bypassed draw_completed",
	}
	for _, m := range Machines() {
		for _, low := range allLowStatuses {
			want := contains(tests[m.Name()], low)
			require.Equal(t, want, m.Cancellable(LowStatus(low), Conditions{}), "%s: %s", m.Name(), low)
			if m.Name() == NameTestkitAfterRegistration {
				require.False(t, m.Cancellable(LowStatus(low), Conditions{Shipped: true}), low)
			}
		}
	}
}

func contains(list, word string) bool {
	for _, w := range strings.Fields(list) {
		if w == word {
			return true
		}
	}
	return false
}
