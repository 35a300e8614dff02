package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/settings"
)

// temporalOptions returns the options of every Temporal client.
func temporalOptions(set settings.Temporal, logger *slog.Logger) (client.Options, error) {
	secured, err := set.TLS(logger)
	if err != nil {
		return client.Options{}, fmt.Errorf("securing the connection to Temporal: %w", err)
	}
	options := client.Options{
		HostPort: set.HostPort, Namespace: set.Namespace, Logger: sdklog.NewStructuredLogger(logger),
		DataConverter:     dispatch.NewConverter(),
		ConnectionOptions: client.ConnectionOptions{TLS: secured},
	}
	if set.HasAPIKey() {
		options.Credentials = client.NewAPIKeyDynamicCredentials(set.APIKeySource(logger))
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
