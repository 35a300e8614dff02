package worker

import (
	"errors"
	"slices"

	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Version is one build of one deployment.
type Version struct {
	Deployment string // the name of all workers of a namespace that are rolled out together
	BuildID    string // empty: the worker is unversioned
}

func (v Version) validate() error {
	if v.BuildID != "" && v.Deployment == "" {
		return errors.New("a build id needs a deployment")
	}
	return nil
}

// deploymentOptions let every workflow continue on the build that is current when its next task is due
// (docs/rollouts.md). No run is pinned to a build. So an old build may be stopped as soon as another is current,
// although orders run for months.
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

// HoldAllChanges in the list of held changes means all of them.
const HoldAllChanges = "all"

// holdChanges makes workflow.GetVersion hold the given changes: a run that reaches one keeps the old behaviour, and its
// history records that. A run that another worker has already changed keeps the new behaviour, which is recorded as
// well.
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
