package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// namespaceTimeout is how long a rebuild waits for its namespace.
const namespaceTimeout = time.Minute

// EnsureNamespace registers a namespace with the given retention of closed workflows, if it does not exist. It waits
// until the namespace can be used, as long as ctx allows, also for a server that is still starting. If the namespace
// does not exist and this client may not register it, the error is a *MissingError, at once.
func EnsureNamespace(ctx context.Context, c client.Client, namespace string, retention time.Duration) error {
	err := retryWhile(ctx, isPassing, func() error { return registerNamespace(ctx, c, namespace, retention) })
	if err != nil {
		return fmt.Errorf("registering namespace %s: %w", namespace, err)
	}
	return nil
}

// retryWhile calls do again as long as its error is retryable and ctx allows, and returns the last error.
func retryWhile(ctx context.Context, retryable func(error) bool, do func() error) error {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		err := do()
		if err == nil || !retryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-t.C:
		}
	}
}

// isPassing reports whether an error may pass by itself. What a client may not make, an administrator has to make.
func isPassing(err error) bool {
	missing, ok := errors.AsType[*MissingError](err)
	return !ok || !missing.isRefused()
}

// registerNamespace registers the namespace if it does not exist, and checks that it can be used: all parts of the
// server know a new namespace only after they have refreshed their caches.
func registerNamespace(ctx context.Context, c client.Client, namespace string, retention time.Duration) error {
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	if _, exists := errors.AsType[*serviceerror.NamespaceAlreadyExists](err); err != nil && !exists && !isRefused(err) {
		return err
	}
	found := findNamespace(ctx, c, namespace)
	if _, missing := errors.AsType[*MissingError](found); missing && isRefused(err) {
		return missingNamespace(namespace, "is missing", err)
	}
	return found
}

// PrepareRebuild creates the namespace, the search attributes and the schedules if they are missing, within a minute.
// If something is missing that this client may not make, the error is a *MissingError that lists all of it.
func PrepareRebuild(ctx context.Context, c client.Client, namespace string, retention time.Duration,
	log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, namespaceTimeout)
	defer cancel()
	err := EnsureNamespace(ctx, c, namespace, retention)
	if _, missing := errors.AsType[*MissingError](err); err != nil && !missing {
		return err
	}
	// Each node of a cluster learns of a new namespace within ten seconds, independently of the others.
	return retryWhile(ctx, isPassing, func() error { return EnsureAttributesAndSchedules(ctx, c, namespace, log) })
}

// Rebuild restores from the store what Temporal has lost: the namespace, search attributes and schedules; a run for
// every open order; signals for the facts without an outcome; a nudge for every endpoint with open deliveries. It needs
// a running worker and can be repeated. It returns what was restored. It goes on without schedules that it may not
// make. Without a namespace or attributes that it may not make, the error is a *MissingError.
func Rebuild(ctx context.Context, c client.Client, namespace string, retention time.Duration,
	log *slog.Logger) (dispatch.SweepResult, error) {
	err := PrepareRebuild(ctx, c, namespace, retention, log)
	if missing, ok := errors.AsType[*MissingError](err); err != nil && (!ok || !missing.OrdersCanRun()) {
		return dispatch.SweepResult{}, err
	}
	var out dispatch.SweepResult
	namespaceCtx, cancel := context.WithTimeout(ctx, namespaceTimeout)
	defer cancel()
	err = retryWhile(namespaceCtx, isNamespaceNotFound, func() (err error) {
		out, err = dispatch.NewClient(c).Reconcile(ctx, dispatch.ReconcileInput{OpenOrders: true, Rebuild: true})
		return err
	})
	if err != nil {
		return out, fmt.Errorf("rebuilding: %w", err)
	}
	return out, nil
}

// AskLabs asks about every order at its lab, and at the provider of its appointment, now: after the store was restored
// from a backup, the facts that came after the backup are known to them alone. It needs a running worker and a rebuild
// before it, keeps the spacing of the accounts and can be repeated. It ends when every lab has answered, or when none
// answers any more. A caller that does not wait does not end it.
func AskLabs(ctx context.Context, c client.Client) (dispatch.SweepResult, error) {
	out, err := dispatch.NewClient(c).Reconcile(ctx, dispatch.ReconcileInput{AskLabs: true})
	if err != nil {
		return out, fmt.Errorf("asking the labs: %w", err)
	}
	return out, nil
}
