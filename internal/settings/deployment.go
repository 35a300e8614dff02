package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The names of the task queues in settings.
const (
	QueueOrders     = "orders"
	QueueLabs       = "labs"
	QueueDeliveries = "deliveries"
)

// maxDeploymentName limits names of deployments and builds to what Temporal accepts for both together.
const maxDeploymentName = 200

func (r Rollout) check() problems {
	found := append(r.Process.check(), r.Temporal.check()...)
	found.add("ALIQUOT_DEPLOYMENT", checkDeployment(r.Deployment.Name))
	return found
}

func (w Worker) checkVersion() problems {
	var found problems
	found.add("ALIQUOT_DEPLOYMENT", checkDeployment(w.Deployment.Name))
	if w.BuildID != "" {
		found.add("ALIQUOT_BUILD_ID", CheckBuildID(w.BuildID))
	}
	if len(w.Queues) == 0 {
		found.add("ALIQUOT_QUEUES", errors.New("names no queue"))
	}
	known := []string{QueueOrders, QueueLabs, QueueDeliveries}
	for i, queue := range w.Queues {
		if !slices.Contains(known, queue) {
			found.add("ALIQUOT_QUEUES", fmt.Errorf("there is no queue %q: they are %s", queue, strings.Join(known, ", ")))
		}
		if slices.Contains(w.Queues[:i], queue) {
			found.add("ALIQUOT_QUEUES", fmt.Errorf("names %s twice", queue))
		}
	}
	for _, change := range w.HeldChanges {
		if change == "" {
			found.add("ALIQUOT_HELD_CHANGES", errors.New("holds an empty id"))
		}
	}
	return found
}

// checkDeployment returns an error if a text cannot be the name of a worker deployment.
func checkDeployment(name string) error {
	if strings.ContainsAny(name, ".:") {
		return errors.New(`must not hold "." or ":", which Temporal uses itself`)
	}
	return CheckBuildID(name)
}

// CheckBuildID returns an error if a text cannot be the id of a build.
func CheckBuildID(id string) error {
	switch {
	case id == "":
		return errors.New("is empty")
	case len(id) > maxDeploymentName:
		return fmt.Errorf("is longer than %d bytes", maxDeploymentName)
	case strings.HasPrefix(id, "__"):
		return errors.New("must not begin with __, which Temporal uses itself")
	case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == '"' || r == '\'' }):
		return errors.New("must not hold spaces or quotation marks")
	}
	return nil
}
