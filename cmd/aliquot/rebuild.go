package main

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/worker"
)

// rebuildHintAfter is how long a rebuild takes before a hint about missing workers is logged.
const rebuildHintAfter = 10 * time.Second

func newRebuild() *cobra.Command {
	var out outputFormat
	return withOutputFlag(&cobra.Command{
		Use:   "rebuild",
		Short: "Start the workflow of every open order again from the store, after Temporal lost its data",
		Long: `Creates the namespace, the search attributes and the reconciler's schedules if they are missing, starts a
workflow for every open order that has none, signals facts that no workflow has processed, and nudges
endpoints with pending deliveries. It needs a running worker. If workers have a build id, make it current
again with aliquot rollout set, because Temporal lost that as well. Running workflows stay as they are, so
the command can be repeated. Where Temporal does not let it create something (Temporal Cloud, managed
clusters), it prints the commands of an administrator and waits until they have been run. Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRebuild(cmd, out) },
	}, &out)
}

func runRebuild(cmd *cobra.Command, out outputFormat) error {
	ctx := cmd.Context()
	set, err := settings.LoadCommon(os.Environ())
	if err != nil {
		return err
	}
	logger := newLogger(cmd.ErrOrStderr(), set.Process)
	temporal, err := dialTemporalOnce(ctx, set.Temporal, telemetry{}, logger)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if err := awaitNamespace(ctx, temporal, set.Namespace, cmd.ErrOrStderr(), logger); err != nil {
		return err
	}
	waiting := time.AfterFunc(rebuildHintAfter, func() {
		logger.WarnContext(ctx,
			"the rebuild is still running: if it does not end, no worker runs, or no worker's build is current "+
				"(aliquot rollout show, aliquot rollout set)")
	})
	defer waiting.Stop()
	healed, err := worker.Rebuild(ctx, temporal, set.Namespace, worker.NamespaceRetention, logger)
	if err != nil {
		return err
	}
	return printRebuilt(cmd.OutOrStdout(), out, healed)
}

func printRebuilt(w io.Writer, out outputFormat, healed dispatch.SweepResult) error {
	return out.printLine(w, map[string]int{"orders": healed.OrdersStarted, "woken": healed.OrdersWoken,
		"endpoints": healed.EndpointsNudged},
		"Started %d orders, woke %d, nudged %d endpoints.", healed.OrdersStarted, healed.OrdersWoken,
		healed.EndpointsNudged)
}
