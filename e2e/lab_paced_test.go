package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	pacedSpacing = 2 * time.Second
	// pacedBacklog is how many routine calls wait: ten minutes of calls.
	pacedBacklog = 300
	// callerPatience is how soon a caller gets an answer: an urgent call waits at most a few spacings.
	callerPatience = 11 * time.Second
)

// paceAccount sets the spacing of the neutral partner's account, and returns the account's id.
func (s *system) paceAccount(spacing time.Duration) string {
	s.t.Helper()
	accounts, err := s.store.LabAccounts(s.t.Context(), s.teamID)
	require.NoError(s.t, err)
	for _, a := range accounts {
		if a.LabSlug == "quest" {
			a.Spacing = spacing
			require.NoError(s.t, s.store.PutLabAccount(s.t.Context(), a))
			return a.ID
		}
	}
	s.t.Fatal("there is no account")
	return ""
}

// addWaitingCalls makes routine calls of an account ask for their turns. They never come back.
func (s *system) addWaitingCalls(account string, spacing time.Duration, n int) {
	s.t.Helper()
	for range n {
		_, _, err := s.store.ReserveCallStart(s.t.Context(),
			store.CallStartRequest{Account: account, Spacing: spacing, Lane: store.LaneRoutine})
		require.NoError(s.t, err)
	}
}

// failures lists the types of the application errors of an order's activities.
func (s *system) failures(id string) (types []string) {
	for _, h := range s.histories(dispatch.OrderWorkflowID(id)) {
		for _, e := range h.GetEvents() {
			if e.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED {
				types = append(types,
					e.GetActivityTaskFailedEventAttributes().GetFailure().GetApplicationFailureInfo().GetType())
			}
		}
	}
	return types
}

// within runs do and requires that it ends in time.
func (s *system) within(limit time.Duration, what string, do func()) {
	s.t.Helper()
	began := time.Now()
	do()
	require.Less(s.t, time.Since(began), limit, what)
}

// TestUrgentCallsOfAPacedAccount shows that a cancellation, a list of free slots and a booking of an account whose
// routine calls are ten minutes behind are answered in seconds, that waiting orders hold no worker, and that no two
// calls are nearer than the spacing.
func TestUrgentCallsOfAPacedAccount(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true, cancelCall: true, spacing: pacedSpacing})
	account := s.paceAccount(pacedSpacing + 200*time.Millisecond)
	var placed []*scenario.Order
	for range 2 {
		o, err := s.scenarioSystem().PlaceOrder(t.Context(), scenario.WalkIn, "", nil)
		require.NoError(t, err)
		placed = append(placed, o)
	}
	for _, o := range placed {
		_, err := o.AwaitStatuses(t.Context(), 2)
		require.NoError(t, err)
	}
	s.addWaitingCalls(account, pacedSpacing, pacedBacklog)
	var waiting []string
	for range 3 {
		o, err := s.scenarioSystem().PlaceOrder(t.Context(), scenario.WalkIn, "", nil)
		require.NoError(t, err)
		waiting = append(waiting, o.ID)
	}
	for _, id := range waiting {
		s.await(func() bool { return len(s.failures(id)) == 1 }, "the call does not wait for its turn")
		require.Equal(t, []string{dispatch.ErrorComeBack}, s.failures(id))
		require.Empty(t, s.story(id).outcomes("place"), "no call was made")
		described, err := s.client.DescribeWorkflowExecution(t.Context(), dispatch.OrderWorkflowID(id), "")
		require.NoError(t, err)
		require.Empty(t, described.GetPendingActivities(), "the order holds no worker")
	}

	s.within(callerPatience, "the cancellation", func() {
		r := s.cancel(placed[0].ID)
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	})
	require.Equal(t, []string{"done"}, s.story(placed[0].ID).outcomes("cancel"))
	s.within(2*callerPatience, "the free slots and the booking", func() {
		slot, err := s.scenarioSystem().NextSlot(t.Context(), scenario.WalkIn)
		require.NoError(t, err)
		r := s.callAsClient(http.MethodPost, "/v3/order/"+placed[1].ID+"/psc/appointment/book",
			map[string]any{"booking_key": slot})
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	})
	s.within(callerPatience, "the cancellation of an order whose placement waits", func() {
		r := s.cancel(waiting[0])
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	})
	require.Empty(t, s.story(waiting[0]).outcomes("cancel"), "the lab never heard of it")
	traffic := s.lab.Traffic()
	require.Zero(t, traffic.TooSoon, "%v", traffic.Calls)
}

// TestCallsThatAreTooNearAreNoticed is the control: calls without a spacing are marked by the lab.
func TestCallsThatAreTooNearAreNoticed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true, spacing: pacedSpacing})
	s.paceAccount(0)
	for range 2 {
		o, err := s.scenarioSystem().PlaceOrder(t.Context(), scenario.WalkIn, "", nil)
		require.NoError(t, err)
		_, err = o.AwaitStatuses(t.Context(), 2)
		require.NoError(t, err)
	}
	require.NotZero(t, s.lab.Traffic().TooSoon)
}
