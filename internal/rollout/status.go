package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// The states of a build.
const (
	StateCurrent  = "current"  // all orders run on it, except those of a ramp
	StateRamping  = "ramping"  // a part of the orders runs on it
	StateDraining = "draining" // it was current, and workflows may still have to run on it
	StateDrained  = "drained"  // no workflow has to run on it: its workers may be stopped
	StateWaiting  = "waiting"  // no workflow runs on it, and none has
)

// Status is the state of a deployment.
type Status struct {
	Deployment     string   `json:"deployment"`
	Current        string   `json:"current"` // build; empty: workers without a version
	Ramping        string   `json:"ramping,omitempty"`
	Percentage     float32  `json:"percentage,omitempty"` // of the ramp
	Builds         []Build  `json:"builds"`               // newest first
	UnservedQueues []string `json:"idle,omitempty"`       // task queues that no worker of the current build serves
}

// Build is one build of a deployment.
type Build struct {
	ID        string         `json:"id"` // empty: workers without a version
	State     string         `json:"state"`
	CreatedAt time.Time      `json:"created_at,omitzero"`
	Workers   map[string]int `json:"workers"` // processes that have lately polled, by task queue
	// OpenOrders is the number of open orders, OtherWorkflows that of other open workflows, whose last task was on this
	// build.
	OpenOrders     int64 `json:"orders"`
	OtherWorkflows int64 `json:"others"`
}

// Status returns the state of a deployment. A deployment that Temporal does not know has only the workers without a
// version.
func (d *Deployment) Status(ctx context.Context) (Status, error) {
	out := Status{Deployment: d.name}
	found, err := d.describe(ctx)
	if _, unknown := errors.AsType[*UnknownError](err); err != nil && !unknown {
		return out, err
	}
	routing := found.Info.RoutingConfig
	out.Current, out.Ramping, out.Percentage = buildOf(routing.CurrentVersion), buildOf(routing.RampingVersion),
		routing.RampingVersionPercentage
	for _, v := range found.Info.VersionSummaries {
		out.Builds = append(out.Builds, Build{ID: v.Version.BuildID, CreatedAt: v.CreateTime, State: d.buildState(out, v)})
	}
	slices.SortFunc(out.Builds, func(a, b Build) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	unversioned := Build{State: StateDrained}
	if out.Current == "" {
		unversioned.State = StateCurrent
	}
	out.Builds = append(out.Builds, unversioned)
	for i := range out.Builds {
		if err := d.countOpenWorkflows(ctx, &out.Builds[i]); err != nil {
			return out, err
		}
	}
	return out, d.countWorkers(ctx, &out)
}

func (d *Deployment) buildState(s Status, v client.WorkerDeploymentVersionSummary) string {
	switch {
	case v.Version.BuildID == s.Current:
		return StateCurrent
	case v.Version.BuildID == s.Ramping:
		return StateRamping
	case v.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDraining:
		return StateDraining
	case v.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDrained:
		return StateDrained
	}
	return StateWaiting
}

// openWorkflowsQuery returns the visibility query for open workflows whose last task was on a build.
func (d *Deployment) openWorkflowsQuery(buildID string) string {
	if buildID == "" {
		return `ExecutionStatus = "Running" AND TemporalWorkerDeploymentVersion IS NULL`
	}
	return fmt.Sprintf(`ExecutionStatus = "Running" AND TemporalWorkerDeploymentVersion = "%s:%s"`, d.name, buildID)
}

// countOpenWorkflows counts a build's open workflows.
func (d *Deployment) countOpenWorkflows(ctx context.Context, b *Build) error {
	ofOrders := ` AND WorkflowType = "` + dispatch.WorkflowOrder + `"`
	ofOthers := fmt.Sprintf(` AND WorkflowType IN (%q, %q)`, dispatch.WorkflowDeliveries, dispatch.WorkflowReconcile)
	for query, into := range map[string]*int64{ofOrders: &b.OpenOrders, ofOthers: &b.OtherWorkflows} {
		counted, err := d.temporal.CountWorkflow(ctx,
			&workflowservice.CountWorkflowExecutionsRequest{Query: d.openWorkflowsQuery(b.ID) + query})
		if err != nil {
			return fmt.Errorf("counting the open workflows of build %q: %w", b.ID, err)
		}
		*into = counted.GetCount()
	}
	return nil
}

// pollerMaxAge is how long a worker counts as present after it has polled. A poll takes a minute.
const pollerMaxAge = 70 * time.Second

// countWorkers counts the processes that poll, and finds the queues without workers of the current build.
func (d *Deployment) countWorkers(ctx context.Context, s *Status) error {
	for i := range s.Builds {
		s.Builds[i].Workers = map[string]int{}
	}
	for _, queue := range dispatch.QueueNames() {
		pollers, err := d.pollers(ctx, queue)
		if err != nil {
			return err
		}
		for i := range s.Builds {
			b := &s.Builds[i]
			if n := d.countProcesses(pollers, b.ID); n > 0 {
				b.Workers[queue] = n
			} else if b.State == StateCurrent {
				s.UnservedQueues = append(s.UnservedQueues, queue)
			}
		}
	}
	return nil
}

func (d *Deployment) pollers(ctx context.Context, queue string) ([]*taskqueuepb.PollerInfo, error) {
	var all []*taskqueuepb.PollerInfo
	for _, kind := range []enumspb.TaskQueueType{enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY} {
		found, err := d.temporal.DescribeTaskQueue(ctx, queue, kind)
		if err != nil {
			return nil, fmt.Errorf("asking Temporal about the task queue %s: %w", queue, err)
		}
		all = append(all, found.GetPollers()...)
	}
	return all, nil
}

// countProcesses counts the workers of a build among the pollers of a queue.
func (d *Deployment) countProcesses(pollers []*taskqueuepb.PollerInfo, buildID string) int {
	seen := map[string]bool{}
	for _, p := range pollers {
		options := p.GetDeploymentOptions()
		versioned := options.GetWorkerVersioningMode() == enumspb.WORKER_VERSIONING_MODE_VERSIONED
		ours := versioned && options.GetDeploymentName() == d.name && options.GetBuildId() == buildID || !versioned &&
			buildID == ""
		if ours && time.Since(p.GetLastAccessTime().AsTime()) < pollerMaxAge {
			seen[p.GetIdentity()] = true
		}
	}
	return len(seen)
}
