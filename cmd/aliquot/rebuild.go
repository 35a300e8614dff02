package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/settings"
)

// retention is how long Temporal keeps ended workflows in a namespace that rebuild makes. Orders live in the store.
const retention = 72 * time.Hour

func newRebuild() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Bring Temporal back after its data was lost: every open order is started again from the store",
		Long: `Makes the namespace, the search attributes and the reconciler's schedules where they are missing, starts every open order that
has no running workflow, signals what partners reported and nobody took, and nudges what is to be delivered. Needs a running
worker. What is in order stays as it is, so doing it again is harmless. Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: runRebuild,
	}
}

func runRebuild(cmd *cobra.Command, _ []string) error {
	ctx := cmd.Context()
	set, err := settings.LoadCommon(os.Environ())
	if err != nil {
		return err
	}
	logger := newLogger(cmd.ErrOrStderr(), set.Process)
	if err := ensureNamespace(ctx, set); err != nil {
		return err
	}
	temporal, err := dialTemporal(ctx, set, logger)
	if err != nil {
		return err
	}
	defer temporal.Close()
	healed, err := reconcile(ctx, temporal)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "Started %d orders, signalled %d facts, nudged %d endpoints.\n", healed.Orders, healed.Facts, healed.Endpoints)
	return err
}

// ensureNamespace makes the namespace, and waits until it can be used.
func ensureNamespace(ctx context.Context, c settings.Common) error {
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: c.Temporal})
	if err != nil {
		return fmt.Errorf("reaching Temporal at %s: %w", c.Temporal, err)
	}
	defer namespaces.Close()
	_, err = namespaces.Describe(ctx, c.TemporalNamespace)
	if _, missing := errors.AsType[*serviceerror.NamespaceNotFound](err); !missing {
		return err
	}
	err = namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: c.TemporalNamespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	if _, exists := errors.AsType[*serviceerror.NamespaceAlreadyExists](err); err != nil && !exists {
		return fmt.Errorf("making the namespace %s: %w", c.TemporalNamespace, err)
	}
	return nil
}

// reconcile runs the reconciler over everything and waits for it.
func reconcile(ctx context.Context, temporal client.Client) (dispatch.SweepResult, error) {
	var healed dispatch.SweepResult
	run, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "rebuild", TaskQueue: dispatch.QueueDeliveries,
	}, dispatch.WorkflowReconcile, dispatch.ReconcileInput{OpenOrders: true})
	if err != nil {
		return healed, fmt.Errorf("starting the reconciler: %w", err)
	}
	if err := run.Get(ctx, &healed); err != nil {
		return healed, fmt.Errorf("waiting for the reconciler: %w", err)
	}
	return healed, nil
}
