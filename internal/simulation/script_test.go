package simulation_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/simulation"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// stepsText writes the steps of a script in one line: the kinds and the parameters that matter.
func stepsText(steps []simulation.Step) string {
	all := make([]string, len(steps))
	for i, s := range steps {
		parts := []string{s.Kind}
		for _, p := range []string{s.Awaits, s.Leg, s.Status, s.StatusDetail, s.Site, s.Interpretation, s.Missing} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		if s.Recoverable != nil {
			parts = append(parts, strconv.FormatBool(*s.Recoverable))
		}
		if s.Partial {
			parts = append(parts, "partial")
		}
		all[i] = strings.Join(parts, " ")
	}
	return strings.Join(all, "; ")
}

func TestScriptsOfMolecular(t *testing.T) {
	t.Parallel()
	for way, want := range map[string]string{
		"ordered > transit_customer out_for_delivery with_customer transit_lab delivered_to_lab " +
			"completed corrected": "kit_shipped; " +
			"courier outbound out_for_delivery out_for_delivery; courier outbound delivered arrived_at_destination; " +
			"courier inbound in_transit received_at_origin_facility; kit_received; " +
			"results normal; report_ready; results fetched normal; report_ready",
		"out_for_delivery > problem_in_transit_customer":    "courier outbound in_transit transit_exception",
		"problem_in_transit_customer > transit_customer":    "courier outbound in_transit arrived_at_facility",
		"out_for_delivery > failure_to_deliver_to_customer": "courier outbound return_to_sender return",
		"with_customer > transit_lab problem_in_transit_lab": "courier inbound in_transit received_at_origin_facility; " +
			"courier inbound in_transit transit_exception",
		"transit_lab > failure_to_deliver_to_lab":                "courier inbound failure failure",
		"transit_lab > lost":                                     "courier inbound failure lost",
		"transit_customer > lost":                                "courier outbound failure lost",
		"delivered_to_lab > lab_processing_blocked":              "kit_rejected true",
		"lab_processing_blocked > delivered_to_lab sample_error": "kit_received; kit_rejected false",
		"completed >": "",
	} {
		from, reports := parsePath(way)
		require.Equal(t, want, stepsText(simulation.StepsFor(lifecycle.Testkit, from, reports, false, simulation.Options{})),
			way)
	}
}

func TestScriptsOfTheNeutralProtocol(t *testing.T) {
	t.Parallel()
	for way, want := range map[string]string{
		"ordered > transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed": "kit_shipped; " +
			"transit outbound out_for_delivery; transit outbound with_customer; transit inbound transit_lab; " +
			"sample_received; results; report_ready",
		"requisition_created > appointment_pending appointment_scheduled draw_completed " +
			"partial_results": "appointment pending QAZ1; " +
			"appointment confirmed QAZ1; draw_completed; results partial; report_ready",
		"appointment_scheduled > appointment_cancelled": "appointment cancelled QAZ1",
		"appointment_scheduled > redraw_available":      "results internal_lab_failure; report_ready",
		"draw_completed > sample_error":                 "sample_rejected false",
		"delivered_to_lab > lab_processing_blocked":     "sample_rejected true",
		"problem_in_transit_lab > transit_lab lost":     "transit inbound transit_lab; transit inbound lost",
	} {
		from, reports := parsePath(way)
		require.Equal(t, want, stepsText(simulation.StepsFor(lifecycle.WalkIn, from, reports, true, simulation.Options{})),
			way)
	}
}

func parsePath(text string) (lifecycle.LowStatus, []lifecycle.LowStatus) {
	from, rest, _ := strings.Cut(text, " >")
	var reports []lifecycle.LowStatus
	for _, l := range strings.Fields(rest) {
		reports = append(reports, lifecycle.LowStatus(l))
	}
	return lifecycle.LowStatus(from), reports
}

func TestOptionsOfScripts(t *testing.T) {
	t.Parallel()
	reports := []lifecycle.LowStatus{lifecycle.DrawCompleted, lifecycle.PartialResults, lifecycle.Completed}
	steps := simulation.StepsFor(lifecycle.AtHomePhlebotomy, lifecycle.AppointmentScheduled, reports, true,
		simulation.Options{
			Pause: 3 * time.Second, Interpretation: "critical", ResultTypes: []string{"comment"}, Missing: true,
		})
	require.Equal(t, "draw_completed; results critical quantity_not_sufficient_failure partial; report_ready; "+
		"results fetched critical quantity_not_sufficient_failure; report_ready", stepsText(steps))
	var pauses []string
	for _, s := range steps {
		pauses = append(pauses, s.Pause)
	}
	require.Equal(t, []string{"", "3s", "", "3s", ""}, pauses, "between the statuses, and not before the first")
	require.Equal(t, []string{"comment"}, steps[1].ResultTypes)
	steps = simulation.StepsFor(lifecycle.OnSite, lifecycle.DrawCompleted,
		[]lifecycle.LowStatus{lifecycle.Completed, lifecycle.Corrected}, true, simulation.Options{})
	require.Empty(t, steps[0].Awaits)
	require.Equal(t, "fetched", steps[2].Awaits, "what is corrected has to be fetched first")
	require.NotNil(t, simulation.StepsFor(lifecycle.OnSite, lifecycle.Completed, nil, true, simulation.Options{}),
		"an empty script is one that does nothing")
}

// TestCourierStepsGiveTheirStatus checks that the courier's steps mean the simulated statuses.
func TestCourierStepsGiveTheirStatus(t *testing.T) {
	t.Parallel()
	for _, to := range []lifecycle.LowStatus{
		lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.WithCustomer, lifecycle.TransitLab,
		lifecycle.ProblemInTransitCustomer,
		lifecycle.ProblemInTransitLab, lifecycle.FailureToDeliverToCustomer, lifecycle.FailureToDeliverToLab, lifecycle.Lost,
	} {
		s := simulation.StepsFor(lifecycle.Testkit, lifecycle.TransitCustomer, []lifecycle.LowStatus{to}, false,
			simulation.Options{})[0]
		require.Equal(t, simlab.KindCourier, s.Kind, to)
		fact, ok := couriers.StatusFor(couriers.Leg(s.Leg), s.Status, s.StatusDetail)
		require.True(t, ok, to)
		require.Equal(t, to, fact)
	}
}
