package simulation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/simulation"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// TestPlansOfOrdersThatAreHeldBack shows for which goals the placement of a silent order is started.
func TestPlansOfOrdersThatAreHeldBack(t *testing.T) {
	t.Parallel()
	for start, goals := range map[string]map[lifecycle.LowStatus]bool{
		"testkit ordered": {lifecycle.Ordered: false, lifecycle.RequisitionCreated: true, lifecycle.Completed: true,
			lifecycle.Lost: true, lifecycle.Cancelled: false, lifecycle.DoNotProcess: false},
		"walk_in_test ordered":               {lifecycle.AppointmentPending: true, lifecycle.Cancelled: false},
		"on_site_collection ordered":         {lifecycle.DrawCompleted: true, lifecycle.Cancelled: false},
		"before registration ordered":        {lifecycle.AwaitingRegistration: true, lifecycle.WithCustomer: true},
		"after registration registered":      {lifecycle.RequisitionCreated: true, lifecycle.Registered: false},
		"at_home_phlebotomy ordered":         {lifecycle.RequisitionCreated: true, lifecycle.PartialResults: true},
		"testkit transit_customer":           {lifecycle.Completed: false},
		"walk_in_test appointment_cancelled": {lifecycle.AppointmentPending: false},
	} {
		s := stateAt(t, start)
		for goal, want := range goals {
			if want || s.Status == lifecycle.Ordered || s.Status == lifecycle.Registered {
				s.Placement = order.Placement{State: order.PlacementHeld}
			}
			p, err := simulation.PlanFor(s, goal)
			require.NoError(t, err, "%s to %s", start, goal)
			require.Equal(t, want, p.Place, "%s to %s", start, goal)
		}
	}
}
