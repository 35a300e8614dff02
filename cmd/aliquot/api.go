package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/billing"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/settings"
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

// runAPI serves the API. It starts without Temporal: the client connects at its first call.
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
	guard, err := webhooks.NewAddressGuard(set.AllowedNetworks...)
	if err != nil {
		return err
	}
	partnerGuard, err := webhooks.NewAddressGuard(set.PartnerNetworks...)
	if err != nil {
		return err
	}
	reference, err := billing.Load(set.BillingFile)
	if err != nil {
		return err
	}
	db, err := openReplicatedStore(ctx, set.Common, set.Replica, apiStatementLimit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := refuseWrongKeys(ctx, db); err != nil {
		return err
	}
	warnOfExcessPrivileges(ctx, db, logger)
	telemetry, err := newTelemetry(ctx, "aliquot-api", set.Traces, logger)
	if err != nil {
		return err
	}
	defer telemetry.close()
	options, err := temporalOptions(set.Temporal, logger)
	if err != nil {
		return err
	}
	temporal, err := client.NewLazyClient(telemetry.instrument(options))
	if err != nil {
		return fmt.Errorf("making the Temporal client: %w", err)
	}
	defer temporal.Close()

	orders := dispatch.NewClient(temporal)
	telemetry.registerMetrics(db, orders, set.Temporal)
	telemetry.registry.MustRegister(newQueueMetric(temporal, set.Namespace), db.ReplicaMetrics())
	handler, err := api.New(api.Deps{
		Store: db, Workflows: orders, Logger: logger, Metrics: telemetry.registry, TracerProvider: telemetry.traces,
		TimeZone: zone, MaxBody: set.MaxBody,
		APIKeyRate: set.APIKeyRate, AddressRate: set.AddressRate, Proxies: set.TrustedProxies,
		CourierSecrets: settings.RevealAll(set.CourierSecrets), Guard: guard, PartnerGuard: partnerGuard,
		Billing: reference,
	})
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "api started", "listen", set.Addr, "version", versionText())
	defer logger.InfoContext(ctx, "api stopped")
	s := &gracefulServer{drainDelay: set.DrainDelay, stopTimeout: set.StopTimeout}
	metrics := newMetricsServer(set.MetricsAddr, telemetry.registry, schemaReadiness(db))
	return s.serve(ctx, api.NewHTTPServer(set.Addr, handler), metrics)
}
