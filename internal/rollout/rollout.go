// Package rollout moves the orders of a running system from one build of the workers to another and back, by Temporal's
// Worker Deployment Versioning. docs/rollouts.md says which build runs which orders, and why.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/worker"
)

// Deployment is all workers of a namespace that are rolled out together.
type Deployment struct {
	namespace string
	name      string
	temporal  client.Client
}

// Open returns the deployment with the given name in the client's namespace. It need not exist yet. The client must use
// Aliquot's data converter.
func Open(c client.Client, namespace, name string) *Deployment {
	return &Deployment{namespace: namespace, name: name, temporal: c}
}

// UnknownError says that no worker of a deployment, or of a build of it, has ever polled.
type UnknownError struct {
	Deployment string
	BuildID    string // empty: the whole deployment
}

func (e *UnknownError) Error() string {
	if e.BuildID == "" {
		return fmt.Sprintf("no worker of the deployment %q has asked for work", e.Deployment)
	}
	return fmt.Sprintf("no worker of build %q of the deployment %q has asked for work", e.BuildID, e.Deployment)
}

// MissingQueuesError says that the workers of a build do not serve all task queues that those of the current build
// serve.
type MissingQueuesError struct{ BuildID string }

func (e *MissingQueuesError) Error() string {
	return fmt.Sprintf("the workers of build %q do not serve every task queue that the current build serves", e.BuildID)
}

// ErrNoPrevious says that it is not known which build was current before.
var ErrNoPrevious = errors.New("it is not known which build was current before this one")

// Force switches off protections of a change.
type Force struct {
	NoPollers     bool // the build may have no workers at all
	MissingQueues bool // its workers need not serve all queues
}

// previousBuildKey is the key of the metadata of a build that names the build that was current before it.
const previousBuildKey = "aliquot-previous"

// SetCurrent makes a build current: all orders run on it from their next task on. It records which build was current
// before, ends any ramp and waits until all task queues know the change. An empty id means workers without a version.
// If the build has no workers yet, it waits for them as long as ctx allows, but not longer than wait. Errors:
// *UnknownError, *MissingQueuesError, *PropagationError.
func (d *Deployment) SetCurrent(ctx context.Context, buildID string, wait time.Duration, force Force) error {
	before, err := d.current(ctx)
	if err != nil {
		return err
	}
	err = d.retryUntilKnown(ctx, buildID, wait, func() error {
		_, err := d.handle().SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{
			BuildID: buildID, AllowNoPollers: force.NoPollers, IgnoreMissingTaskQueues: force.MissingQueues,
		})
		return err
	})
	if err != nil {
		return err
	}
	if buildID != "" && before != buildID {
		if err := d.recordPreviousBuild(ctx, buildID, before); err != nil {
			return err
		}
	}
	if err := d.endRamp(ctx); err != nil {
		return fmt.Errorf("the build is current; ending the ramp to another: %w", err)
	}
	return d.awaitPropagation(ctx)
}

// endRamp ends a ramp, if there is one. Temporal does not end a ramp to a third build when another becomes current.
func (d *Deployment) endRamp(ctx context.Context) error {
	found, err := d.describe(ctx)
	if _, unknown := errors.AsType[*UnknownError](err); unknown || err == nil &&
		found.Info.RoutingConfig.RampingVersion == nil {
		return nil
	}
	if err != nil {
		return err
	}
	err = repeatUnanswered(ctx, func() error {
		_, err := d.handle().SetRampingVersion(ctx, client.WorkerDeploymentSetRampingVersionOptions{})
		return err
	})
	return d.translateError("", err)
}

// Ramp runs a percentage of the orders on a build. They are the same orders as long as the percentage does not change.
// 0 ends the ramp. Errors are those of SetCurrent.
func (d *Deployment) Ramp(ctx context.Context, buildID string, percentage float32, wait time.Duration,
	force Force) error {
	if percentage == 0 {
		buildID = ""
	}
	err := d.retryUntilKnown(ctx, buildID, wait, func() error {
		_, err := d.handle().SetRampingVersion(ctx, client.WorkerDeploymentSetRampingVersionOptions{
			BuildID: buildID, Percentage: percentage, AllowNoPollers: force.NoPollers,
			IgnoreMissingTaskQueues: force.MissingQueues,
		})
		return err
	})
	if err != nil {
		return err
	}
	return d.awaitPropagation(ctx)
}

