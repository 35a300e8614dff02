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

// namespaceRetention is how long Temporal keeps ended workflows in a namespace that rebuild makes. Orders live in the store.
const namespaceRetention = 72 * time.Hour

// rebuildHintAfter is how long a rebuild may take before it says what it may be waiting for.
const rebuildHintAfter = 10 * time.Second

func newRebuild() *cobra.Command {
	var out outputFormat
	return withOutputFlag(&cobra.Command{
		Use:   "rebuild",
		Short: "Bring Temporal back after its data was lost: every open order is started again from the store",
		Long: `Makes the namespace, the search attributes and the reconciler's schedules where they are missing, starts every open order that
has no running workflow, signals what partners reported and nobody took, and nudges what is to be delivered. Needs a running
worker, and where workers have a build id, that aliquot rollout set makes it current again: that was lost, too. What is in order
stays as it is, so doing it again is harmless. Settings: docs/settings.md.`,
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
	waiting := time.AfterFunc(rebuildHintAfter, func() {
		logger.WarnContext(ctx,
			"the rebuild goes on: if nothing happens, no worker runs, or none whose build is current (aliquot rollout show, aliquot rollout set)")
	})
	defer waiting.Stop()
	healed, err := worker.Rebuild(ctx, temporal, set.Namespace, namespaceRetention, logger)
	if err != nil {
		return err
	}
	return printRebuilt(cmd.OutOrStdout(), out, healed)
}

func printRebuilt(w io.Writer, out outputFormat, healed dispatch.SweepResult) error {
	return out.printLine(w, map[string]int{"orders": healed.OrdersStarted, "facts": healed.FactsSignalled,
		"endpoints": healed.EndpointsNudged},
		"Started %d orders, signalled %d facts, nudged %d endpoints.", healed.OrdersStarted, healed.FactsSignalled,
		healed.EndpointsNudged)
}
