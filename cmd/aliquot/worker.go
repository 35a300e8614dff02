package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/couriers/easypost"
	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/settings"
	"github.com/aliquot-labs/aliquot/webhooks"
	"github.com/aliquot-labs/aliquot/worker"
)

func newWorker() *cobra.Command {
	return &cobra.Command{
		Use:   "worker",
		Short: "Run a worker: orders, calls to labs and couriers, deliveries of webhooks",
		Long:  "Runs a worker. Its settings are environment variables: docs/settings.md.",
		Args:  cobra.NoArgs,
		RunE:  runWorker,
	}
}

func runWorker(cmd *cobra.Command, _ []string) (err error) {
	ctx := cmd.Context()
	set, err := settings.LoadWorker(os.Environ())
	if err != nil {
		return err
	}
	logger := newLogger(cmd.ErrOrStderr(), set.Process)
	db, err := openStore(ctx, set.Common)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sender, err := newSender(set)
	if err != nil {
		return err
	}
	defer sender.Close()
	tracker, err := newTracker(set)
	if err != nil {
		return err
	}
	watched, err := newTelemetry(ctx, "aliquot-worker", set.Traces, logger)
	if err != nil {
		return err
	}
	defer watched.close()
	temporal, err := dialTemporal(ctx, set.Common, watched, logger)
	if err != nil {
		return err
	}
	defer temporal.Close()

	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	orders := dispatch.NewClient(temporal)
	watched.watch(db, orders.Reachable)
	w, err := worker.New(worker.Options{
		Temporal: temporal, Store: db, Dispatch: orders, Partners: worker.Partners(set.PartnerTimeout),
		Tracker: tracker, Sender: sender, Concurrency: set.WebhookSlots,
		Retention: activities.Retention{
			Messages: set.WebhookKeep, Results: set.ResultKeep, Inbox: set.InboxKeep, Audit: set.AuditKeep,
		},
		Registry: watched.registry, Logger: logger, StopTimeout: set.StopTimeout, OnFatal: giveUp,
	})
	if err != nil {
		return err
	}
	if err := w.Start(); err != nil {
		return err
	}
	logger.InfoContext(ctx, "worker started", "version", version())
	defer logger.InfoContext(ctx, "worker stopped")
	return work(ctx, w, metricsServer(set.Metrics, watched.registry))
}

// work waits until the worker is to stop, and serves its health until it has stopped. A worker that cannot go on is an error, so
// that whoever looks after the process starts it anew.
func work(ctx context.Context, w *worker.Worker, health *http.Server) error {
	group, watch := errgroup.WithContext(context.WithoutCancel(ctx))
	watch, done := context.WithCancel(watch)
	group.Go(func() error { return serve(watch, health) })
	select {
	case <-ctx.Done():
	case <-watch.Done():
	}
	w.Stop()
	done()
	err := group.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(fmt.Errorf("the worker cannot go on: %w", cause), err)
	}
	return err
}

func newSender(set settings.Worker) (*webhooks.Sender, error) {
	guard, err := webhooks.NewGuard(set.Networks...)
	if err != nil {
		return nil, err
	}
	return webhooks.NewSender(webhooks.Options{Guard: guard, Timeout: set.WebhookTimeout, KeptOpen: set.WebhookSlots}), nil
}

// newTracker is nil when no tracking service is configured.
func newTracker(set settings.Worker) (couriers.Tracker, error) {
	if set.CourierKey == "" {
		return nil, nil //nolint:nilnil // no tracker is a configuration, not a failure
	}
	return easypost.New(easypost.Options{BaseURL: set.CourierURL, APIKey: set.CourierKey.Reveal(), Timeout: set.PartnerTimeout})
}

// dialTemporal connects and makes sure that the namespace has what the workflows need, for as long as it takes: a worker has
// nothing to do without Temporal.
func dialTemporal(ctx context.Context, c settings.Common, watched telemetry, logger *slog.Logger) (client.Client, error) {
	for {
		temporal, err := reachTemporal(ctx, c, watched, logger)
		if err == nil {
			return temporal, nil
		}
		logger.WarnContext(ctx, "waiting for Temporal", "temporal", c.Temporal, "error", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for Temporal: %w", ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

func reachTemporal(ctx context.Context, c settings.Common, watched telemetry, logger *slog.Logger) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	temporal, err := client.DialContext(ctx, watched.on(temporalOptions(c, logger)))
	if err != nil {
		return nil, err
	}
	if err := worker.Ensure(ctx, temporal, c.TemporalNamespace, logger); err != nil {
		temporal.Close()
		return nil, err
	}
	return temporal, nil
}