// Rollback ends a ramp. If there is none, it makes the build current that was current before. It returns that build;
// empty: workers without a version. It waits for its workers as SetCurrent does. Errors: ErrNoPrevious, and those of
// SetCurrent.
func (d *Deployment) Rollback(ctx context.Context, wait time.Duration, force Force) (buildID string, err error) {
	found, err := d.describe(ctx)
	if err != nil {
		return "", err
	}
	current := buildOf(found.Info.RoutingConfig.CurrentVersion)
	if found.Info.RoutingConfig.RampingVersion != nil {
		return current, d.Ramp(ctx, "", 0, 0, force)
	}
	if current == "" {
		return "", ErrNoPrevious
	}
	previous, err := d.previousBuild(ctx, current)
	if err != nil {
		return "", err
	}
	return previous, d.SetCurrent(ctx, previous, wait, force)
}

func (d *Deployment) handle() client.WorkerDeploymentHandle {
	return d.temporal.WorkerDeploymentClient().GetHandle(d.name)
}

func (d *Deployment) describe(ctx context.Context) (client.WorkerDeploymentDescribeResponse, error) {
	var found client.WorkerDeploymentDescribeResponse
	err := repeatUnanswered(ctx, func() (err error) {
		found, err = d.handle().Describe(ctx, client.WorkerDeploymentDescribeOptions{})
		return err
	})
	return found, d.translateError("", err)
}

// current returns the current build; empty: workers without a version.
func (d *Deployment) current(ctx context.Context) (string, error) {
	found, err := d.describe(ctx)
	if _, unknown := errors.AsType[*UnknownError](err); unknown {
		return "", nil
	}
	return buildOf(found.Info.RoutingConfig.CurrentVersion), err
}

// ReceivesOrders reports whether orders run on a build, because it is current or has a ramp, and which build is
// current.
func (d *Deployment) ReceivesOrders(ctx context.Context, buildID string) (receives bool, current string, err error) {
	found, err := d.describe(ctx)
	if _, unknown := errors.AsType[*UnknownError](err); unknown {
		return buildID == "", "", nil
	}
	current = buildOf(found.Info.RoutingConfig.CurrentVersion)
	ramping := found.Info.RoutingConfig.RampingVersion
	return buildID == current || ramping != nil && buildID == ramping.BuildID, current, err
}

func buildOf(v *sdk.WorkerDeploymentVersion) string {
	if v == nil {
		return ""
	}
	return v.BuildID
}

func (d *Deployment) recordPreviousBuild(ctx context.Context, buildID, before string) error {
	previous := client.WorkerDeploymentMetadataUpdate{UpsertEntries: map[string]any{previousBuildKey: before}}
	err := repeatUnanswered(ctx, func() error {
		_, err := d.handle().UpdateVersionMetadata(ctx, client.WorkerDeploymentUpdateVersionMetadataOptions{
			Version:        sdk.WorkerDeploymentVersion{DeploymentName: d.name, BuildID: buildID},
			MetadataUpdate: previous,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("build %q is current; recording which one was current before it: %w", buildID, err)
	}
	return nil
}

func (d *Deployment) previousBuild(ctx context.Context, current string) (string, error) {
	var found client.WorkerDeploymentVersionDescription
	err := repeatUnanswered(ctx, func() (err error) {
		found, err = d.handle().DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: current})
		return err
	})
	if err != nil {
		return "", d.translateError(current, err)
	}
	payload, ok := found.Info.Metadata[previousBuildKey]
	if !ok {
		return "", ErrNoPrevious
	}
	var previous string
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &previous); err != nil {
		return "", fmt.Errorf("reading which build was current before %q: %w", current, err)
	}
	return previous, nil
}

// retryUntilKnown retries while Temporal does not know the build's workers, or some of their queues, yet.
func (d *Deployment) retryUntilKnown(ctx context.Context, buildID string, wait time.Duration, try func() error) error {
	deadline := time.Now().Add(wait)
	for {
		err := d.translateError(buildID, repeatUnanswered(ctx, try))
		_, unknown := errors.AsType[*UnknownError](err)
		_, missing := errors.AsType[*MissingQueuesError](err)
		if !unknown && !missing || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// translateError turns errors of Temporal into errors that a caller can handle. Temporal's differ only in their texts.
func (d *Deployment) translateError(buildID string, err error) error {
	if err == nil {
		return nil
	}
	_, notFound := errors.AsType[*serviceerror.NotFound](err)
	_, refused := errors.AsType[*serviceerror.FailedPrecondition](err)
	text := strings.ToLower(err.Error())
	switch {
	case notFound, refused && (strings.Contains(text, "not found") || strings.Contains(text, "pollers")):
		return &UnknownError{Deployment: d.name, BuildID: buildID}
	case refused && strings.Contains(text, "task queue"):
		return &MissingQueuesError{BuildID: buildID}
	}
	return fmt.Errorf("asking Temporal about the deployment %q: %w", d.name, err)
}
