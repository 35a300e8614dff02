package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// propagationTimeout is how long a change may take to reach all task queues. A healthy cluster needs a second or two.
const propagationTimeout = time.Minute

// PropagationError says that a change was made, and that some of Temporal's task queues do not know it yet.
type PropagationError struct{ Deployment string }

func (e *PropagationError) Error() string {
	return fmt.Sprintf("the change of the deployment %q is made, but after %s some of Temporal's task queues do not "+
		"know of it yet", e.Deployment, propagationTimeout)
}

// awaitPropagation waits until all task queues know a change. Temporal answers a change before that. Until all queues
// know it, orders may run a task on the previous build. A server before 1.30 does not report the progress and has
// informed all queues when it answers. Errors: *PropagationError.
func (d *Deployment) awaitPropagation(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, propagationTimeout)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		propagating, err := d.isPropagating(limited)
		if err == nil && !propagating {
			return nil
		}
		if err != nil && limited.Err() == nil {
			return err
		}
		select {
		case <-limited.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return &PropagationError{Deployment: d.name}
		case <-tick.C:
		}
	}
}

func (d *Deployment) isPropagating(ctx context.Context) (bool, error) {
	found, err := d.temporal.WorkflowService().DescribeWorkerDeployment(ctx,
		&workflowservice.DescribeWorkerDeploymentRequest{
			Namespace: d.namespace, DeploymentName: d.name,
		})
	err = d.translateError("", err)
	if _, unknown := errors.AsType[*UnknownError](err); unknown {
		return false, nil // unversioned workers became current, and there are no others
	}
	state := found.GetWorkerDeploymentInfo().GetRoutingConfigUpdateState()
	return state == enumspb.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS, err
}
