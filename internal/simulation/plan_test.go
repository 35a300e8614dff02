package simulation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/simulation"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// wantPlans has the plan from each plausible start for every status of a modality, written by hand. A start is a status
// and what else is known. The order reaches (statuses in parentheses) itself, <statuses in angles> by a demand, and all
// others by reports. "-" is an empty plan, "no" a refusal.
var wantPlans = map[string]string{
	"testkit ordered": `
ordered: -
requisition_created: (requisition_created)
transit_customer: transit_customer
out_for_delivery: transit_customer out_for_delivery
problem_in_transit_customer: transit_customer out_for_delivery problem_in_transit_customer
with_customer: transit_customer out_for_delivery with_customer
transit_lab: transit_customer out_for_delivery with_customer transit_lab
problem_in_transit_lab: transit_customer out_for_delivery with_customer transit_lab problem_in_transit_lab
delivered_to_lab: transit_customer out_for_delivery with_customer transit_lab delivered_to_lab
lab_processing_blocked: transit_customer out_for_delivery with_customer transit_lab delivered_to_lab \
	lab_processing_blocked
completed: transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed
corrected: transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed corrected
sample_error: transit_customer out_for_delivery with_customer transit_lab delivered_to_lab sample_error
failure_to_deliver_to_customer: transit_customer out_for_delivery failure_to_deliver_to_customer
failure_to_deliver_to_lab: transit_customer out_for_delivery with_customer transit_lab failure_to_deliver_to_lab
lost: transit_customer out_for_delivery with_customer transit_lab lost
cancelled: <client cancel>
do_not_process: <operations do_not_process>`,

	"testkit requisition_bypassed": `
requisition_bypassed: -
transit_customer: transit_customer
completed: transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed
cancelled: <client cancel>
do_not_process: <operations do_not_process>
requisition_created: no`,

	"testkit transit_customer": `
transit_customer: -
out_for_delivery: out_for_delivery
problem_in_transit_customer: out_for_delivery problem_in_transit_customer
completed: out_for_delivery with_customer transit_lab delivered_to_lab completed
do_not_process: <operations do_not_process>`,

	"testkit problem_in_transit_customer": `
transit_customer: transit_customer
with_customer: transit_customer out_for_delivery with_customer
failure_to_deliver_to_customer: transit_customer out_for_delivery failure_to_deliver_to_customer
do_not_process: <operations do_not_process>`,

	"testkit problem_in_transit_lab": `
transit_lab: transit_lab
delivered_to_lab: transit_lab delivered_to_lab
failure_to_deliver_to_lab: transit_lab failure_to_deliver_to_lab
lost: transit_lab lost
completed: transit_lab delivered_to_lab completed`,

	"testkit lab_processing_blocked": `
delivered_to_lab: delivered_to_lab
completed: delivered_to_lab completed
sample_error: delivered_to_lab sample_error
do_not_process: <operations do_not_process>`,

	"testkit completed": `
completed: -
corrected: corrected`,

	"testkit sample_error": `
sample_error: -`,

	"before registration ordered": `
awaiting_registration: (awaiting_registration)
transit_customer: transit_customer
out_for_delivery: transit_customer out_for_delivery
with_customer: transit_customer out_for_delivery with_customer
problem_in_transit_customer: transit_customer out_for_delivery problem_in_transit_customer
failure_to_deliver_to_customer: transit_customer out_for_delivery failure_to_deliver_to_customer
lost: transit_customer out_for_delivery with_customer lost
cancelled: <client cancel>
do_not_process: <operations do_not_process>`,

	"before registration with_customer": `
with_customer: -
lost: lost
do_not_process: <operations do_not_process>`,

	"after registration registered": `
requisition_created: (requisition_created)
transit_customer: transit_customer
transit_lab: transit_customer out_for_delivery with_customer transit_lab
completed: transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed
corrected: transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed corrected
cancelled: <client cancel>
do_not_process: <operations do_not_process>`,

	"after registration registered shipped": `
requisition_created: (requisition_created)
transit_lab: transit_lab
delivered_to_lab: transit_lab delivered_to_lab
completed: transit_lab delivered_to_lab completed
do_not_process: <operations do_not_process>
cancelled: no`,

	"after registration requisition_created shipped": `
out_for_delivery: out_for_delivery
with_customer: with_customer
failure_to_deliver_to_customer: failure_to_deliver_to_customer
problem_in_transit_lab: transit_lab problem_in_transit_lab
lab_processing_blocked: transit_lab delivered_to_lab lab_processing_blocked
sample_error: transit_lab delivered_to_lab sample_error
completed: transit_lab delivered_to_lab completed`,

	"after registration out_for_delivery shipped": `
with_customer: with_customer
completed: with_customer transit_lab delivered_to_lab completed`,

	"walk_in_test ordered": `
ordered: -
requisition_created: (requisition_created)
appointment_pending: appointment_pending
appointment_scheduled: appointment_pending appointment_scheduled
appointment_cancelled: appointment_pending appointment_scheduled appointment_cancelled
redraw_available: appointment_pending appointment_scheduled redraw_available
partial_results: appointment_pending appointment_scheduled partial_results
completed: appointment_pending appointment_scheduled completed
corrected: appointment_pending appointment_scheduled completed corrected
sample_error: appointment_pending appointment_scheduled sample_error
cancelled: <client cancel>`,

	"walk_in_test requisition_bypassed": `
requisition_bypassed: -
completed: appointment_pending appointment_scheduled completed
cancelled: <client cancel>`,

	"walk_in_test appointment_scheduled": `
appointment_pending: appointment_pending
completed: completed
cancelled: <client cancel>`,

	"walk_in_test appointment_cancelled": `
appointment_pending: appointment_pending
completed: appointment_pending appointment_scheduled completed
partial_results: appointment_pending appointment_scheduled partial_results`,

	"walk_in_test partial_results": `
completed: completed
corrected: completed corrected
sample_error: sample_error
redraw_available: redraw_available`,

	"walk_in_test appointment_scheduled redraw": `
redraw_available: no
completed: completed`,

	"at_home_phlebotomy ordered": `
ordered: -
requisition_created: (requisition_created)
appointment_pending: appointment_pending
appointment_scheduled: appointment_pending appointment_scheduled
appointment_cancelled: appointment_pending appointment_scheduled appointment_cancelled
draw_completed: appointment_pending appointment_scheduled draw_completed
partial_results: appointment_pending appointment_scheduled draw_completed partial_results
completed: appointment_pending appointment_scheduled draw_completed completed
corrected: appointment_pending appointment_scheduled draw_completed completed corrected
sample_error: appointment_pending appointment_scheduled draw_completed sample_error
cancelled: <client cancel>`,

	"at_home_phlebotomy requisition_bypassed": `
requisition_bypassed: -
draw_completed: appointment_pending appointment_scheduled draw_completed`,

	"at_home_phlebotomy appointment_cancelled": `
draw_completed: appointment_pending appointment_scheduled draw_completed
cancelled: <client cancel>`,

	"at_home_phlebotomy draw_completed": `
partial_results: partial_results
completed: completed
cancelled: <client cancel>
appointment_pending: no`,

	"on_site_collection ordered": `
ordered: -
requisition_created: (requisition_created)
draw_completed: (requisition_created) <client draw_completed>
partial_results: (requisition_created) <client draw_completed> partial_results
completed: (requisition_created) <client draw_completed> completed
corrected: (requisition_created) <client draw_completed> completed corrected
sample_error: (requisition_created) <client draw_completed> sample_error
cancelled: <client cancel>`,

	"on_site_collection requisition_bypassed": `
requisition_bypassed: -
completed: <client draw_completed> completed`,

	"on_site_collection draw_completed": `
partial_results: partial_results
completed: completed
cancelled: <client cancel>`,
}

