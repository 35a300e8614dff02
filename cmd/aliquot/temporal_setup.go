package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/worker"
)

const (
	// setupInterval is the time between two looks at what an administrator has to make before orders can run.
	setupInterval = 2 * time.Second
	// watchInterval is the time between two looks of a running worker at what Temporal has.
	watchInterval = 10 * time.Second
	// setupTimeout is how long Temporal may take to answer one look.
	setupTimeout = 10 * time.Second
)

// temporalSetup brings Temporal to what a worker needs, and says what is missing: in the log, once per change; as the
// reason why the worker is not ready; and in a metric.
type temporalSetup struct {
	set     settings.Temporal
	log     *slog.Logger
	missing *prometheus.GaugeVec // by kind

	said   string       // what the log said last
	reason atomic.Value // string: why the worker does not start; empty: it does
}

func newTemporalSetup(set settings.Temporal, registry prometheus.Registerer, log *slog.Logger) *temporalSetup {
	s := &temporalSetup{set: set, log: log, missing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "aliquot_temporal_missing",
		Help: "What the Temporal namespace lacks and this worker may not make, by kind.",
	}, []string{"kind"})}
	registry.MustRegister(s.missing)
	s.count(&worker.MissingError{})
	s.reason.Store("Temporal has not answered yet")
	return s
}

// notReadyBy returns why the worker waits, or an empty text.
func (s *temporalSetup) notReadyBy() string {
	reason, _ := s.reason.Load().(string)
	return reason
}

// await connects to Temporal and returns when the namespace holds what orders need. It tries until ctx ends, because a
// worker can do nothing without Temporal, and would fail every workflow task without the search attributes.
func (s *temporalSetup) await(ctx context.Context, t telemetry) (client.Client, error) {
	temporal, err := s.dial(ctx, t)
	if err != nil {
		return nil, err
	}
	for {
		err := s.ensure(ctx, temporal)
		missing, _ := errors.AsType[*worker.MissingError](err)
		if err == nil || missing != nil && missing.OrdersCanRun() {
			s.report(ctx, err)
			s.reason.Store("")
			return temporal, nil
		}
		if err := s.pause(ctx, err); err != nil {
			temporal.Close()
			return nil, err
		}
	}
}

func (s *temporalSetup) dial(ctx context.Context, t telemetry) (client.Client, error) {
	for {
		temporal, err := s.dialOnce(ctx, t)
		if err == nil {
			return temporal, nil
		}
		if err := s.pause(ctx, err); err != nil {
			return nil, err
		}
	}
}

func (s *temporalSetup) dialOnce(ctx context.Context, t telemetry) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	return dialTemporalOnce(ctx, s.set, t, s.log)
}

func (s *temporalSetup) ensure(ctx context.Context, temporal client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	return worker.EnsureAttributesAndSchedules(ctx, temporal, s.set.Namespace, s.log)
}

// pause reports why the worker waits, and waits until it is time for another look.
func (s *temporalSetup) pause(ctx context.Context, why error) error {
	s.reason.Store(why.Error())
	s.report(ctx, why)
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting for Temporal: %w", context.Cause(ctx))
	case <-time.After(setupInterval):
		return nil
	}
}

// watch looks at what Temporal has until ctx ends. It makes the schedules that could not be made at the start, and
// everything that Temporal has lost: a namespace such as default can exist again, and lack the search attributes,
// before the worker notices that it was gone. If an administrator has to make what orders need, end is called with the
// reason: a worker that starts again waits for that and takes no tasks.
func (s *temporalSetup) watch(ctx context.Context, temporal client.Client, end func(error)) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.mend(ctx, temporal)
		missing, known := errors.AsType[*worker.MissingError](err)
		switch {
		case err == nil, known && missing.OrdersCanRun():
			failures = 0
		case known:
			if failures++; failures >= failuresToEnd {
				end(err)
				return
			}
		}
	}
}

// failuresToEnd is how many looks in a row have to find that something cannot be made: one may have met a node that has
// just started.
const failuresToEnd = 2

// mend makes what Temporal has lost, and what could not be made before. It returns what is missing.
func (s *temporalSetup) mend(ctx context.Context, temporal client.Client) error {
	if s.said == "" {
		lost, err := s.hasLost(ctx, temporal)
		if err != nil || !lost {
			return nil //nolint:nilerr // Temporal is away: the SDK tries for as long as it is
		}
		s.log.WarnContext(ctx, "Temporal has lost the search attributes of orders, and perhaps more: aliquot rebuild "+
			"starts the workflows again", "namespace", s.set.Namespace)
	}
	err := s.ensure(ctx, temporal)
	if _, known := errors.AsType[*worker.MissingError](err); err == nil || known {
		s.report(ctx, err)
	}
	return err
}

func (s *temporalSetup) hasLost(ctx context.Context, temporal client.Client) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	return worker.LacksAttributes(ctx, temporal, s.set.Namespace)
}

// report logs what is missing if that has changed; nil means nothing.
func (s *temporalSetup) report(ctx context.Context, err error) {
	missing, known := errors.AsType[*worker.MissingError](err)
	if known {
		s.count(missing)
	} else if err == nil {
		s.count(&worker.MissingError{})
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text == s.said {
		return
	}
	s.said = text
	switch {
	case err == nil:
		s.log.InfoContext(ctx, "Temporal has everything that the worker needs")
	case !known:
		s.log.WarnContext(ctx, "waiting for Temporal", "temporal", s.set.HostPort, "error", err)
	case missing.OrdersCanRun():
		s.log.ErrorContext(ctx, "the reconciler does not run as it should, until an administrator has made its schedules",
			"missing", missing.List(), "commands", missing.Commands())
	default:
		s.log.ErrorContext(ctx, "the worker waits until an administrator has made what is missing in Temporal",
			"missing", missing.List(), "commands", missing.Commands(), "commands_of_temporal_cloud", missing.CloudCommands())
	}
}

func (s *temporalSetup) count(missing *worker.MissingError) {
	for _, kind := range worker.MissingKinds() {
		s.missing.WithLabelValues(kind).Set(float64(missing.Count(kind)))
	}
}

// awaitNamespace prepares a rebuild. Where the client may not make what is missing, it prints what an administrator has
// to run, once per change, and waits for it. It goes on without schedules.
func awaitNamespace(ctx context.Context, temporal client.Client, namespace string, out io.Writer,
	log *slog.Logger) error {
	said := ""
	for {
		err := worker.PrepareRebuild(ctx, temporal, namespace, worker.NamespaceRetention, log)
		missing, known := errors.AsType[*worker.MissingError](err)
		if !known {
			return err
		}
		if text := missing.Instructions(); text != said {
			said = text
			fmt.Fprint(out, text)
		}
		if missing.OrdersCanRun() {
			fmt.Fprintln(out, "The rebuild goes on. Without these schedules the reconciler does not run as it should.")
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until Temporal has what is missing: %w", context.Cause(ctx))
		case <-time.After(setupInterval):
		}
	}
}
