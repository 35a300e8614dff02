package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/workflows"
)

// writeHistoriesVariable names the environment variable with a directory. The tests whose names begin with
// TestHistories write the histories of their orders there, one file for each run. The files of workflows/testdata are
// written in this way. A release adds files and never changes older ones.
const writeHistoriesVariable = "ALIQUOT_KEEP_HISTORIES"

// shortDeadlinesPolicy has deadlines of fractions of a second, so that they pass on a real server.
const shortDeadlinesPolicy = `{"replacement":"auto",
	"recovery":{"window":"1500ms","reminders":["500ms"],"max_restarts":2},
	"deadlines":{"shipment":"300ms","outbound":"300ms","outbound_lost":"1s","results":"300ms"}}`

// workflowCase is one path through the Order workflow.
type workflowCase struct {
	name   string
	policy string
	order  map[string]any
	run    func(s *system, id string)
	final  string // status; empty: the order stays open, and its attention marks end the wait
}

var workflowCases = []workflowCase{
	{name: "plain", final: "completed.testkit.completed", run: func(s *system, id string) {
		s.playLabFacts(id)
	}},
	{name: "couriers", order: map[string]any{}, final: "completed.testkit.completed", run: func(s *system, id string) {
		s.sendLabFact(id, map[string]any{"type": "kit_shipped"})
		s.awaitStatus(id, "collecting_sample.testkit.transit_customer")
		for _, step := range []struct{ leg, status, becomes string }{
			{"outbound", "out_for_delivery", "collecting_sample.testkit.out_for_delivery"},
			{"outbound", "delivered", "collecting_sample.testkit.with_customer"},
			{"inbound", "in_transit", "collecting_sample.testkit.transit_lab"},
		} {
			s.sendLabFact(id, map[string]any{"type": "courier", "leg": step.leg, "status": step.status})
			s.awaitStatus(id, step.becomes)
		}
		s.sendLabFact(id, map[string]any{"type": "kit_received"})
		s.publishReport(id)
	}},
	{name: "out-of-order", final: "completed.testkit.completed", run: func(s *system, id string) {
		early := time.Now().UTC()
		s.sendLabFact(id, map[string]any{"type": "kit_received"})
		s.awaitStatus(id, "sample_with_lab.testkit.delivered_to_lab")
		s.sendLabFact(id, map[string]any{"type": "kit_shipped", "at": early})
		s.publishReport(id)
	}},
	{name: "recovered", final: "completed.testkit.completed", run: func(s *system, id string) {
		s.sendLabFact(id, map[string]any{"type": "kit_rejected", "recoverable": true, "reason": "Missing collection date"})
		s.awaitStatus(id, "sample_with_lab.testkit.lab_processing_blocked")
		s.mustCallAsOperations(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{"note": "date supplied"})
		s.mustCallAsOperations(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{"confirmed_by_lab": true})
		s.awaitStatus(id, "sample_with_lab.testkit.delivered_to_lab")
		s.publishReport(id)
	}},
	{name: "window-closed-and-replaced", policy: shortDeadlinesPolicy, final: "failed.testkit.sample_error",
		run: func(s *system, id string) {
			s.sendLabFact(id, map[string]any{"type": "kit_rejected", "recoverable": true, "reason": "Missing collection date"})
		}},
	{name: "lost", policy: shortDeadlinesPolicy, final: "failed.testkit.lost", run: func(s *system, id string) {
		s.sendLabFact(id, map[string]any{"type": "kit_shipped"})
		s.awaitStatus(id, "collecting_sample.testkit.transit_customer")
		s.sendLabFact(id, map[string]any{"type": "courier", "leg": "outbound", "status": "in_transit"})
	}},
	{name: "rejected", final: "failed.testkit.sample_error", run: func(s *system, id string) {
		s.sendLabFact(id, map[string]any{"type": "kit_rejected", "recoverable": false, "reason": "Hemolyzation"})
	}},
	{name: "cancelled", final: "cancelled.testkit.cancelled", run: func(s *system, id string) {
		require.Equal(s.t, http.StatusOK, s.callAsClient(http.MethodPost, "/v3/order/"+id+"/cancel", nil).Status)
	}},
	{name: "reviewed", final: "cancelled.testkit.cancelled", run: func(s *system, id string) {
		require.Equal(s.t, http.StatusOK, s.cancel(id).Status)
		s.publishReport(id)
		review := s.awaitReview().ID
		require.Equal(s.t, http.StatusOK, s.callAsClient(http.MethodPost, "/v3/unmatched_result/"+review+"/accept",
			map[string]any{}).Status)
	}},
	{
		name: "scheduled", final: "cancelled.testkit.cancelled",
		order: map[string]any{"activate_by": time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly)},
		run: func(s *system, id string) {
			later := time.Now().UTC().AddDate(0, 0, 40).Format(time.DateOnly)
			require.Equal(s.t, http.StatusOK, s.callAsClient(http.MethodPatch, "/v3/order/"+id,
				map[string]any{"activate_by": later}).Status)
			require.Equal(s.t, http.StatusOK, s.callAsClient(http.MethodPatch, "/v3/order/"+id,
				map[string]any{"activate_by": nil}).Status)
			s.awaitStatus(id, "received.testkit.requisition_created")
			s.mustCallAsOperations(http.MethodPost, "/ops/orders/"+id+"/cancel", nil)
		},
	},
	{
		name: "refused-then-placed", final: "cancelled.testkit.do_not_process",
		order: map[string]any{"passthrough": "sandbox:refuse-place"},
		run: func(s *system, id string) {
			s.awaitAttention(id, "placement_refused")
			s.callLab(http.MethodPut, "/sandbox/orders/"+s.labOrderNumber(id)+"/script", map[string]any{"script": "silent"})
			s.mustCallAsOperations(http.MethodPost, "/ops/orders/"+id+"/place", nil)
			s.awaitStatus(id, "received.testkit.requisition_created")
			s.mustCallAsOperations(http.MethodPost, "/ops/orders/"+id+"/do-not-process",
				map[string]any{"reason": "duplicate_order"})
		},
	},
	{name: "retried-placement", order: map[string]any{"passthrough": "sandbox:fail-place-2"},
		final: "completed.testkit.completed",
		run:   func(s *system, id string) { s.playLabFacts(id) }},
	{name: "corrected", final: "completed.testkit.corrected", run: func(s *system, id string) {
		s.playLabFacts(id)
		s.awaitStatus(id, "completed.testkit.completed")
		s.callLab(http.MethodPut, "/sandbox/orders/"+s.labOrderNumber(id)+"/results", map[string]any{})
		s.sendLabFact(id, map[string]any{"type": "report_ready"})
	}},
}