// stateAt returns the state of an order at a start of the table.
func stateAt(t *testing.T, start string) order.State {
	t.Helper()
	s := order.State{Placement: order.Placement{State: order.PlacementDone}}
	words := strings.Fields(start)
	switch words[0] {
	case "before", "after":
		s.Modality, s.Registrable, s.Registered = lifecycle.Testkit, true, words[0] == "after"
		words = words[1:]
	default:
		s.Modality = lifecycle.Modality(words[0])
	}
	s.Status = lifecycle.LowStatus(words[1])
	if s.Status == lifecycle.Ordered {
		s.Placement.State = order.PlacementStarted
	}
	for _, more := range words[2:] {
		s.HasShipped, s.IsRedraw = s.HasShipped || more == "shipped", s.IsRedraw || more == "redraw"
	}
	require.Contains(t, s.Machine().LowStatuses(), s.Status)
	return s
}

// planText writes a plan in the form of the table.
func planText(p simulation.Plan, err error) string {
	if err != nil {
		return "no"
	}
	var words []string
	if p.Await != "" {
		words = append(words, "("+string(p.Await)+")")
	}
	if p.Demand != "" {
		words = append(words, "<"+string(p.By)+" "+string(p.Demand)+">")
	}
	for _, l := range p.Reports {
		words = append(words, string(l))
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, " ")
}

// tableLines returns the lines of a table. A line that ends with a backslash continues on the next one.
func tableLines(table string) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimSpace(table), "\\\n\t", ""), "\n")
}

func TestPlans(t *testing.T) {
	t.Parallel()
	for start, table := range wantPlans {
		for _, line := range tableLines(table) {
			goal, want, ok := strings.Cut(strings.TrimSpace(line), ": ")
			require.True(t, ok, line)
			require.Equal(t, want, planText(simulation.PlanFor(stateAt(t, start), lifecycle.LowStatus(goal))), "%s > %s", start,
				goal)
		}
	}
}

