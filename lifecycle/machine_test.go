package lifecycle

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMachineFor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		modality                Modality
		registrable, registered bool
		name                    MachineName
		initial                 LowStatus
	}{
		{Testkit, false, true, NameTestkit, Ordered},
		{Testkit, false, false, NameTestkit, Ordered},
		{Testkit, true, false, NameTestkitBeforeRegistration, Ordered},
		{Testkit, true, true, NameTestkitAfterRegistration, Registered},
		{WalkIn, false, false, NameWalkIn, Ordered},
		{WalkIn, true, true, NameWalkIn, Ordered},
		{AtHomePhlebotomy, false, true, NameAtHomePhlebotomy, Ordered},
		{OnSite, false, true, NameOnSite, Ordered},
	}
	for _, test := range tests {
		m := MachineFor(test.modality, test.registrable, test.registered)
		require.Equal(t, test.name, m.Name())
		require.Equal(t, test.modality, m.Modality())
		require.Equal(t, test.initial, m.Initial())
	}
	require.Panics(t, func() { MachineFor("carrier_pigeon", false, false) })
}

func TestAPIErrors(t *testing.T) {
	t.Parallel()
	after := MachineFor(Testkit, true, true)
	tests := []struct {
		name       string
		machine    *Machine
		from, to   LowStatus
		by         Actor
		conditions Conditions
		reason     Reason
		text       string
	}{
		{
			"no edge", MachineFor(Testkit, false, true), WithCustomer, Cancelled, Client, Conditions{}, ReasonNoEdge,
			"Transition from collecting_sample.testkit.with_customer to cancelled.testkit.cancelled is not allowed",
		},
		{
			"a self-transition that is not listed", MachineFor(WalkIn, false, false), Ordered, Ordered, System, Conditions{},
			ReasonNoEdge,
			"Transition from received.walk_in_test.ordered to received.walk_in_test.ordered is not allowed",
		},
		{
			"not for this actor", MachineFor(OnSite, false, false), Ordered, RequisitionCreated, Client, Conditions{},
			ReasonActor,
			"Transition from received.on_site_collection.ordered to " +
				"received.on_site_collection.requisition_created is not allowed",
		},
		{
			"the kit has shipped", after, Registered, Cancelled, Client, Conditions{Shipped: true}, ReasonGuard,
			"Transition from received.testkit.registered to cancelled.testkit.cancelled is not allowed",
		},
		{
			"a redraw of a redraw", MachineFor(WalkIn, false, false), PartialResults, RedrawAvailable, System,
			Conditions{Redraw: true}, ReasonGuard,
			"Transition from sample_with_lab.walk_in_test.partial_results to " +
				"collecting_sample.walk_in_test.redraw_available is not allowed",
		},
		{
			"the actor is looked at before the guard", after, Registered, Cancelled, Timer, Conditions{Shipped: true},
			ReasonActor,
			"Transition from received.testkit.registered to cancelled.testkit.cancelled is not allowed",
		},
		{
			"a status of another modality", MachineFor(OnSite, false, false), Ordered, Lost, Courier, Conditions{}, ReasonNoEdge,
			"Transition from received.on_site_collection.ordered to lost is not allowed",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.machine.Check(test.from, test.to, test.by, test.conditions)
			require.EqualError(t, err, test.text)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, test.reason, refused.Reason)
			require.Equal(t, test.by, refused.By)
		})
	}
}

func TestListedSelfTransitionsAreAllowed(t *testing.T) {
	t.Parallel()
	require.NoError(t, MachineFor(WalkIn, false, false).Check(AppointmentScheduled, AppointmentScheduled, Client,
		Conditions{}))
	require.NoError(t, MachineFor(AtHomePhlebotomy, false, false).Check(PartialResults, PartialResults, Lab, Conditions{}))
	require.NoError(t, MachineFor(Testkit, false, true).Check(Corrected, Corrected, System, Conditions{}))
}

func TestUnknownGuardNeverHolds(t *testing.T) {
	t.Parallel()
	require.False(t, Guard("moon is full").Holds(Conditions{}))
}

// TestNextAndLowStatuses checks that Next, LowStatuses and Allows agree.
func TestNextAndLowStatuses(t *testing.T) {
	t.Parallel()
	for _, m := range Machines() {
		known := map[LowStatus]bool{}
		for at := range contractRules(t, m.Name()) {
			known[LowStatus(at.from)], known[LowStatus(at.to)] = true, true
		}
		require.Len(t, m.LowStatuses(), len(known), m.Name())
		for _, low := range m.LowStatuses() {
			require.True(t, known[low], "%s: %s", m.Name(), low)
		}
		for _, from := range allLowStatuses {
			for _, c := range allConditions {
				next := m.Next(LowStatus(from), c)
				require.True(t, slices.IsSorted(next))
				for _, to := range allLowStatuses {
					require.Equal(t, m.Allows(LowStatus(from), LowStatus(to), c), slices.Contains(next, LowStatus(to)), "%s: %s > %s",
						m.Name(), from, to)
				}
			}
		}
	}
}