// TestHistoriesReplay takes a real order through every case and replays its history.
func TestHistoriesReplay(t *testing.T) {
	t.Parallel()
	for _, shape := range workflowCases {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, options{policy: shape.policy})
			id := s.placeOrder(shape.order)
			if shape.order == nil || shape.order["passthrough"] == nil && shape.order["activate_by"] == nil {
				s.awaitStatus(id, "received.testkit.requisition_created")
			}
			shape.run(s, id)
			s.awaitStatus(id, shape.final)
			s.awaitEnd(id)
			for i, h := range s.histories(dispatch.OrderWorkflowID(id)) {
				require.NoError(t, replay(h, workflows.Order))
				writeHistory(t, fmt.Sprintf("%s-%d.json", shape.name, i+1), h)
			}
		})
	}
}

// TestHistoriesOfDeliveriesAndReconcilerReplay replays the histories of the other two workflows.
func TestHistoriesOfDeliveriesAndReconcilerReplay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeOrder(nil)
	s.awaitStatus(id, "received.testkit.requisition_created")
	s.awaitWebhooks(id)
	run, err := s.client.ExecuteWorkflow(t.Context(),
		client.StartWorkflowOptions{ID: "reconcile", TaskQueue: dispatch.QueueDeliveries},
		dispatch.WorkflowReconcile, dispatch.ReconcileInput{OpenOrders: true})
	require.NoError(t, err)
	var healed dispatch.SweepResult
	require.NoError(t, run.Get(t.Context(), &healed))
	require.Equal(t, dispatch.SweepResult{}, healed, "nothing had to be healed")
	endpoints, err := s.store.Endpoints(t.Context(), s.teamID)
	require.NoError(t, err)
	deliveries := dispatch.DeliveriesWorkflowID(endpoints[0].ID)
	s.awaitClosed(deliveries)
	for name, workflowID := range map[string]string{"deliveries": deliveries, "reconcile": "reconcile"} {
		s.awaitClosed(workflowID)
		for i, h := range s.histories(workflowID) {
			require.NoError(t, replay(h, workflows.Order))
			writeHistory(t, fmt.Sprintf("%s-%d.json", name, i+1), h)
		}
	}
}

