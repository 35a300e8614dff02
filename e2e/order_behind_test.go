package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// TestARunThatIsBehindIsWoken changes the deadline of an order in the store. The order's run does not know of it and
// sleeps. The reconciler wakes it, and the run applies the deadline.
func TestARunThatIsBehindIsWoken(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	s.pauseSweeps()
	var ids []string
	for range 3 {
		id := s.placeOrder(nil)
		s.awaitStatus(id, "received.testkit.requisition_created")
		ids = append(ids, id)
	}
	behind, recent, healthy := ids[0], ids[1], ids[2]
	s.awaitRunning(3)
	require.Equal(t, dispatch.SweepResult{}, s.reconcile(), "none is behind")

	s.moveDeadline(behind, time.Now().Add(-11*time.Minute))
	s.moveDeadline(recent, time.Now().Add(-5*time.Minute))
	require.Empty(t, s.storedState(behind).Attention)
	require.Equal(t, dispatch.SweepResult{OrdersBehind: 1}, s.reconcile())
	s.await(func() bool { return len(s.storedState(behind).Attention) > 0 }, "the deadline is not applied")
	require.Equal(t, order.AttentionShipmentOverdue, s.storedState(behind).Attention[0].Reason)
	require.Equal(t, 1, s.wakes(behind))

	// The controls: what is not behind by ten minutes is not woken, and nothing is woken twice.
	require.Equal(t, dispatch.SweepResult{}, s.reconcile())
	for _, id := range []string{recent, healthy} {
		require.Empty(t, s.storedState(id).Attention)
		require.Zero(t, s.wakes(id))
	}
}

// TestARunThatStaysBehindIsWokenOnceInTenMinutes moves only the column that the reconciler reads. So the run has
// nothing to apply and stays behind.
func TestARunThatStaysBehindIsWokenOnceInTenMinutes(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	s.pauseSweeps()
	id := s.placeOrder(nil)
	s.awaitStatus(id, "received.testkit.requisition_created")
	s.awaitRunning(1)
	past := time.Now().Add(-time.Hour)
	s.executeSQL(`UPDATE order_states SET next_deadline = $1 WHERE order_id = $2`, past.UnixMicro(), id)
	require.Equal(t, dispatch.SweepResult{OrdersBehind: 1}, s.reconcile())
	require.Equal(t, dispatch.SweepResult{}, s.reconcile())
	require.Equal(t, 1, s.wakes(id))

	// The control: ten minutes later it is woken again.
	s.executeSQL(`UPDATE order_states SET woken_at = $1 WHERE order_id = $2`, past.UnixMicro(), id)
	require.Equal(t, dispatch.SweepResult{OrdersBehind: 1}, s.reconcile())
	require.Equal(t, 2, s.wakes(id))
	s.playLabFacts(id)
	s.awaitStatus(id, "completed.testkit.completed")
}

// pauseSweeps pauses the sweep of each minute, so that only the test's own ones heal.
func (s *system) pauseSweeps() {
	s.t.Helper()
	minute := s.client.ScheduleClient().GetHandle(s.t.Context(), "reconcile-minute")
	require.NoError(s.t, minute.Pause(s.t.Context(), client.SchedulePauseOptions{}))
}

// moveDeadline moves the next deadline of an order in the store, without its run's knowledge.
func (s *system) moveDeadline(id string, due time.Time) {
	s.t.Helper()
	st := s.storedState(id)
	require.NotEmpty(s.t, st.Deadlines)
	st.Deadlines[0].Due = due
	text, err := json.Marshal(st)
	require.NoError(s.t, err)
	s.executeSQL(`UPDATE order_states SET state = $1, next_deadline = $2 WHERE order_id = $3`, string(text),
		due.UnixMicro(), id)
}

func (s *system) storedState(id string) order.State {
	s.t.Helper()
	st, err := s.store.State(s.t.Context(), id)
	require.NoError(s.t, err)
	return st
}

// wakes returns how many signals wake the order's run has got.
func (s *system) wakes(id string) (n int) {
	s.t.Helper()
	for _, h := range s.histories(dispatch.OrderWorkflowID(id)) {
		for _, e := range h.GetEvents() {
			if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED &&
				e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == dispatch.SignalWake {
				n++
			}
		}
	}
	return n
}
