// Package rollout moves the orders of a running system from one build of the workers to another, and back, by Temporal's Worker
// Deployment Versioning. Which build works on which orders, and why, is in docs/rollouts.md.
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

// Deployment is all the workers of one namespace that are rolled out together.
type Deployment struct {
	namespace string
	name      string
	temporal  client.Client
}

// Open gives access to the deployment of a name, which need not exist yet, in the client's namespace. The client must have Aliquot's
// data converter.
func Open(c client.Client, namespace, name string) *Deployment {
	return &Deployment{namespace: namespace, name: name, temporal: c}
}

// UnknownError says that no worker of a deployment, or of a build of it, has ever asked for work.
type UnknownError struct {
	Deployment string
	BuildID    string // empty: of the whole deployment
}

func (e *UnknownError) Error() string {
	if e.BuildID == "" {
		return fmt.Sprintf("no worker of the deployment %q has asked for work", e.Deployment)
	}
	return fmt.Sprintf("no worker of build %q of the deployment %q has asked for work", e.BuildID, e.Deployment)
}

// MissingQueuesError says that the workers of a build do not serve every task queue that those of the current one serve.
type MissingQueuesError struct{ BuildID string }

func (e *MissingQueuesError) Error() string {
	return fmt.Sprintf("the workers of build %q do not serve every task queue that the current build serves", e.BuildID)
}

// ErrNoPrevious is returned where it is not known which build was current before.
var ErrNoPrevious = errors.New("it is not known which build was current before this one")

// Force says which protections a change goes without.
type Force struct {
	NoPollers     bool // the build may have no workers at all
	MissingQueues bool // its workers need not serve every queue
}

// previousBuildKey is where a version's metadata name the build that was current before it.
const previousBuildKey = "aliquot-previous"

// SetCurrent makes a build that which works on all orders from now on, and ends a ramp, whichever build it is to. An empty id stands for
// workers without a version. A build whose workers are not there yet is waited for as long as ctx allows, but no longer than wait. When it returns nil,
// every task queue knows of the change. Errors: *UnknownError, *MissingQueuesError, *SpreadingError.
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

// endRamp takes the orders of a ramp back, where there is one. Temporal leaves a ramp to a third build as it is when another becomes
// current.
func (d *Deployment) endRamp(ctx context.Context) error {
	found, err := d.describe(ctx)
	if _, unknown := errors.AsType[*UnknownError](err); unknown || err == nil &&
		found.Info.RoutingConfig.RampingVersion == nil {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = d.handle().SetRampingVersion(ctx, client.WorkerDeploymentSetRampingVersionOptions{})
	return d.translateError("", err)
}

// Ramp has a build work on a percentage of the orders, the same ones for as long as the percentage stays; 0 ends the ramp. Errors are
// those of SetCurrent.
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

// Rollback ends a ramp or, where there is none, makes the build current that was so before the present one. It returns that build, empty
// for workers without a version. Its workers are waited for as by SetCurrent. Errors: ErrNoPrevious, and those of SetCurrent.
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
	found, err := d.handle().Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	return found, d.translateError("", err)
}

// current is the build that is current; empty: workers without a version are.
func (d *Deployment) current(ctx context.Context) (string, error) {
	found, err := d.describe(ctx)
	if _, unknown := errors.AsType[*UnknownError](err); unknown {
		return "", nil
	}
	return buildOf(found.Info.RoutingConfig.CurrentVersion), err
}

// ReceivesOrders reports whether a build gets work, because it is current or a ramp is to it, and which build is current.
func (d *Deployment) ReceivesOrders(ctx context.Context, buildID string) (works bool, current string, err error) {
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
	_, err := d.handle().UpdateVersionMetadata(ctx, client.WorkerDeploymentUpdateVersionMetadataOptions{
		Version:        sdk.WorkerDeploymentVersion{DeploymentName: d.name, BuildID: buildID},
		MetadataUpdate: client.WorkerDeploymentMetadataUpdate{UpsertEntries: map[string]any{previousBuildKey: before}},
	})
	if err != nil {
		return fmt.Errorf("build %q is current; noting which one was before it: %w", buildID, err)
	}
	return nil
}

func (d *Deployment) previousBuild(ctx context.Context, current string) (string, error) {
	found, err := d.handle().DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: current})
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

// retryUntilKnown tries again while the build's workers, or some of their queues, are not known yet.
func (d *Deployment) retryUntilKnown(ctx context.Context, buildID string, wait time.Duration, try func() error) error {
	deadline := time.Now().Add(wait)
	for {
		err := d.translateError(buildID, try())
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

// translateError turns what Temporal says into errors that a caller can do something about. What it says differs in its words only.
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
