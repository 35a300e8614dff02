package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// propagationTimeout is how long a change may take to reach every task queue. It takes a second or two on a cluster that is well.
const propagationTimeout = time.Minute

// PropagationError says that a change was made, and that Temporal has not told all of its task queues yet.
type PropagationError struct{ Deployment string }

func (e *PropagationError) Error() string {
	return fmt.Sprintf("the change of the deployment %q is made, but after %s some of Temporal's task queues do not know of it yet", e.Deployment, propagationTimeout)
}

// awaitPropagation waits until every task queue knows how work is divided. Temporal answers a change before: until then, orders may take a step
// with the build that worked on them so far. A server of before 1.30 does not say, and has told all when it answers. Errors: *SpreadingError.
func (d *Deployment) awaitPropagation(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, propagationTimeout)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		spreading, err := d.isPropagating(limited)
		if err == nil && !spreading {
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
		return false, nil // workers without a version were made current where there are no others
	}
	state := found.GetWorkerDeploymentInfo().GetRoutingConfigUpdateState()
	return state == enumspb.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS, err
}
