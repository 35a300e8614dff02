package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/couriers/easypost"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/rollout"
	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
	"github.com/aliquot-labs/aliquot/worker"
)

func newWorker() *cobra.Command {
	var deployment, build string
	var queues []string
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run a worker: order workflows, calls to labs and couriers, webhook deliveries",
		Long: `Runs a worker. Its settings are environment variables: docs/settings.md. A worker with a build id gets work
when that build is current (aliquot rollout set, docs/rollouts.md).`,
		Example: `  aliquot worker
  aliquot worker --build-id v1.4.0
  aliquot worker --build-id v1.4.0 --queues labs,deliveries`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&deployment, "deployment", "", "name of the worker deployment (default ALIQUOT_DEPLOYMENT)")
	f.StringVar(&build, "build-id", "", "build id of this worker (default ALIQUOT_BUILD_ID; empty: unversioned)")
	f.StringSliceVar(&queues, "queues", nil,
		"task queues to serve: orders, labs, deliveries (default ALIQUOT_QUEUES, all)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runWorker(cmd, environWithFlags(cmd, map[string]string{
			"deployment": "ALIQUOT_DEPLOYMENT", "build-id": "ALIQUOT_BUILD_ID", "queues": "ALIQUOT_QUEUES",
		}))
	}
	return cmd
}

// environWithFlags returns the environment variables of this process, with those of the given settings replaced by
// flags that were set.
func environWithFlags(cmd *cobra.Command, settings map[string]string) []string {
	environ := os.Environ()
	for flag, variable := range settings {
		if f := cmd.Flags().Lookup(flag); f.Changed {
			environ = append(environ, variable+"="+strings.Trim(f.Value.String(), "[]"))
		}
	}
	return environ
}

// taskQueues maps the names of queues in settings to task queues.
var taskQueues = map[string]string{
	settings.QueueOrders: dispatch.QueueOrders, settings.QueueLabs: dispatch.QueueLabs,
	settings.QueueDeliveries: dispatch.QueueDeliveries,
}

