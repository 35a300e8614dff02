package main

import (
	"fmt"
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
	var askSilent bool
	cmd := withOutputFlag(&cobra.Command{
		Use:   "rebuild",
		Short: "Start the workflow of every open order again from the store, after Temporal lost its data",
		Long: `Creates the namespace, the search attributes and the reconciler's schedules if they are missing, starts a
workflow for every open order that has none, signals facts that no workflow has processed, and nudges
endpoints with pending deliveries. It needs a running worker. If workers have a build id, make it current
again with aliquot rollout set, because Temporal lost that as well. Running workflows stay as they are, so
the command can be repeated. Where Temporal does not let it create something (Temporal Cloud, managed
clusters), it prints the commands of an administrator and waits until they have been run.

After the store was restored from a backup, --ask-silent also asks the labs, now, about every open order and
those that ended within 30 days: what they reported after the backup is known to them alone. The calls keep the
spacing of the lab accounts, so this can take long. If the command is ended, the asking goes on. It says how many
orders have a lab that offers no such call: ask those labs. Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRebuild(cmd, askSilent, out) },
	}, &out)
	cmd.Flags().BoolVar(&askSilent, "ask-silent", false,
		"also ask the labs about their orders now, after the store was restored from a backup")
	return cmd
}

func runRebuild(cmd *cobra.Command, askSilent bool, out outputFormat) error {
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
	waiting.Stop()
	if !askSilent {
		return printRebuilt(cmd.OutOrStdout(), out, healed, nil)
	}
	logger.InfoContext(ctx,
		"the rebuild is done: the labs are asked about their orders, with the spacing of their accounts",
		"orders_started", healed.OrdersStarted, "orders_woken", healed.OrdersWoken)
	asked, err := worker.AskLabs(ctx, temporal)
	if err != nil {
		return err
	}
	return printRebuilt(cmd.OutOrStdout(), out, healed, &asked)
}

// printRebuilt prints what a rebuild has done. asked is nil if the labs were not to be asked.
func printRebuilt(w io.Writer, out outputFormat, healed dispatch.SweepResult, asked *dispatch.SweepResult) error {
	result := map[string]int{"orders": healed.OrdersStarted, "woken": healed.OrdersWoken,
		"endpoints": healed.EndpointsNudged}
	text := fmt.Sprintf("Started %d orders, woke %d, nudged %d endpoints.", healed.OrdersStarted, healed.OrdersWoken,
		healed.EndpointsNudged)
	if asked != nil {
		result["asked"], result["facts"] = asked.OrdersAsked, asked.FactsPolled
		result["not_askable"], result["left"] = asked.OrdersNotAskable, asked.OrdersLeft
		text += fmt.Sprintf("\nThe labs answered about %d orders and reported %d facts that were not stored.",
			asked.OrdersAsked, asked.FactsPolled)
		if asked.OrdersNotAskable > 0 {
			text += fmt.Sprintf("\nThe labs of %d orders offer no such call: ask them to send their webhooks again.",
				asked.OrdersNotAskable)
		}
		if asked.OrdersLeft > 0 {
			text += fmt.Sprintf("\nThe labs or providers of %d orders did not answer: run the command again later.",
				asked.OrdersLeft)
		}
	}
	return out.printLine(w, result, "%s", text)
}
