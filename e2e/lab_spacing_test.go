package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

const (
	callSpacing = 500 * time.Millisecond // between the starts of two calls (molecular-api#d25)

	// spacingTolerance is how much closer two calls may arrive at the lab than the workers started them. The first request
	// may need longer than the second until the lab has read its header. A worker's first request opens a connection,
	// which took up to 66 ms under the race detector on two busy cores. 20 ms of that are the worker's own margin.
	spacingTolerance = 40 * time.Millisecond

	// maxTries is how often the spacing is measured if the machine is too busy with tests of other packages. Workers that
	// ignore the spacing fail every measurement, as the control shows.
	maxTries = 3
)

// TestTwoWorkersKeepTheSpacingOfAnAccount shows that two workers that share only the database keep the spacing of a lab
// account together. It is not parallel to other tests, which would delay the workers.
func TestTwoWorkersKeepTheSpacingOfAnAccount(t *testing.T) { //nolint:tparallel // see above
	engines(t, func(t *testing.T, o options) {
		o.workers, o.spacing = 2, callSpacing
		var gaps []time.Duration
		for range maxTries {
			var identities map[string]bool
			gaps, identities = placeEightAtOnce(t, o)
			require.Len(t, identities, 2, "both workers took part")
			if slices.Min(gaps) >= callSpacing-spacingTolerance {
				return
			}
			t.Logf("the machine was busy: %v", gaps)
		}
		require.GreaterOrEqual(t, slices.Min(gaps), callSpacing-spacingTolerance, "%v", gaps)
	})
}

// TestCallsWithoutSpacing is the control: without spacing the same orders violate it.
func TestCallsWithoutSpacing(t *testing.T) {
	t.Parallel()
	gaps, _ := placeEightAtOnce(t, options{workers: 2})
	require.Less(t, slices.Min(gaps), callSpacing-spacingTolerance, "%v", gaps)
}

// placeEightAtOnce places eight orders at the same time. It returns the times between consecutive calls that the lab
// received, and the workers that made them.
func placeEightAtOnce(t *testing.T, o options) (gaps []time.Duration, identities map[string]bool) {
	t.Helper()
	s := newSystem(t, o)
	const n = 8
	var orders []string
	for _, r := range callConcurrently(n,
		func() apiAnswer { return s.callAsClient("POST", "/v3/order", s.orderBody(nil)) }) {
		orders = append(orders, decodeSuccess[struct {
			Order orderView `json:"order"`
		}](s, r).Order.ID)
	}
	identities = map[string]bool{}
	for _, id := range orders {
		s.awaitEvents(id, placedEvents)
		for _, h := range s.histories(dispatch.OrderWorkflowID(id)) {
			for _, e := range h.GetEvents() {
				if e.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED {
					identities[e.GetActivityTaskStartedEventAttributes().GetIdentity()] = true
				}
			}
		}
	}
	calls := s.lab.Traffic().Calls
	require.Len(t, calls, n)
	for i := range calls[1:] {
		gaps = append(gaps, calls[i+1].Start.Sub(calls[i].Start))
	}
	return gaps, identities
}