// TestReplayFindsAChangedWorkflow is the control: the same histories do not replay on an Order workflow that skips its
// first step.
func TestReplayFindsAChangedWorkflow(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeOrder(nil)
	s.playLabFacts(id)
	s.awaitStatus(id, "completed.testkit.completed")
	s.awaitEnd(id)
	changed := func(ctx workflow.Context, in dispatch.OrderInput) error {
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return err
		}
		return workflows.Order(ctx, in)
	}
	require.Error(t, replay(s.histories(dispatch.OrderWorkflowID(id))[0], changed))
}

func replay(h *historypb.History, order any) error {
	r := sdkworker.NewWorkflowReplayer()
	r.RegisterWorkflowWithOptions(order, workflow.RegisterOptions{Name: dispatch.WorkflowOrder})
	r.RegisterWorkflowWithOptions(workflows.Deliveries, workflow.RegisterOptions{Name: dispatch.WorkflowDeliveries})
	r.RegisterWorkflowWithOptions(workflows.Reconcile, workflow.RegisterOptions{Name: dispatch.WorkflowReconcile})
	return r.ReplayWorkflowHistory(nil, h)
}

func writeHistory(t *testing.T, name string, h *historypb.History) {
	t.Helper()
	dir := os.Getenv(writeHistoriesVariable)
	if dir == "" {
		return
	}
	text, err := protojson.Marshal(h)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
}

// histories returns the histories of all runs of a workflow, oldest first.
func (s *system) histories(workflowID string) []*historypb.History {
	s.t.Helper()
	ctx := context.Background()
	var out []*historypb.History
	for _, run := range s.runs(workflowID) {
		h := &historypb.History{}
		events := s.client.GetWorkflowHistory(ctx, workflowID, run, false, 0)
		for events.HasNext() {
			e, err := events.Next()
			require.NoError(s.t, err)
			h.Events = append(h.Events, e)
		}
		out = append(out, h)
	}
	return out
}

// runs returns the run ids of a workflow, oldest first. Each run but the first names the run before it.
func (s *system) runs(workflowID string) []string {
	s.t.Helper()
	list, err := s.client.ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: s.namespace, Query: fmt.Sprintf("WorkflowId = '%s'", workflowID),
	})
	require.NoError(s.t, err)
	var out []string
	for i := len(list.GetExecutions()) - 1; i >= 0; i-- {
		out = append(out, list.GetExecutions()[i].GetExecution().GetRunId())
	}
	return out
}

// awaitEnd waits until no run of the order is open, and Temporal's list of runs shows that.
func (s *system) awaitEnd(id string) {
	s.t.Helper()
	s.awaitClosed(dispatch.OrderWorkflowID(id))
}

func (s *system) awaitClosed(workflowID string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		d, err := s.client.DescribeWorkflowExecution(context.Background(), workflowID, "")
		if err != nil || d.GetWorkflowExecutionInfo().GetCloseTime() == nil {
			return false
		}
		runs := s.runs(workflowID)
		return len(runs) > 0 && runs[len(runs)-1] == d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	}, timeout, 50*time.Millisecond, "a run of %s stays open", workflowID)
}

// playLabFacts sends the lab's four facts.
func (s *system) playLabFacts(id string) {
	s.t.Helper()
	s.awaitStatus(id, "received.testkit.requisition_created")
	s.sendLabFact(id, map[string]any{"type": "kit_shipped"})
	s.awaitStatus(id, "collecting_sample.testkit.transit_customer")
	s.sendLabFact(id, map[string]any{"type": "kit_received"})
	s.awaitStatus(id, "sample_with_lab.testkit.delivered_to_lab")
	s.publishReport(id)
}

// publishReport publishes a lab report at the simulated lab and sends its announcement.
func (s *system) publishReport(id string) {
	s.t.Helper()
	s.callLab(http.MethodPut, "/sandbox/orders/"+s.labOrderNumber(id)+"/results", map[string]any{})
	s.sendLabFact(id, map[string]any{"type": "report_ready"})
}

// sendLabFact has the simulated lab or its courier send one fact.
func (s *system) sendLabFact(id string, fact map[string]any) {
	s.t.Helper()
	s.callLab(http.MethodPost, "/sandbox/orders/"+s.labOrderNumber(id)+"/facts", fact)
}

func (s *system) mustCallAsOperations(method, path string, body any) {
	s.t.Helper()
	r := s.callAsOperations(method, path, body)
	require.Equal(s.t, http.StatusOK, r.Status, "%s %s: %s", method, path, r.Body)
}