// TestEveryStatusIsPlanned checks that the table has every status. Those that cannot be simulated are refused from the
// beginning of an order.
func TestEveryStatusIsPlanned(t *testing.T) {
	t.Parallel()
	seen := map[lifecycle.Status]bool{}
	for start, table := range wantPlans {
		for _, line := range tableLines(table) {
			goal, want, _ := strings.Cut(strings.TrimSpace(line), ": ")
			if want != "no" {
				seen[lifecycle.MustFullStatus(stateAt(t, start).Modality, lifecycle.LowStatus(goal))] = true
			}
		}
	}
	var unseen []lifecycle.Status
	for _, s := range lifecycle.Statuses() {
		if !seen[s] {
			unseen = append(unseen, s)
		}
	}
	require.Equal(t, []lifecycle.Status{"received.testkit.registered"}, unseen, "a registration needs a patient")
}

// TestPlansFollowTheLifecycle checks for every start and goal that the path follows edges of the lifecycle, ends at the
// goal, and is moved by actors who may.
func TestPlansFollowTheLifecycle(t *testing.T) {
	t.Parallel()
	planned := 0
	for _, m := range lifecycle.Machines() {
		for _, from := range m.LowStatuses() {
			for _, full := range lifecycle.Statuses() {
				for _, c := range []lifecycle.Conditions{{}, {Shipped: true}, {Redraw: true}} {
					if full.Modality() != m.Modality() {
						continue
					}
					s := order.State{
						Modality: m.Modality(), Status: from, HasShipped: c.Shipped, IsRedraw: c.Redraw,
						Registrable: m.Modality() == lifecycle.Testkit && m.Name() != lifecycle.NameTestkit,
						Registered:  m.Name() == lifecycle.NameTestkitAfterRegistration,
						Placement:   order.Placement{State: order.PlacementStarted},
					}
					require.Equal(t, m.Name(), s.Machine().Name())
					p, err := simulation.PlanFor(s, full.Low())
					if err != nil {
						require.ErrorAs(t, err, new(*simulation.RefusedError))
						require.NotEmpty(t, err.Error())
						continue
					}
					planned++
					requirePath(t, s, full.Low(), p)
				}
			}
		}
	}
	require.Greater(t, planned, 500)
}

func requirePath(t *testing.T, s order.State, goal lifecycle.LowStatus, p simulation.Plan) {
	t.Helper()
	targets := map[order.DemandKind]lifecycle.LowStatus{
		order.DemandCancel: lifecycle.Cancelled, order.DemandDoNotProcess: lifecycle.DoNotProcess,
		order.DemandDrawCompleted: lifecycle.DrawCompleted,
	}
	at := s.Status
	if s.Status == lifecycle.Ordered || s.Status == lifecycle.Registered {
		if p.Await != "" {
			require.NoError(t, s.Machine().Check(at, p.Await, lifecycle.System, s.Conditions()))
			at = p.Await
		} else if p.Demand == "" && len(p.Reports) > 0 { // the lab accepts the order before it reports
			at = lifecycle.RequisitionCreated
			if s.Registrable && !s.Registered {
				at = lifecycle.AwaitingRegistration
			}
		}
	}
	if p.Demand != "" {
		require.NoError(t, s.Machine().Check(at, targets[p.Demand], p.By, s.Conditions()))
		at = targets[p.Demand]
	}
	for _, to := range p.Reports {
		require.True(t, s.Machine().Allows(at, to, s.Conditions()), "%s: %s > %s", s.Machine().Name(), at, to)
		at = to
	}
	require.Equal(t, goal, at)
}

func TestRefusedPlans(t *testing.T) {
	t.Parallel()
	refused := func(s order.State, goal lifecycle.LowStatus) string {
		_, err := simulation.PlanFor(s, goal)
		require.ErrorAs(t, err, new(*simulation.RefusedError))
		return err.Error()
	}
	scheduled := stateAt(t, "testkit ordered")
	scheduled.Placement = order.Placement{}
	require.Contains(t, refused(scheduled, lifecycle.Completed), "activate_by")
	require.Equal(t, "<client cancel>", planText(simulation.PlanFor(scheduled, lifecycle.Cancelled)))
	declined := stateAt(t, "walk_in_test ordered")
	declined.Placement.State = order.PlacementRefused
	require.Contains(t, refused(declined, lifecycle.Completed), "refused")
	require.Contains(t, refused(stateAt(t, "on_site_collection ordered"), lifecycle.RequisitionBypassed), "imported")
	require.Contains(t, refused(stateAt(t, "before registration with_customer"), lifecycle.Registered), "patient")
	require.Contains(t, refused(stateAt(t, "before registration with_customer"), lifecycle.Completed), "registered first")
	require.Equal(t, "An order in status cancelled.testkit.cancelled does not get to completed.testkit.completed",
		refused(stateAt(t, "testkit cancelled"), lifecycle.Completed))
}
