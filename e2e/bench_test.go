package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/aliquot-labs/aliquot/dispatch"
)

// What a benchmark run is made of. Every figure is a ratio against a floor that the same run measures, because absolute figures say
// more of the machine than of the program.
const (
	benchOrders      = 150
	benchConcurrency = 32
	benchSignals     = 6 // the facts of a testkit's life: three of the lab's, three of the couriers'
)

// BenchmarkLife compares the full life of testkit orders (HTTP, SQL, requisition, six facts, results, eight signed webhooks) with
// workflows that receive as many signals and run a no-op local activity for each.
func BenchmarkLife(b *testing.B) {
	for b.Loop() {
		floor := floorRate(b, false)
		attributes := floorRate(b, true)
		life := lifeRate(b)
		b.ReportMetric(floor, "floor/s")
		b.ReportMetric(life, "orders/s")
		b.ReportMetric(life/floor, "ratio")
		b.ReportMetric(attributes/floor, "attributes-ratio")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkHistory counts what one plain order of three facts costs Temporal: events and bytes, without its deliveries.
func BenchmarkHistory(b *testing.B) {
	for b.Loop() {
		s := newSystem(b, options{})
		id := s.placeOrder(nil)
		s.lifeUntilResults(id)
		s.awaitStatus(id, "completed.testkit.completed")
		s.awaitEnd(id)
		h := s.histories(dispatch.OrderWorkflowID(id))[0]
		b.ReportMetric(float64(len(h.GetEvents())), "events")
		b.ReportMetric(float64(proto.Size(h)), "bytes")
	}
	b.ReportMetric(0, "ns/op")
}

// lifeRate is how many orders a second live their whole life.
func lifeRate(b *testing.B) float64 {
	b.Helper()
	s := newSystem(b, options{auto: true})
	began := time.Now()
	inParallel(b, func(int) error {
		s.placeOrder(nil)
		return nil
	})
	require.Eventually(b, func() bool {
		open, err := s.store.OpenOrders(context.Background(), "", 1)
		require.NoError(b, err)
		return len(open) == 0
	}, 5*time.Minute, 20*time.Millisecond)
	return benchOrders / time.Since(began).Seconds()
}

// floorRate is how many bare workflows a second receive their signals, each with a no-op local activity and, if asked, an upsert of
// one search attribute.
func floorRate(b *testing.B, attributes bool) float64 {
	b.Helper()
	s := newSystem(b, options{})
	queue := "floor-" + uuid.NewString()
	w := sdkworker.New(s.client, queue, sdkworker.Options{MaxConcurrentWorkflowTaskPollers: 8})
	w.RegisterWorkflowWithOptions(floor, workflow.RegisterOptions{Name: "floor"})
	w.RegisterActivity(noop)
	require.NoError(b, w.Start())
	defer w.Stop()
	began := time.Now()
	inParallel(b, func(i int) error {
		run, err := s.client.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{ID: fmt.Sprintf("floor-%d", i), TaskQueue: queue},
			"floor", benchSignals, attributes)
		if err != nil {
			return err
		}
		for n := range benchSignals {
			if err := s.client.SignalWorkflow(b.Context(), run.GetID(), "", "fact", n); err != nil {
				return err
			}
		}
		return run.Get(b.Context(), nil)
	})
	return benchOrders / time.Since(began).Seconds()
}

func floor(ctx workflow.Context, signals int, attributes bool) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Second})
	facts := workflow.GetSignalChannel(ctx, "fact")
	for n := range signals {
		facts.Receive(ctx, nil)
		if err := workflow.ExecuteLocalActivity(ctx, noop).Get(ctx, nil); err != nil {
			return err
		}
		if attributes {
			if err := workflow.UpsertTypedSearchAttributes(ctx, dispatch.AttrStatus.ValueSet(fmt.Sprint(n))); err != nil {
				return err
			}
		}
	}
	return nil
}

func noop(context.Context) error { return nil }

func inParallel(b *testing.B, do func(i int) error) {
	b.Helper()
	var g errgroup.Group
	g.SetLimit(benchConcurrency)
	for i := range benchOrders {
		g.Go(func() error { return do(i) })
	}
	require.NoError(b, g.Wait())
}
