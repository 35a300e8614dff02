package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/store"
)

// telemetry is how a process is watched.
type telemetry struct {
	registry *prometheus.Registry
	temporal client.MetricsHandler // reports to the registry
}

func newTelemetry() (telemetry, error) {
	t := telemetry{registry: newRegistry()}
	var err error
	t.temporal, err = dispatch.NewMetrics(t.registry)
	return t, err
}

// watch registers metrics of what a process stands on.
func (t telemetry) watch(db *store.Store, temporal func(context.Context) error) {
	t.registry.MustRegister(db.PoolMetrics()...)
	t.registry.MustRegister(newReachMetric(map[string]func(context.Context) error{"store": db.Ping, "temporal": temporal}))
}

// on has a Temporal client watched, and the workers that are made with it.
func (t telemetry) on(o client.Options) client.Options {
	o.MetricsHandler = t.temporal
	return o
}
