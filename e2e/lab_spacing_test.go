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

	// spacingTolerance is what two starts may seem nearer at the lab than they were at the worker: the way of the first request, until the
	// lab has read its header, may take longer than that of the second. A worker's first request makes a connection first, which
	// was seen to take 66 ms under the race detector on two busy cores; 20 ms of that are the worker's own margin.
	spacingTolerance = 40 * time.Millisecond

	// maxTries is how often the machine may be too busy with other packages' tests for that. Workers that do not keep the spacing are
	// found by each of them, as the control shows.
	maxTries = 3
)

// Two workers that share nothing but the database keep the spacing of a lab account between them. Not parallel to other tests, for
// these would make the workers wake late.
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

// The control: without spacing the same orders violate it.
func TestCallsWithoutSpacing(t *testing.T) {
	t.Parallel()
	gaps, _ := placeEightAtOnce(t, options{workers: 2})
	require.Less(t, slices.Min(gaps), callSpacing-spacingTolerance, "%v", gaps)
}

// placeEightAtOnce returns the time between each two calls that the lab saw, and the workers that made them.
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
