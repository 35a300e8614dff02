package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/clustertest"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
)

// The sizes of a benchmark run. Results are ratios to a baseline of the same run, because absolute values depend on the
// machine.
const (
	benchOrders      = 150
	benchConcurrency = 32
	benchSignals     = 6 // the facts of a testkit: three from the lab, three from couriers
	benchCalls       = 3 // requisition, trackers, results
	// for each fact of an order: the inbox item, its signal, the recording, the delivery attempt
	benchCommits = 4
)

// BenchmarkLife compares the whole life of testkit orders (HTTP, SQL, requisition, six facts, results, eight signed
// webhooks) with bare workflows.
//
// The baseline of ratio receives as many signals, sent at once, and runs a no-op local activity for each. The baseline
// of calls-ratio also runs a regular activity for each call of an order to a partner. attributes-cost and calls-cost
// are what search attributes at each step, and those activities, cost the bare workflow. The baseline of like-ratio
// does as much as an order: its signals come one after the other, each local activity commits to the store's database,
// and search attributes are updated.
func BenchmarkLife(b *testing.B) {
	benchEngines(b, func(b *testing.B, o func() options) {
		b.Helper()
		bare := baselineRate(b, o(), baselineInput{Signals: benchSignals})
		attributes := baselineRate(b, o(), baselineInput{Signals: benchSignals, Attributes: true})
		calls := baselineRate(b, o(), baselineInput{Signals: benchSignals, Calls: benchCalls})
		life := orderRate(b, o())
		like := baselineRate(b, o(), baselineInput{Signals: benchSignals, Calls: benchCalls, Attributes: true,
			Commits: benchCommits})
		again := baselineRate(b, o(), baselineInput{Signals: benchSignals})
		b.ReportMetric(bare, "floor/s")
		b.ReportMetric(again/bare, "floor-again")
		b.ReportMetric(life, "orders/s")
		b.ReportMetric(2*life/(bare+again), "ratio")
		b.ReportMetric(life/calls, "calls-ratio")
		b.ReportMetric(life/like, "like-ratio")
		b.ReportMetric(attributes/bare, "attributes-cost")
		b.ReportMetric(calls/bare, "calls-cost")
	})
}

