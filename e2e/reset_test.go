package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// everyResetVariable names the environment variable with which sampleResets returns all points. The tests then take
// some minutes.
const everyResetVariable = "ALIQUOT_TEST_EVERY_RESET"

// A sample has resetsPerOrder of an order's workflow tasks, and resetsNearCalls of those that ran during a call or made
// one.
const resetsPerOrder, resetsNearCalls = 2, 4

// resetPoint is a workflow task of a run that the run is reset to.
type resetPoint struct {
	run      string
	event    int64 // WorkflowTaskCompleted
	nearCall bool  // an activity was in flight, or the task scheduled one
	reapply  bool  // the signals and updates after the task are applied again
}

func (p resetPoint) String() string { return fmt.Sprintf("event %d, reapply %t", p.event, p.reapply) }

// resetPoints lists all workflow tasks of all runs of an order, in both ways, oldest first.
func (s *system) resetPoints(id string) []resetPoint {
	s.t.Helper()
	var all []resetPoint
	workflowID := dispatch.OrderWorkflowID(id)
	runs := s.runs(workflowID)
	for i, h := range s.histories(workflowID) {
		for _, p := range resetPointsOf(h) {
			p.run = runs[i]
			withAll := p
			withAll.reapply = true
			all = append(all, p, withAll)
		}
	}
	return all
}

// resetPointsOf lists the workflow tasks of one run, without reapplying anything.
func resetPointsOf(h *historypb.History) (points []resetPoint) {
	inFlight, duringCall := 0, false
	for _, e := range h.GetEvents() {
		switch e.GetEventType() {
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			inFlight++
			points[len(points)-1].nearCall = true
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED,
			enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
			inFlight--
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			duringCall = inFlight > 0
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			points = append(points, resetPoint{event: e.GetEventId(), nearCall: duringCall})
		}
	}
	return points
}

// allResets returns all points.
func allResets(all []resetPoint) []resetPoint { return all }

// sampleResets returns some of the points: some that are evenly spread, with the first one and the last one, and some
// near a call.
func sampleResets(all []resetPoint) []resetPoint {
	if os.Getenv(everyResetVariable) != "" {
		return all
	}
	nearCalls := slices.DeleteFunc(slices.Clone(all), func(p resetPoint) bool { return !p.nearCall })
	some := append(sampleEvenly(all, resetsPerOrder), sampleEvenly(nearCalls, resetsNearCalls)...)
	var once []resetPoint
	for _, p := range some {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return once
}

// sampleEvenly returns n of the points, or all if there are fewer. Neighbours differ in what is reapplied.
func sampleEvenly(all []resetPoint, n int) []resetPoint {
	if len(all) <= n {
		return all
	}
	var some []resetPoint
	for i := range n {
		at := i * (len(all) - 1) / (n - 1)
		some = append(some, all[at-at%2+i%2])
	}
	return some
}

// changesByResets resets the order to the workflow tasks that choose returns, one after the other, and waits after each
// until the run is quiet. It returns what the resets changed.
func (s *system) changesByResets(id string, choose func([]resetPoint) []resetPoint) (changes []string) {
	s.t.Helper()
	s.awaitQuiet(id)
	before := s.account(id)
	for _, p := range choose(s.resetPoints(id)) {
		s.reset(id, p)
		s.awaitQuiet(id)
		after := s.account(id)
		for _, change := range before.differences(after) {
			changes = append(changes, fmt.Sprintf("%s: %s", p, change))
		}
		before = after
	}
	return changes
}

// reset resets a run of the order, as `temporal workflow reset` and Temporal's UI do.
func (s *system) reset(id string, p resetPoint) {
	s.t.Helper()
	var excluded []enumspb.ResetReapplyExcludeType
	if !p.reapply {
		excluded = []enumspb.ResetReapplyExcludeType{enumspb.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
			enumspb.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE}
	}
	_, err := s.client.ResetWorkflowExecution(s.t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace:                 s.namespace,
		WorkflowExecution:         &commonpb.WorkflowExecution{WorkflowId: dispatch.OrderWorkflowID(id), RunId: p.run},
		Reason:                    "a test",
		WorkflowTaskFinishEventId: p.event,
		RequestId:                 uuid.NewString(),
		ResetReapplyExcludeTypes:  excluded,
	})
	require.NoError(s.t, err, "%s", p)
}

// quietFor is how far the next timer of a quiet run is away. Runs wait for shorter times between a call and its
// outcome, and for days otherwise.
const quietFor = 20 * time.Second

// awaitQuiet waits until the newest run of the order is closed, or has nothing to do: no workflow task, no activity and
// no timer that fires soon.
func (s *system) awaitQuiet(id string) {
	s.t.Helper()
	last := int64(-1)
	s.await(func() bool {
		d, err := s.client.DescribeWorkflowExecution(context.Background(), dispatch.OrderWorkflowID(id), "")
		if err != nil || d.GetPendingWorkflowTask() != nil || len(d.GetPendingActivities()) > 0 {
			return false
		}
		info := d.GetWorkflowExecutionInfo()
		if info.GetCloseTime() != nil {
			return true
		}
		before := last
		last = info.GetHistoryLength()
		return before == last && !s.hasTimerSoon(id, info.GetExecution().GetRunId())
	}, "order %s does not become quiet", id)
}

// hasTimerSoon reports whether a timer of the run fires soon.
func (s *system) hasTimerSoon(id, run string) bool {
	s.t.Helper()
	due := map[int64]time.Time{}
	events := s.client.GetWorkflowHistory(context.Background(), dispatch.OrderWorkflowID(id), run, false, 0)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(s.t, err)
		switch {
		case e.GetTimerStartedEventAttributes() != nil:
			due[e.GetEventId()] = e.GetEventTime().AsTime().Add(
				e.GetTimerStartedEventAttributes().GetStartToFireTimeout().AsDuration())
		case e.GetTimerFiredEventAttributes() != nil:
			delete(due, e.GetTimerFiredEventAttributes().GetStartedEventId())
		case e.GetTimerCanceledEventAttributes() != nil:
			delete(due, e.GetTimerCanceledEventAttributes().GetStartedEventId())
		}
	}
	for _, at := range due {
		if time.Until(at) < quietFor {
			return true
		}
	}
	return false
}

// TestResetsGoBack is the control: the sample has resets to the first and the last workflow task and in both ways, and
// a reset run begins with the events before its workflow task.
func TestResetsGoBack(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeAndAwait()
	s.playLabFacts(id)
	s.awaitStatus(id, "completed.testkit.completed")
	s.awaitEnd(id)
	all := s.resetPoints(id)
	some := sampleEvenly(all, resetsPerOrder)
	require.Greater(t, len(all), resetsPerOrder)
	require.Equal(t, all[0].event, some[0].event)
	require.Equal(t, all[len(all)-1].event, some[len(some)-1].event)
	require.NotEqual(t, some[0].reapply, some[len(some)-1].reapply)

	before := s.histories(dispatch.OrderWorkflowID(id))
	s.reset(id, all[0])
	s.awaitQuiet(id)
	s.await(func() bool { return len(s.runs(dispatch.OrderWorkflowID(id))) == 2 }, "there is no second run")
	after := s.histories(dispatch.OrderWorkflowID(id))[1]
	require.Equal(t, before[0].GetEvents()[0].GetEventTime(), after.GetEvents()[0].GetEventTime())
	require.Equal(t, enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
		after.GetEvents()[all[0].event-1].GetWorkflowTaskFailedEventAttributes().GetCause())
}
