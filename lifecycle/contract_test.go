package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contractEdges has the tables of order-lifecycle#edges, written by hand and not derived from the code under test. A
// line has the statuses that are left, then the targets: those that the vendor documents after D, our extensions after
// X. "?unshipped" and "?initial" are the two conditions.
var contractEdges = map[MachineName]string{
	"testkit": `
ordered: D requisition_created cancelled X requisition_bypassed do_not_process
requisition_created requisition_bypassed: D transit_customer cancelled X do_not_process \
	delivered_to_lab out_for_delivery with_customer transit_lab lost
transit_customer: D out_for_delivery failure_to_deliver_to_customer X with_customer transit_lab \
	delivered_to_lab problem_in_transit_customer lost do_not_process
out_for_delivery: D with_customer failure_to_deliver_to_customer X transit_lab delivered_to_lab \
	problem_in_transit_customer lost do_not_process
problem_in_transit_customer: X transit_customer out_for_delivery with_customer transit_lab \
	delivered_to_lab failure_to_deliver_to_customer lost do_not_process
with_customer: D transit_lab X delivered_to_lab problem_in_transit_lab lost do_not_process
transit_lab: D delivered_to_lab failure_to_deliver_to_lab X problem_in_transit_lab lost do_not_process
problem_in_transit_lab: X transit_lab delivered_to_lab failure_to_deliver_to_lab lost do_not_process
delivered_to_lab: D completed sample_error X lab_processing_blocked do_not_process
lab_processing_blocked: X delivered_to_lab completed sample_error do_not_process
completed corrected: X corrected`,

	"testkit_before_registration": `
ordered: D awaiting_registration cancelled X do_not_process
awaiting_registration: D transit_customer cancelled X out_for_delivery with_customer registered do_not_process
transit_customer: D out_for_delivery failure_to_deliver_to_customer X with_customer \
	problem_in_transit_customer registered lost do_not_process
out_for_delivery: D with_customer failure_to_deliver_to_customer X problem_in_transit_customer \
	registered lost do_not_process
problem_in_transit_customer: X transit_customer out_for_delivery with_customer \
	failure_to_deliver_to_customer registered lost do_not_process
with_customer: D registered X lost do_not_process`,

	"testkit_after_registration": `
registered: D requisition_created cancelled?unshipped X do_not_process
requisition_created: D transit_customer transit_lab cancelled?unshipped X do_not_process \
	delivered_to_lab out_for_delivery with_customer lost problem_in_transit_customer \
	problem_in_transit_lab failure_to_deliver_to_customer failure_to_deliver_to_lab
transit_customer: D out_for_delivery failure_to_deliver_to_customer X with_customer transit_lab \
	delivered_to_lab problem_in_transit_customer lost do_not_process
out_for_delivery: D with_customer failure_to_deliver_to_customer X transit_lab delivered_to_lab \
	problem_in_transit_customer lost do_not_process
problem_in_transit_customer: X transit_customer out_for_delivery with_customer transit_lab \
	delivered_to_lab failure_to_deliver_to_customer lost do_not_process
with_customer: D transit_lab X delivered_to_lab problem_in_transit_lab lost do_not_process
transit_lab: D delivered_to_lab failure_to_deliver_to_lab X problem_in_transit_lab lost do_not_process
problem_in_transit_lab: X transit_lab delivered_to_lab failure_to_deliver_to_lab lost do_not_process
delivered_to_lab: D completed sample_error X lab_processing_blocked do_not_process
lab_processing_blocked: X delivered_to_lab completed sample_error do_not_process
completed corrected: X corrected`,

	"walk_in_test": `
ordered: D requisition_created cancelled X requisition_bypassed
requisition_created requisition_bypassed: D appointment_pending partial_results cancelled X \
	appointment_scheduled completed sample_error redraw_available?initial
appointment_pending: D appointment_scheduled appointment_cancelled cancelled X partial_results \
	completed sample_error redraw_available?initial
appointment_scheduled: D appointment_pending appointment_scheduled appointment_cancelled \
	completed partial_results cancelled X sample_error redraw_available?initial
appointment_cancelled: D appointment_pending cancelled X appointment_scheduled partial_results \
	completed sample_error redraw_available?initial
partial_results: D partial_results completed X sample_error redraw_available?initial
completed corrected: X corrected`,

	"at_home_phlebotomy": `
ordered: D requisition_created cancelled X requisition_bypassed
requisition_created requisition_bypassed: D appointment_pending cancelled X appointment_scheduled draw_completed
appointment_pending: D appointment_scheduled appointment_cancelled cancelled X draw_completed
appointment_scheduled: D appointment_scheduled appointment_cancelled draw_completed cancelled X appointment_pending
appointment_cancelled: D appointment_pending appointment_scheduled cancelled X draw_completed
draw_completed: D partial_results completed cancelled X sample_error
partial_results: D partial_results completed X sample_error
completed corrected: X corrected`,

	"on_site_collection": `
ordered: D requisition_created cancelled X requisition_bypassed
requisition_created requisition_bypassed: D draw_completed cancelled
draw_completed: D partial_results completed cancelled X sample_error
partial_results: D partial_results completed X sample_error
completed corrected: X corrected`,
}

// allLowStatuses lists the low-level statuses of order-lifecycle#statuses-and-their-top-level, and two that do not
// exist.
var allLowStatuses = strings.Fields(`ordered requisition_created requisition_bypassed awaiting_registration registered
	transit_customer out_for_delivery with_customer transit_lab problem_in_transit_customer problem_in_transit_lab
	appointment_pending appointment_scheduled appointment_cancelled redraw_available draw_completed delivered_to_lab
	lab_processing_blocked partial_results completed corrected sample_error failure_to_deliver_to_customer
	failure_to_deliver_to_lab lost cancelled do_not_process unheard_of _`)

