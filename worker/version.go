package worker

import (
	"errors"
	"slices"

	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Version is one build of one deployment.
type Version struct {
	Deployment string // all workers of one namespace that are rolled out together
	BuildID    string // empty: the worker is unversioned
}

func (v Version) validate() error {
	if v.BuildID != "" && v.Deployment == "" {
		return errors.New("a build id needs a deployment")
	}
	return nil
}

// deploymentOptions make every workflow go on with the build that is current when its next task is due (docs/rollouts.md). A build is pinned to
// nothing, so an old one may be stopped as soon as another is current, although orders live for months.
func (v Version) deploymentOptions() sdk.DeploymentOptions {
	if v.BuildID == "" {
		return sdk.DeploymentOptions{}
	}
	return sdk.DeploymentOptions{
		UseVersioning:             true,
		Version:                   sdk.WorkerDeploymentVersion{DeploymentName: v.Deployment, BuildID: v.BuildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}

// HoldAllChanges holds every change of workflow code.
const HoldAllChanges = "all"

// holdChanges makes workflow.GetVersion begin no change that is held: a run that comes to one keeps the old way, and notes that it does. Runs
// that have begun it before, with another worker, go on with it, because that is noted as well.
func holdChanges(changes []string) sdk.PreferredVersionProvider {
	if len(changes) == 0 {
		return nil
	}
	all := slices.Contains(changes, HoldAllChanges)
	return func(in sdk.PreferredVersionProviderInput) *sdk.VersionPreference {
		if !all && !slices.Contains(changes, in.ChangeID) {
			return nil
		}
		return &sdk.VersionPreference{Version: workflow.DefaultVersion, ClampToSupportedRange: true}
	}
}
