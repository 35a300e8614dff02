package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// TestTemporalHasADemandBeforeItIsDecided: when the store decides on a demand, the order's history has it already. If
// worker and Temporal are lost at that moment, the run gets the demand again, and learns what the store has decided.
// Otherwise an order that a demand has ended would keep its run.
func TestTemporalHasADemandBeforeItIsDecided(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{postgres: true})
	id := s.placeOrder(nil)
	s.awaitPlaced(id)
	barrier := s.newSQLBarrier(`LOCK TABLE decisions IN EXCLUSIVE MODE`)
	answer := make(chan apiAnswer, 1)
	go func() { answer <- s.cancel(id) }()
	barrier.await("decisions")
	require.True(t, s.hasAcceptedDemand(id), "the demand is being decided, and Temporal would lose it")
	barrier.release()
	require.Equal(t, http.StatusOK, (<-answer).Status)
	s.awaitEnd(id)
}

// hasAcceptedDemand reports whether the history of an order has a demand without an outcome.
func (s *system) hasAcceptedDemand(id string) bool {
	s.t.Helper()
	return slices.ContainsFunc(s.histories(dispatch.OrderWorkflowID(id)), func(h *historypb.History) bool {
		return slices.ContainsFunc(h.GetEvents(), func(e *historypb.HistoryEvent) bool {
			return e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
		})
	})
}