var allConditions = []Conditions{{}, {Shipped: true}, {Redraw: true}, {Shipped: true, Redraw: true}}

type statusPair struct{ from, to string }

type rule struct{ origin, condition string }

func (r rule) holds(c Conditions) bool {
	return r.condition == "" || r.condition == "unshipped" && !c.Shipped || r.condition == "initial" && !c.Redraw
}

// tableLines returns the lines of a table. A line that ends with a backslash continues on the next one.
func tableLines(table string) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimSpace(table), "\\\n", ""), "\n")
}

// contractRules reads the table of one machine.
func contractRules(t *testing.T, name MachineName) map[statusPair]rule {
	t.Helper()
	rules := map[statusPair]rule{}
	for _, line := range tableLines(contractEdges[name]) {
		left, right, ok := strings.Cut(line, ":")
		require.True(t, ok, line)
		mark := ""
		for _, word := range strings.Fields(right) {
			if word == "D" || word == "X" {
				mark = word
				continue
			}
			to, condition, _ := strings.Cut(word, "?")
			for _, from := range strings.Fields(left) {
				require.Contains(t, allLowStatuses, from)
				require.Contains(t, allLowStatuses, to)
				require.NotContains(t, rules, statusPair{from, to})
				rules[statusPair{from, to}] = rule{mark, condition}
			}
		}
	}
	require.NotEmpty(t, rules)
	return rules
}

// deviations compares a machine with its table: every pair of statuses under every condition, and the origin of every
// edge.
func deviations(m *Machine, rules map[statusPair]rule) []string {
	var found []string
	for _, from := range allLowStatuses {
		for _, to := range allLowStatuses {
			want, listed := rules[statusPair{from, to}]
			for _, c := range allConditions {
				if got := m.Allows(LowStatus(from), LowStatus(to), c); got != (listed && want.holds(c)) {
					found = append(found, fmt.Sprintf("%s > %s %+v: allowed %t", from, to, c, got))
				}
			}
		}
	}
	seen := map[statusPair]bool{}
	for _, e := range m.Edges() {
		at := statusPair{string(e.From), string(e.To)}
		if seen[at] {
			found = append(found, fmt.Sprintf("%s > %s: twice", e.From, e.To))
		}
		seen[at] = true
		if want, listed := rules[at]; listed && e.Documented != (want.origin == "D") {
			found = append(found, fmt.Sprintf("%s > %s: documented %t", e.From, e.To, e.Documented))
		}
	}
	if len(seen) != len(rules) {
		found = append(found, fmt.Sprintf("%d edges, want %d", len(seen), len(rules)))
	}
	return found
}

func TestMachinesMatchTheContract(t *testing.T) {
	t.Parallel()
	require.Len(t, Machines(), len(contractEdges))
	for _, m := range Machines() {
		t.Run(string(m.Name()), func(t *testing.T) {
			t.Parallel()
			require.Empty(t, deviations(m, contractRules(t, m.Name())))
		})
	}
}

// TestDeviationsAreFound checks the test above: it finds each kind of mistake in a table.
func TestDeviationsAreFound(t *testing.T) {
	t.Parallel()
	rules := contractRules(t, NameTestkitAfterRegistration)
	change := func(edit func([]Edge) []Edge) []string {
		edges := MachineFor(Testkit, true, true).Edges()
		return deviations(newMachine("changed", Testkit, edit(edges)), rules)
	}
	at := func(edges []Edge, from, to LowStatus) int {
		i := edgeIndex(edges, from, to)
		require.GreaterOrEqual(t, i, 0)
		return i
	}

	require.Empty(t, change(func(e []Edge) []Edge { return e }))

	removed := change(func(e []Edge) []Edge {
		i := at(e, DeliveredToLab, SampleError)
		return slices.Delete(e, i, i+1)
	})
	require.Contains(t, strings.Join(removed, "\n"), "delivered_to_lab > sample_error")

	added := change(func(e []Edge) []Edge {
		return append(e, Edge{From: Lost, To: DeliveredToLab, Actors: []Actor{Lab}})
	})
	require.Contains(t, strings.Join(added, "\n"), "lost > delivered_to_lab")

	doubled := change(func(e []Edge) []Edge { return append(e, e[at(e, Corrected, Corrected)]) })
	require.Contains(t, strings.Join(doubled, "\n"), "corrected > corrected: twice")

	marked := change(func(e []Edge) []Edge { e[at(e, RequisitionCreated, TransitLab)].Documented = false; return e })
	require.Equal(t, []string{"requisition_created > transit_lab: documented false"}, marked)

	unguarded := change(func(e []Edge) []Edge { e[at(e, Registered, Cancelled)].Guard = Always; return e })
	require.Len(t, unguarded, 2, "both conditions with a kit that has shipped")
}

func TestEveryExtensionSaysWhy(t *testing.T) {
	t.Parallel()
	for _, m := range Machines() {
		for _, e := range m.Edges() {
			require.NotEmpty(t, e.Actors, "%s: %s > %s", m.Name(), e.From, e.To)
			require.True(t, e.Documented || e.Why != "", "%s: %s > %s", m.Name(), e.From, e.To)
			require.NotPanics(t, func() { MustFullStatus(m.Modality(), e.From); MustFullStatus(m.Modality(), e.To) })
		}
	}
}