// benchEngines runs a benchmark on SQLite with the development server, and on PostgreSQL with a Temporal cluster of two
// nodes. The function o returns the options of another system on the same server.
func benchEngines(b *testing.B, run func(b *testing.B, o func() options)) {
	b.Helper()
	b.Run("sqlite+dev", func(b *testing.B) {
		for b.Loop() {
			run(b, func() options { return options{} })
		}
		b.ReportMetric(0, "ns/op")
	})
	b.Run("postgres+cluster", func(b *testing.B) {
		cluster := clustertest.Start(b, clustertest.Options{})
		n := 0
		for b.Loop() {
			run(b, func() options {
				n++
				database, err := cluster.Postgres.CreateDatabase(fmt.Sprintf("aliquot_%d", n))
				require.NoError(b, err)
				return options{database: database, temporal: &temporaltest.DevServer{Address: cluster.Address}}
			})
		}
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkHistory reports the Temporal history events and bytes of one order with three facts, without its deliveries.
func BenchmarkHistory(b *testing.B) {
	for b.Loop() {
		s := newSystem(b, options{})
		id := s.placeOrder(nil)
		s.playLabFacts(id)
		s.awaitStatus(id, "completed.testkit.completed")
		s.awaitEnd(id)
		h := s.histories(dispatch.OrderWorkflowID(id))[0]
		b.ReportMetric(float64(len(h.GetEvents())), "events")
		b.ReportMetric(float64(proto.Size(h)), "bytes")
	}
	b.ReportMetric(0, "ns/op")
}

// orderRate returns how many orders a second complete their life.
func orderRate(b *testing.B, o options) float64 {
	b.Helper()
	o.playScripts = true
	s := newSystem(b, o)
	before, tablesBefore := s.databaseSize(b), s.tableSizes(b)
	defer func() {
		b.ReportMetric((s.databaseSize(b)-before)/1024/benchOrders, "db-kB/order")
		logTableGrowth(b, tablesBefore, s.tableSizes(b))
	}()
	began := time.Now()
	inParallel(b, func(int) error {
		s.placeOrder(nil)
		return nil
	})
	require.Eventually(b, func() bool {
		open, err := s.store.UnfinishedOrders(context.Background(), "", 1)
		require.NoError(b, err)
		return len(open) == 0
	}, 5*time.Minute, 100*time.Millisecond)
	return benchOrders / time.Since(began).Seconds()
}

// databaseSize returns the size of the store in bytes: tables and indexes, or the file and its log.
func (s *system) databaseSize(b *testing.B) (bytes float64) {
	b.Helper()
	if path, ok := strings.CutPrefix(s.dbURL, "sqlite:"); ok {
		for _, suffix := range []string{"", "-wal"} {
			info, err := os.Stat(path + suffix)
			require.NoError(b, err)
			bytes += float64(info.Size())
		}
		return bytes
	}
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, s.dbURL)
	require.NoError(b, err)
	defer func() { require.NoError(b, connection.Close(ctx)) }()
	require.NoError(b, connection.QueryRow(ctx, `SELECT pg_database_size(current_database())::float8`).Scan(&bytes))
	return bytes
}

// baselineInput describes what a bare workflow does.
type baselineInput struct {
	Signals    int  // signals to receive, each with a no-op local activity
	Calls      int  // no-op regular activities to make
	Attributes bool // upsert one search attribute at every signal
	// Commits are made by each local activity in the database. Each signal then waits for the one before it.
	Commits int
}

// baselineRate returns how many bare workflows a second complete.
func baselineRate(b *testing.B, o options, in baselineInput) float64 {
	b.Helper()
	o.workers = noWorkers
	s := newSystem(b, o)
	queue := "floor-" + uuid.NewString()
	w := sdkworker.New(s.client, queue, sdkworker.Options{MaxConcurrentWorkflowTaskPollers: 8})
	w.RegisterWorkflowWithOptions(baselineWorkflow, workflow.RegisterOptions{Name: "floor"})
	w.RegisterActivity(noopActivity)
	commits := newCommitter(b, s.dbURL, in.Commits)
	w.RegisterActivityWithOptions(commits.commit, activity.RegisterOptions{Name: "commit"})
	require.NoError(b, w.Start())
	defer w.Stop()
	began := time.Now()
	inParallel(b, func(i int) error {
		run, err := s.client.ExecuteWorkflow(b.Context(),
			client.StartWorkflowOptions{ID: fmt.Sprintf("floor-%d", i), TaskQueue: queue}, "floor", in)
		if err != nil {
			return err
		}
		for n := range in.Signals {
			if err := s.client.SignalWorkflow(b.Context(), run.GetID(), "", "fact", n); err != nil {
				return err
			}
			if in.Commits > 0 {
				<-commits.appliedSignal(run.GetID(), n)
			}
		}
		return run.Get(b.Context(), nil)
	})
	return benchOrders / time.Since(began).Seconds()
}

// baselineTimeout bounds a step of a bare workflow. One second was too short for the cluster on a busy machine.
const baselineTimeout = time.Minute

func baselineWorkflow(ctx workflow.Context, in baselineInput) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: baselineTimeout,
		ScheduleToCloseTimeout: time.Hour})
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: baselineTimeout,
		DisableEagerExecution: true})
	facts := workflow.GetSignalChannel(ctx, "fact")
	for n := range in.Signals {
		facts.Receive(ctx, nil)
		if err := applyBaselineSignal(ctx, in, n).Get(ctx, nil); err != nil {
			return err
		}
		if in.Attributes {
			if err := workflow.UpsertTypedSearchAttributes(ctx, dispatch.AttrStatus.ValueSet(fmt.Sprint(n))); err != nil {
				return err
			}
		}
	}
	for range in.Calls {
		if err := workflow.ExecuteActivity(ctx, noopActivity).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func applyBaselineSignal(ctx workflow.Context, in baselineInput, n int) workflow.Future {
	if in.Commits > 0 {
		return workflow.ExecuteLocalActivity(ctx, "commit", workflow.GetInfo(ctx).WorkflowExecution.ID, n)
	}
	return workflow.ExecuteLocalActivity(ctx, noopActivity)
}

func noopActivity(context.Context) error { return nil }

func inParallel(b *testing.B, do func(i int) error) {
	b.Helper()
	var g errgroup.Group
	g.SetLimit(benchConcurrency)
	for i := range benchOrders {
		g.Go(func() error { return do(i) })
	}
	require.NoError(b, g.Wait())
}
