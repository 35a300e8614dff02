package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/billing"
	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/settings"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func newAPI() *cobra.Command {
	return &cobra.Command{
		Use:   "api",
		Short: "Run the API: clients, operations, and the webhooks of labs and couriers",
		Long:  "Runs the API. Its settings are environment variables: docs/settings.md.",
		Args:  cobra.NoArgs,
		RunE:  runAPI,
	}
}

// runAPI serves orders whether Temporal is there or not: it is dialled when it is first needed.
func runAPI(cmd *cobra.Command, _ []string) (err error) {
	ctx := cmd.Context()
	set, err := settings.LoadAPI(os.Environ())
	if err != nil {
		return err
	}
	logger := newLogger(cmd.ErrOrStderr(), set.Process)
	zone, err := time.LoadLocation(set.TimeZone)
	if err != nil {
		return fmt.Errorf("loading the time zone: %w", err)
	}
	guard, err := webhooks.NewGuard(set.Networks...)
	if err != nil {
		return err
	}
	reference, err := billing.Load(set.BillingFile)
	if err != nil {
		return err
	}
	db, err := openStore(ctx, set.Common)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	watched, err := newTelemetry(ctx, "aliquot-api", set.Traces, logger)
	if err != nil {
		return err
	}
	defer watched.close()
	options, err := temporalOptions(set.Temporal, logger)
	if err != nil {
		return err
	}
	temporal, err := client.NewLazyClient(watched.on(options))
	if err != nil {
		return fmt.Errorf("making the Temporal client: %w", err)
	}
	defer temporal.Close()

	orders := dispatch.NewClient(temporal)
	watched.watch(db, orders, set.Temporal)
	watched.registry.MustRegister(newQueueMetric(temporal, set.Namespace))
	handler, err := api.New(api.Deps{
		Store: db, Orders: orders, Logger: logger, Metrics: watched.registry, Traces: watched.traces, TimeZone: zone, MaxBody: set.MaxBody,
		KeyRate: set.KeyRate, AddressRate: set.AddressRate, Proxies: set.Proxies,
		CourierSecrets: settings.Reveal(set.CourierSecrets), Guard: guard, Billing: reference,
	})
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "api starts", "listen", set.Addr, "version", release())
	defer logger.InfoContext(ctx, "api stopped")
	s := &service{delay: set.DrainDelay, limit: set.StopTimeout}
	return s.serve(ctx, api.Server(set.Addr, handler), metricsServer(set.Metrics, watched.registry))
}
