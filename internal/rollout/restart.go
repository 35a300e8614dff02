package rollout

import (
	"context"
	"fmt"
	"sync/atomic"

	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// restartConcurrency is how many runs are restarted at once.
const restartConcurrency = 16

// maxRestartPasses bounds how often the runs are listed. Visibility is a moment behind, so the list may lack a run with
// a recent task. Restarting a run twice is harmless.
const maxRestartPasses = 5

// Restart restarts every open workflow whose last task was on a build, so that it begins on the current build from what
// is stored. It is for a rollback from a build whose workflow code the current one does not know: such runs cannot
// continue there. Signals that a run had not read are signalled again from the inbox. It returns how many runs it
// restarted.
func (d *Deployment) Restart(ctx context.Context, buildID string) (int, error) {
	current, err := d.current(ctx)
	if err != nil {
		return 0, err
	}
	if current == buildID {
		return 0, fmt.Errorf("build %q is current: its runs go on with it", buildID)
	}
	total := 0
	for range maxRestartPasses {
		n, err := d.restartPass(ctx, buildID)
		total += n
		if err != nil {
			return total, err
		}
		if n == 0 {
			break
		}
	}
	if total == 0 {
		return 0, nil
	}
	if _, err := dispatch.NewClient(d.temporal).Reconcile(ctx, dispatch.ReconcileInput{Rebuild: true}); err != nil {
		return total, fmt.Errorf("%d runs were started; the reconciler signals within 5 minutes what they had not taken: %w",
			total, err)
	}
	return total, nil
}

// restartPass restarts the runs that are listed now.
func (d *Deployment) restartPass(ctx context.Context, buildID string) (int, error) {
	var restarted atomic.Int64
	workflows := dispatch.NewClient(d.temporal)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(restartConcurrency)
	listing := d.forEachOpenWorkflow(groupCtx, buildID, func(workflowID string) {
		group.Go(func() error {
			known, err := workflows.RestartWorkflow(groupCtx, workflowID)
			if known {
				restarted.Add(1)
			}
			return err
		})
	})
	if err := group.Wait(); err != nil {
		return int(restarted.Load()), err
	}
	return int(restarted.Load()), listing
}

// forEachOpenWorkflow calls do for each open workflow whose last task was on a build.
func (d *Deployment) forEachOpenWorkflow(ctx context.Context, buildID string, do func(workflowID string)) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: d.openWorkflowsQuery(buildID), PageSize: 1000}
	for {
		page, err := d.temporal.ListWorkflow(ctx, request)
		if err != nil {
			return fmt.Errorf("listing the open workflows of build %q: %w", buildID, err)
		}
		for _, e := range page.GetExecutions() {
			do(e.GetExecution().GetWorkflowId())
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}
