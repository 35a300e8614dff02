package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// poison is a signal that nobody of Aliquot sends. People can send it from Temporal's UI.
type poison struct {
	name    string // of the subtest
	signal  string
	payload any
}

// poisons are signals with every name that an order's run could listen to, and with payloads of every type.
func poisons() []poison {
	all := []poison{
		{"a fact of no inbox item", "fact", map[string]any{"inbox_id": "mistyped", "kind": "shipped",
			"at": "2026-01-02T03:04:05Z"}},
		{"a fact without an inbox item", "fact", map[string]any{"kind": "kit_shipped"}},
		{"a fact of no kind", "fact", map[string]any{"inbox_id": "", "kind": "no such kind"}},
		{"a name of no signal", "no-such-signal", map[string]any{"inbox_id": "mistyped"}},
		{"a demand as a signal", "demand", map[string]any{"id": "mistyped", "kind": "cancel"}},
	}
	for _, signal := range []string{"fact", "look", "wake"} {
		for name, payload := range map[string]any{
			"nothing": nil, "text": "nonsense", "a number": 7, "a list": []int{1, 2}, "bytes": []byte{0xff, 0xfe, 0x00},
			"an object of another type": map[string]any{"inbox_id": map[string]any{"deep": 1}, "kind": 3},
		} {
			all = append(all, poison{signal + " with " + name, signal, payload})
		}
	}
	return all
}

// TestAnOrderSurvivesPoisonSignals sends each signal to a living order of its own. The order then takes a fact and a
// cancellation. A last order gets all signals at once and goes on to its results.
func TestAnOrderSurvivesPoisonSignals(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	outside := s.dialFromOutside()
	for _, p := range poisons() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := s.forSubtest(t)
			id := s.placeAndAwait()
			s.sendPoison(outside, id, p)
			s.sendLabFact(id, map[string]any{"type": "kit_rejected", "recoverable": true, "reason": "Missing collection date"})
			s.awaitStatus(id, "sample_with_lab.testkit.lab_processing_blocked")
			s.mustCallAsOperations(http.MethodPost, "/ops/orders/"+id+"/do-not-process",
				map[string]any{"reason": "patient_withdrew"})
			s.awaitStatus(id, "cancelled.testkit.do_not_process")
			s.awaitEnd(id)
			s.requireInboxResolved(id)
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		s := s.forSubtest(t)
		id := s.placeAndAwait()
		for _, p := range poisons() {
			s.sendPoison(outside, id, p)
		}
		s.playLabFacts(id)
		s.awaitStatus(id, "completed.testkit.completed")
		s.awaitEnd(id)
		require.Equal(t, plainLife, s.order(id).statuses())
		s.awaitWebhooks(id)
	})
}

// TestDroppedSignalsAreShownAndCounted: signals without a meaning, and one that names no inbox item of the order, are
// shown in Temporal's UI and counted in the metrics. A fact's own signal is not.
func TestDroppedSignalsAreShownAndCounted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	outside := s.dialFromOutside()
	id := s.placeAndAwait()
	s.sendFact(id, "kit_shipped")
	s.awaitEvents(id, shippedEvents)
	require.NotContains(t, s.details(id), "dropped")
	s.sendPoison(outside, id, poison{signal: "fact", payload: map[string]any{"inbox_id": "mistyped"}})
	s.sendPoison(outside, id, poison{signal: "no-such-signal"})
	s.sendPoison(outside, id, poison{signal: dispatch.SignalWake,
		payload: dispatch.Wake{Kind: dispatch.WakeFact, InboxID: "mistyped"}})
	s.await(func() bool { return strings.Contains(s.details(id), "dropped: 3 signals") }, "they are not shown: %s",
		s.details(id))
	families, err := s.metrics.Gather()
	require.NoError(t, err)
	var counted float64
	for _, f := range families {
		if f.GetName() == "aliquot_order_unknown_signals_total" {
			for _, m := range f.GetMetric() {
				counted += m.GetCounter().GetValue()
			}
		}
	}
	require.InDelta(t, 3, counted, 0)
}

// TestPoisonSignalsArrive is the control: Temporal accepts all of the signals, and they reach the order's history.
func TestPoisonSignalsArrive(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers})
	id := s.placeOrder(nil)
	outside, all := s.dialFromOutside(), poisons()
	for _, p := range all {
		s.sendPoison(outside, id, p)
	}
	arrived := map[string]int{}
	for _, e := range s.histories(dispatch.OrderWorkflowID(id))[0].GetEvents() {
		if signal := e.GetWorkflowExecutionSignaledEventAttributes(); signal != nil {
			arrived[signal.GetSignalName()]++
		}
	}
	want := map[string]int{}
	for _, p := range all {
		want[p.signal]++
	}
	require.Equal(t, want, arrived)
}

// dialFromOutside returns a client that encodes every payload as Temporal's UI does. The product's own client refuses
// some.
func (s *system) dialFromOutside() client.Client {
	s.t.Helper()
	c, err := client.Dial(client.Options{
		HostPort: s.temporal.Address, Namespace: s.namespace, DataConverter: converter.GetDefaultDataConverter(),
		Identity: "somebody-in-the-ui",
	})
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

func (s *system) sendPoison(c client.Client, id string, p poison) {
	s.t.Helper()
	require.NoError(s.t, c.SignalWorkflow(s.t.Context(), dispatch.OrderWorkflowID(id), "", p.signal, p.payload))
}
