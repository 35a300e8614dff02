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

// temporalOptions are how every process reaches Temporal.
func temporalOptions(t settings.Temporal, logger *slog.Logger) (client.Options, error) {
	secured, err := t.TLS()
	if err != nil {
		return client.Options{}, fmt.Errorf("securing the connection to Temporal: %w", err)
	}
	options := client.Options{
		HostPort: t.HostPort, Namespace: t.Namespace, Logger: sdklog.NewStructuredLogger(logger),
		DataConverter:     dispatch.NewConverter(),
		ConnectionOptions: client.ConnectionOptions{TLS: secured},
	}
	if t.APIKey != "" {
		options.Credentials = client.NewAPIKeyStaticCredentials(t.APIKey.Reveal())
	}
	return options, nil
}

// errTemporalUnreachable is that there is no Temporal where the settings say.
var errTemporalUnreachable = errors.New("reaching Temporal")

// dialTemporalOnce connects once.
func dialTemporalOnce(ctx context.Context, t settings.Temporal, watched telemetry,
	logger *slog.Logger) (client.Client, error) {
	options, err := temporalOptions(t, logger)
	if err != nil {
		return nil, err
	}
	temporal, err := client.DialContext(ctx, watched.instrument(options))
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", errTemporalUnreachable, t.HostPort, err)
	}
	return temporal, nil
}

// awaitTemporal connects and makes sure that the namespace has what the workflows need, for as long as it takes: a worker has nothing
// to do without Temporal.
func awaitTemporal(ctx context.Context, t settings.Temporal, watched telemetry,
	logger *slog.Logger) (client.Client, error) {
	for {
		temporal, err := dialTemporal(ctx, t, watched, logger)
		if err == nil {
			return temporal, nil
		}
		logger.WarnContext(ctx, "waiting for Temporal", "temporal", t.HostPort, "error", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for Temporal: %w", ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

func dialTemporal(ctx context.Context, t settings.Temporal, watched telemetry,
	logger *slog.Logger) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	temporal, err := dialTemporalOnce(ctx, t, watched, logger)
	if err != nil {
		return nil, err
	}
	if err := worker.EnsureAttributesAndSchedules(ctx, temporal, t.Namespace, logger); err != nil {
		temporal.Close()
		return nil, err
	}
	return temporal, nil
}