// TestTerminalStatusesHaveNoWayOut checks that only a correction leaves a terminal status, and that every other status
// has an edge, except registered, where the next machine takes over.
func TestTerminalStatusesHaveNoWayOut(t *testing.T) {
	t.Parallel()
	hardest := Conditions{Shipped: true, Redraw: true}
	for _, m := range Machines() {
		for _, low := range m.LowStatuses() {
			next := m.Next(low, hardest)
			switch {
			case low == Completed || low == Corrected:
				require.Equal(t, []LowStatus{Corrected}, next)
			case Terminal(low):
				require.Empty(t, next, "%s: %s", m.Name(), low)
			case low == Registered && m.Name() == NameTestkitBeforeRegistration:
				require.Empty(t, next)
			default:
				require.NotEmpty(t, next, "%s: %s", m.Name(), low)
			}
		}
	}
}

func TestEveryStatusIsReachable(t *testing.T) {
	t.Parallel()
	reached := map[Status]bool{}
	for _, m := range Machines() {
		markReachable(m, m.Initial(), reached, map[LowStatus]bool{})
	}
	require.Len(t, reached, 54)
}

func markReachable(m *Machine, low LowStatus, reached map[Status]bool, seen map[LowStatus]bool) {
	if seen[low] {
		return
	}
	seen[low] = true
	reached[MustFullStatus(m.Modality(), low)] = true
	for _, next := range m.Next(low, Conditions{}) {
		markReachable(m, next, reached, seen)
	}
}

// TestReportsAndRejectionsApplyEverywhere checks that a lab report or a final rejection applies to any status that is
// not terminal, directly or through implied steps. Before registration it waits.
func TestReportsAndRejectionsApplyEverywhere(t *testing.T) {
	t.Parallel()
	implied := map[MachineName][]LowStatus{
		NameTestkit:                  {RequisitionCreated, DeliveredToLab},
		NameTestkitAfterRegistration: {RequisitionCreated, DeliveredToLab},
		NameWalkIn:                   {RequisitionCreated},
		NameAtHomePhlebotomy:         {RequisitionCreated, DrawCompleted},
		NameOnSite:                   {RequisitionCreated, DrawCompleted},
	}
	for _, m := range Machines() {
		steps, ok := implied[m.Name()]
		if !ok {
			require.Equal(t, NameTestkitBeforeRegistration, m.Name())
			continue
		}
		for _, from := range m.LowStatuses() {
			if Terminal(from) {
				continue
			}
			for _, fact := range []LowStatus{Completed, SampleError} {
				at := from
				for _, step := range steps {
					if m.Check(at, fact, Lab, Conditions{}) == nil {
						break
					}
					if m.Check(at, step, System, Conditions{}) == nil {
						at = step
					}
				}
				require.NoError(t, m.Check(at, fact, Lab, Conditions{}), "%s: %s on %s", m.Name(), fact, from)
			}
		}
	}
}

func TestChecksAreRepeatable(t *testing.T) {
	t.Parallel()
	statuses, document := Statuses(), Markdown()
	for range 200 {
		require.Equal(t, statuses, Statuses())
	}
	for range 20 {
		require.Equal(t, document, Markdown())
	}
	for _, m := range Machines() {
		edges, next := m.Edges(), m.Next(RequisitionCreated, Conditions{})
		for range 200 {
			require.Equal(t, edges, m.Edges())
			require.Equal(t, next, m.Next(RequisitionCreated, Conditions{}))
		}
	}
}

func TestCallersCannotChangeAMachine(t *testing.T) {
	t.Parallel()
	m := MachineFor(OnSite, false, false)
	edges := m.Edges()
	edges[0].To = Lost
	edges[1].Actors[0] = Lab
	require.Empty(t, deviations(m, contractRules(t, m.Name())))
	require.NoError(t, m.Check(Ordered, Cancelled, Client, Conditions{}))
}

// TestConcurrentUse asks one machine from many goroutines, as many workflows do.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	m, rules := MachineFor(Testkit, false, true), contractRules(t, NameTestkit)
	found := make([][]string, 8)
	var askers sync.WaitGroup
	for i := range found {
		askers.Go(func() { found[i] = deviations(m, rules) })
	}
	askers.Wait()
	for _, f := range found {
		require.Empty(t, f)
	}
}

func BenchmarkCheck(b *testing.B) {
	m := MachineFor(Testkit, true, true)
	b.Run("allowed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := m.Check(LabProcessingBlocked, SampleError, Timer, Conditions{Shipped: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("refused", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if m.Check(DeliveredToLab, Cancelled, Client, Conditions{Shipped: true}) == nil {
				b.Fatal("allowed")
			}
		}
	})
}
