package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// The reconciler's schedules.
const (
	scheduleMinute = "reconcile-minute"
	scheduleHour   = "reconcile-hour"
	scheduleDay    = "reconcile-day"
)

// wantedSchedule is a schedule of the reconciler as this build wants it. A run that takes longer than the interval is
// not overtaken by the next one.
type wantedSchedule struct {
	id    string
	every time.Duration
	input dispatch.ReconcileInput
}

func wantedSchedules() []wantedSchedule {
	return []wantedSchedule{
		{scheduleMinute, time.Minute, dispatch.ReconcileInput{}},
		{scheduleHour, time.Hour, dispatch.ReconcileInput{OpenOrders: true}},
		{scheduleDay, 24 * time.Hour, dispatch.ReconcileInput{OpenOrders: true, Thorough: true}},
	}
}

// schedulesTimeout is how long the schedules may take, because orders can run without them.
const schedulesTimeout = 5 * time.Second

// ensureSchedules brings the reconciler's schedules to what this build wants, and returns those that it could not.
//
// The worker that started last decides, also if its build is older: after a rollback, the schedules are those of the
// build that runs.
func ensureSchedules(ctx context.Context, c client.Client, log *slog.Logger) []Missing {
	ctx, cancel := context.WithTimeout(ctx, schedulesTimeout)
	defer cancel()
	var missing []Missing
	for _, s := range wantedSchedules() {
		m := s.ensure(ctx, c, log)
		if m.Cause != nil {
			missing = append(missing, m)
		}
	}
	return missing
}

// ensure creates or updates the schedule. The answer has a cause if that failed.
func (s wantedSchedule) ensure(ctx context.Context, c client.Client, log *slog.Logger) Missing {
	m := Missing{Kind: KindSchedule, Name: s.id, Problem: "is missing", schedule: s}
	handle := c.ScheduleClient().GetHandle(ctx, s.id)
	found, err := handle.Describe(ctx)
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown || isNamespaceNotFound(err) {
		m.Cause = s.create(ctx, c)
		return m
	}
	if err != nil {
		m.Problem, m.Unchecked, m.Cause = "could not be checked", true, err
		return m
	}
	differences := s.differences(found.Schedule)
	if len(differences) == 0 {
		return m
	}
	what := strings.Join(differences, ", ")
	m.Problem, m.conflict = "has another "+what+" than this build wants", true
	m.Cause = handle.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			return &client.ScheduleUpdate{Schedule: s.applyTo(in.Description.Schedule)}, nil
		},
	})
	if m.Cause == nil {
		log.InfoContext(ctx, "updated a schedule", "schedule", s.id, "changed", what)
	}
	return m
}

func (s wantedSchedule) create(ctx context.Context, c client.Client) error {
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: s.id, Spec: s.spec(), Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		Action: &client.ScheduleWorkflowAction{
			ID: s.id, Workflow: dispatch.WorkflowReconcile, TaskQueue: dispatch.QueueDeliveries, Args: []any{s.input},
		},
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) { // another worker was first
		return nil
	}
	return err
}

func (s wantedSchedule) spec() client.ScheduleSpec {
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every}}}
}

// differences names what this build wants otherwise.
func (s wantedSchedule) differences(found client.Schedule) []string {
	var differences []string
	compare := func(what string, same bool) {
		if !same {
			differences = append(differences, what)
		}
	}
	spec, policy := found.Spec, found.Policy
	compare("interval", spec != nil && len(spec.Calendars) == 0 && len(spec.CronExpressions) == 0 &&
		reflect.DeepEqual(spec.Intervals, s.spec().Intervals))
	compare("overlap policy", policy != nil && policy.Overlap == enumspb.SCHEDULE_OVERLAP_POLICY_SKIP)
	action, ok := found.Action.(*client.ScheduleWorkflowAction)
	if !ok {
		return append(differences, "action")
	}
	compare("workflow", action.Workflow == dispatch.WorkflowReconcile && action.ID == s.id)
	compare("task queue", action.TaskQueue == dispatch.QueueDeliveries)
	compare("input", len(action.Args) == 1 && s.isInput(action.Args[0]))
	return differences
}

// isInput compares the input as JSON, so that fields of another build count.
func (s wantedSchedule) isInput(arg any) bool {
	payload, ok := arg.(*commonpb.Payload)
	if !ok {
		return false
	}
	var found, wanted any
	return json.Unmarshal(payload.GetData(), &found) == nil && json.Unmarshal(s.inputJSON(), &wanted) == nil &&
		reflect.DeepEqual(found, wanted)
}

func (s wantedSchedule) inputJSON() []byte {
	text, err := json.Marshal(s.input)
	if err != nil { // a struct of booleans
		panic(err)
	}
	return text
}

// applyTo changes what this build wants otherwise, and keeps the rest: whether the schedule is paused, its notes,
// jitter and time-outs.
func (s wantedSchedule) applyTo(found client.Schedule) *client.Schedule {
	if found.Spec == nil {
		found.Spec = &client.ScheduleSpec{}
	}
	found.Spec.Calendars, found.Spec.CronExpressions, found.Spec.Intervals = nil, nil, s.spec().Intervals
	if found.Policy == nil {
		found.Policy = &client.SchedulePolicies{}
	}
	found.Policy.Overlap = enumspb.SCHEDULE_OVERLAP_POLICY_SKIP
	action, ok := found.Action.(*client.ScheduleWorkflowAction)
	if !ok {
		action = &client.ScheduleWorkflowAction{}
	}
	action.ID, action.Workflow, action.TaskQueue = s.id, dispatch.WorkflowReconcile, dispatch.QueueDeliveries
	action.Args = []any{s.input}
	found.Action = action
	return &found
}

// command returns the command with which an administrator creates (create) or changes (update) the schedule.
func (s wantedSchedule) command(namespace, verb string) string {
	return fmt.Sprintf("temporal schedule %s --namespace %s --schedule-id %s --interval %s --overlap-policy Skip "+
		"--workflow-id %s --type %s --task-queue %s --input '%s'", verb, quote(namespace), s.id, s.every, s.id,
		dispatch.WorkflowReconcile, dispatch.QueueDeliveries, s.inputJSON())
}