func runWorker(cmd *cobra.Command, environ []string) (err error) {
	ctx := cmd.Context()
	set, err := settings.LoadWorker(environ)
	if err != nil {
		return err
	}
	logger := newLogger(cmd.ErrOrStderr(), set.Process)
	db, err := openStore(ctx, set.Common, workerStatementLimit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := refuseWrongKeys(ctx, db); err != nil {
		return err
	}
	warnOfExcessPrivileges(ctx, db, logger)
	if err := logOtherRetention(ctx, db, set.PartitionRetention, logger); err != nil {
		return err
	}
	sender, err := newSender(set)
	if err != nil {
		return err
	}
	defer sender.Close()
	tracker, err := newTracker(set)
	if err != nil {
		return err
	}
	telemetry, err := newTelemetry(ctx, "aliquot-worker", set.Traces, logger)
	if err != nil {
		return err
	}
	defer telemetry.close()
	ctx, stopWithCause := context.WithCancelCause(ctx)
	defer stopWithCause(nil)
	setup, ready := newTemporalSetup(set.Temporal, telemetry.registry, logger), &readiness{}
	ready.follow(func() string { return cmp.Or(setup.notReadyBy(), "starting") }) // until it polls
	health := startHealth(ctx, newMetricsServer(set.MetricsAddr, telemetry.registry, ready.pausedBy), stopWithCause)
	defer func() { err = errors.Join(err, health.stop()) }()
	temporal, err := setup.await(ctx, telemetry)
	if err != nil {
		return err
	}
	defer temporal.Close()
	version := worker.Version{BuildID: set.BuildID}
	if version.BuildID != "" {
		version.Deployment = set.Deployment.Name
		logIfNotCurrent(ctx, rollout.Open(temporal, set.Temporal.Namespace, version.Deployment), version, logger)
	}

	orders := dispatch.NewClient(temporal)
	telemetry.registerMetrics(db, orders, set.Temporal)
	w, err := worker.New(worker.Options{
		Temporal: temporal, Store: db, Dispatch: orders, Partners: worker.Partners(set.PartnerTimeout),
		Tracker: tracker, Sender: sender, Concurrency: set.WebhookConcurrency,
		Retention: activities.Retention{
			Messages: set.WebhookRetention, Results: set.ResultRetention, Inbox: set.InboxRetention, Audit: set.AuditRetention,
		},
		MetricsRegistry: telemetry.registry, Logger: logger, StopTimeout: set.StopTimeout, OnFatal: stopWithCause,
		CheckInterval: set.CheckInterval,
		Version:       version, HeldChanges: set.HeldChanges, Queues: queuesOf(set.Queues),
	})
	if err != nil {
		return err
	}
	if err := w.Start(); err != nil {
		return err
	}
	logger.InfoContext(ctx, "worker started", "version", versionText(), "deployment", version.Deployment, "build_id",
		version.BuildID, "queues", set.Queues)
	defer logger.InfoContext(ctx, "worker stopped")
	ready.follow(func() string { return string(w.PausedBy()) })
	return runUntilStopped(ctx, w, health, func() { setup.keepTrying(ctx, temporal) })
}

// logOtherRetention logs a warning if the database keeps its partitions for another time than this worker's settings
// say. The database's time counts.
func logOtherRetention(ctx context.Context, db *store.Store, set settings.PartitionRetention,
	logger *slog.Logger) error {
	keep, err := db.PartitionRetention(ctx)
	if err != nil {
		return err
	}
	want := store.PartitionRetention{Messages: set.WebhookRetention, Audit: set.AuditRetention}
	if db.HasPartitions() && keep != want {
		logger.WarnContext(ctx, "the database keeps partitions for another time than the settings say: run aliquot migrate "+
			"with the same settings", "webhooks", keep.Messages, "audit", keep.Audit, "webhooks_setting", want.Messages,
			"audit_setting", want.Audit)
	}
	return nil
}

func queuesOf(names []string) []string {
	queues := make([]string, len(names))
	for i, name := range names {
		queues[i] = taskQueues[name]
	}
	return queues
}

// logIfNotCurrent logs a warning if the worker's build is not current and gets no work. Errors are ignored.
func logIfNotCurrent(ctx context.Context, d *rollout.Deployment, v worker.Version, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	works, current, err := d.ReceivesOrders(ctx, v.BuildID)
	if err != nil || works {
		return
	}
	logger.WarnContext(ctx,
		"another build is current: this worker gets no work until aliquot rollout set makes its build current",
		"deployment", v.Deployment, "build_id", v.BuildID, "current", current)
}

// runUntilStopped waits until the worker is to stop, and stops it. Meanwhile it calls also, which ends with ctx. A
// worker that cannot continue is an error, so that the process ends and is restarted.
func runUntilStopped(ctx context.Context, w *worker.Worker, health *healthServer, also func()) error {
	var background sync.WaitGroup
	background.Go(also)
	<-ctx.Done()
	health.reportStopping()
	w.Stop()
	background.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("the worker cannot continue: %w", cause)
	}
	return nil
}

func newSender(set settings.Worker) (*webhooks.Sender, error) {
	guard, err := webhooks.NewAddressGuard(set.AllowedNetworks...)
	if err != nil {
		return nil, err
	}
	return webhooks.NewSender(webhooks.SenderOptions{Guard: guard, Timeout: set.WebhookTimeout,
		MaxIdleConns: set.WebhookConcurrency}), nil
}

// newTracker returns nil if no tracking service is configured.
func newTracker(set settings.Worker) (couriers.Tracker, error) {
	if set.CourierAPIKey == "" {
		return nil, nil //nolint:nilnil // no tracker is a configuration, not a failure
	}
	return easypost.New(easypost.Options{BaseURL: set.CourierURL, APIKey: set.CourierAPIKey.Reveal(),
		Timeout: set.PartnerTimeout})
}
