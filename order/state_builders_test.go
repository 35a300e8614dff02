package order

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// hour returns the time h hours after the order's creation.
func hour(h int) time.Time { return t0.Add(time.Duration(h) * time.Hour) }

// testkitStatuses are the statuses of a testkit with a known patient, in the order of order-lifecycle#testkit.
var testkitStatuses = []lifecycle.LowStatus{
	lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.RequisitionBypassed,
	lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.ProblemInTransitCustomer, lifecycle.WithCustomer,
	lifecycle.TransitLab, lifecycle.ProblemInTransitLab, lifecycle.DeliveredToLab, lifecycle.LabProcessingBlocked,
	lifecycle.Completed, lifecycle.Corrected, lifecycle.SampleError,
	lifecycle.FailureToDeliverToCustomer, lifecycle.FailureToDeliverToLab, lifecycle.Lost,
	lifecycle.Cancelled, lifecycle.DoNotProcess,
}

// stateIn returns a testkit order that has reached the status as a real one does, by hour 100 at the latest.
func stateIn(t *testing.T, to lifecycle.LowStatus, edit func(*Policy)) State {
	t.Helper()
	s := driveTo(t, to, edit)
	require.Equal(t, to, s.Status)
	return s
}

func driveTo(t *testing.T, to lifecycle.LowStatus, edit func(*Policy)) State {
	t.Helper()
	shipped := newFact(FactKitShipped, 24)
	sent := courierFact(60, "inbound", lifecycle.TransitLab)
	received := newFact(FactKitReceived, 80)
	var facts []Fact
	switch to {
	case lifecycle.Ordered:
		return orderedState(t, edit)
	case lifecycle.RequisitionBypassed:
		s := placedState(t, edit)
		s.Status = lifecycle.RequisitionBypassed
		s.recomputeDeadlines()
		return s
	case lifecycle.Cancelled:
		return placedState(t, edit).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, hour(1)).Next
	case lifecycle.DoNotProcess:
		return placedState(t, edit).ApplyDemand(Demand{Kind: DemandDoNotProcess, By: lifecycle.Operations}, hour(1)).Next
	case lifecycle.Completed, lifecycle.Corrected:
		s := fetchReport(stateIn(t, lifecycle.DeliveredToLab, edit), 95)
		if to == lifecycle.Corrected {
			s = fetchReport(s, 100)
		}
		return s
	case lifecycle.RequisitionCreated:
	case lifecycle.TransitCustomer:
		facts = []Fact{shipped}
	case lifecycle.OutForDelivery, lifecycle.ProblemInTransitCustomer, lifecycle.WithCustomer,
		lifecycle.FailureToDeliverToCustomer:
		facts = []Fact{shipped, courierFact(30, "outbound", to)}
	case lifecycle.TransitLab:
		facts = []Fact{shipped, sent}
	case lifecycle.ProblemInTransitLab, lifecycle.FailureToDeliverToLab, lifecycle.Lost:
		facts = []Fact{shipped, sent, courierFact(64, "inbound", to)}
	case lifecycle.DeliveredToLab:
		facts = []Fact{shipped, received}
	case lifecycle.LabProcessingBlocked, lifecycle.SampleError:
		facts = []Fact{shipped, received, rejectionFact(90, to == lifecycle.LabProcessingBlocked)}
	default:
		require.Failf(t, "no way to the status", "%s", to)
	}
	s, _ := applyFacts(placedState(t, edit), facts...)
	return s
}

// fetchReport announces a final lab report with new content, and fetches it at once.
func fetchReport(s State, h int) State {
	s, _ = applyFacts(s, newFact(FactReportReady, h))
	f := FetchOutcome{Generation: s.Fetch.Generation, ResultID: fmt.Sprintf("r%d", h), Changed: true}
	d, _ := s.ApplyFetchedResults(f, hour(h))
	return d.Next
}

// registrableState returns an order of a kit without a patient, at awaiting_registration.
func registrableState(t *testing.T) State {
	t.Helper()
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, Registrable: true, Origin: OriginInitial, CreatedAt: t0}
	s := NewState(o, DefaultPolicy(), time.Time{}).ApplyPlacementAccepted("M1", t0.Add(time.Second)).Next
	require.Equal(t, lifecycle.AwaitingRegistration, s.Status)
	return s
}

// scheduledState returns an order with activate_by on day 7, 00:00 UTC.
func scheduledState(t *testing.T) State {
	t.Helper()
	day := DateOf(t0.AddDate(0, 0, 7))
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, Origin: OriginInitial, CreatedAt: t0, ActivateBy: &day}
	s := NewState(o, DefaultPolicy(), day.Start(time.UTC))
	require.Equal(t, PlacementNone, s.Placement.State)
	return s
}

// jsonText returns a value as JSON, to compare states and decisions.
func jsonText(t require.TestingT, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
