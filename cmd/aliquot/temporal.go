package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/worker"
)

// temporalOptions returns the options of every Temporal client.
func temporalOptions(set settings.Temporal, logger *slog.Logger) (client.Options, error) {
	secured, err := set.TLS()
	if err != nil {
		return client.Options{}, fmt.Errorf("securing the connection to Temporal: %w", err)
	}
	options := client.Options{
		HostPort: set.HostPort, Namespace: set.Namespace, Logger: sdklog.NewStructuredLogger(logger),
		DataConverter:     dispatch.NewConverter(),
		ConnectionOptions: client.ConnectionOptions{TLS: secured},
	}
	if set.APIKey != "" {
		options.Credentials = client.NewAPIKeyStaticCredentials(set.APIKey.Reveal())
	}
	return options, nil
}

// errTemporalUnreachable means that Temporal does not answer at the address of the settings.
var errTemporalUnreachable = errors.New("reaching Temporal")

// dialTemporalOnce connects to Temporal in one attempt.
func dialTemporalOnce(ctx context.Context, set settings.Temporal, t telemetry,
	logger *slog.Logger) (client.Client, error) {
	options, err := temporalOptions(set, logger)
	if err != nil {
		return nil, err
	}
	temporal, err := client.DialContext(ctx, t.instrument(options))
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", errTemporalUnreachable, set.HostPort, err)
	}
	return temporal, nil
}

// awaitTemporal connects to Temporal and creates what the workflows need in the namespace. It tries until it succeeds
// or ctx ends, because a worker can do nothing without Temporal.
func awaitTemporal(ctx context.Context, set settings.Temporal, t telemetry,
	logger *slog.Logger) (client.Client, error) {
	for {
		temporal, err := dialTemporal(ctx, set, t, logger)
		if err == nil {
			return temporal, nil
		}
		logger.WarnContext(ctx, "waiting for Temporal", "temporal", set.HostPort, "error", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for Temporal: %w", ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

func dialTemporal(ctx context.Context, set settings.Temporal, t telemetry,
	logger *slog.Logger) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	temporal, err := dialTemporalOnce(ctx, set, t, logger)
	if err != nil {
		return nil, err
	}
	if err := worker.EnsureAttributesAndSchedules(ctx, temporal, set.Namespace, logger); err != nil {
		temporal.Close()
		return nil, err
	}
	return temporal, nil
}
