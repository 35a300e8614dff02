// Package worker assembles Aliquot's Temporal workers: which queue runs which workflows and activities, with which
// limits, and what the namespace must contain before they start.
package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/registry"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
	"github.com/aliquot-labs/aliquot/workflows"
)

// Partners returns the adapters of all lab partners. timeout limits one exchange; 0 is the adapter's default.
func Partners(timeout time.Duration) map[string]activities.LabFactory {
	shared := &http.Client{}
	adapters := map[string]activities.LabFactory{}
	for _, p := range registry.Protocols() {
		adapters[p.Name] = func(a labs.Account, pace labs.WaitForTurn) (labs.Lab, error) {
			lab, err := p.Open(a, labs.Options{HTTPClient: shared, Timeout: timeout, WaitForTurn: pace})
			if err != nil {
				return nil, fmt.Errorf("making the client of a %s account: %w", p.Name, err)
			}
			return lab, nil
		}
	}
	return adapters
}

// Options configure a worker process.
type Options struct {
	Temporal client.Client
	Store    *store.Store
	Dispatch *dispatch.Client
	Partners map[string]activities.LabFactory // by the protocol of a lab account. Defaults to Partners(0).
	Tracker  couriers.Tracker                 // nil: no courier aggregator is configured
	Sender   *webhooks.Sender
	// Concurrency is how many deliveries to one endpoint run at once. Defaults to activities.DefaultConcurrency.
	Concurrency     int
	Retention       activities.Retention  // Defaults to no limits.
	MetricsRegistry prometheus.Registerer // Defaults to a new registry.
	Logger          *slog.Logger          // Defaults to slog.Default().
	Now             func() time.Time      // Defaults to time.Now.

	// Version is the deployment and the build of this worker. Defaults to an unversioned worker.
	Version Version
	// HeldChanges lists the ids of changes of workflow code that this worker knows and holds. HoldAllChanges holds all.
	HeldChanges []string
	// StopTimeout is how long running activities may finish after Stop. Defaults to 10 s.
	StopTimeout time.Duration
	// Queues are the task queues to serve. Defaults to all.
	Queues []string
	// CheckInterval is the time between two checks of the store and its keys. While they fail, the worker does not poll.
	// Defaults to 0: it polls whatever the store does.
	CheckInterval time.Duration
	// OnFatal is called when the worker cannot continue, for example because its namespace is gone, perhaps once per
	// queue. The process should then end and be restarted. Defaults to a log message.
	OnFatal func(error)
}

// workflowPollers is the number of pollers for workflow tasks per queue. With the SDK's two, the p99 is seconds when
// many orders start at once.
const workflowPollers = 8

// New creates a worker, which does nothing before Start.
func New(o Options) (*Worker, error) {
	if o.Temporal == nil || o.Store == nil || o.Dispatch == nil || o.Sender == nil {
		return nil, errors.New("making a worker: Temporal, Store, Dispatch and Sender are needed")
	}
	o.setDefaults()
	a := &activities.Activities{
		Store: o.Store, Dispatch: o.Dispatch, Partners: o.Partners, Tracker: o.Tracker, Sender: o.Sender,
		Concurrency: o.Concurrency, Retention: o.Retention,
		Metrics: activities.NewMetrics(o.MetricsRegistry), Log: o.Logger, Now: o.Now,
	}
	register := map[string]func(Registrar, *activities.Activities){
		dispatch.QueueOrders: RegisterOrders, dispatch.QueueLabs: RegisterLabs, dispatch.QueueDeliveries: RegisterDeliveries,
	}
	if err := o.Version.validate(); err != nil {
		return nil, fmt.Errorf("making a worker: %w", err)
	}
	for _, queue := range o.Queues {
		if register[queue] == nil {
			return nil, fmt.Errorf("making a worker: there is no task queue %q", queue)
		}
	}
	newQueueWorker := func(queue string) queueWorker {
		q := sdk.New(o.Temporal, queue, o.sdkOptions(queue))
		register[queue](q, a)
		return q
	}
	w := newWorker(o, newQueueWorker, newStoreChecks(o.Store))
	w.awaitBackground = a.WaitForNotifications
	return w, nil
}

// sdkOptions are the options of the SDK's worker of a queue.
func (o *Options) sdkOptions(queue string) sdk.Options {
	localActivities, workflowTasks := taskSlots(o.Store.MaxConns())
	return sdk.Options{
		MaxConcurrentWorkflowTaskPollers:        workflowPollers,
		MaxConcurrentLocalActivityExecutionSize: localActivities,
		MaxConcurrentWorkflowTaskExecutionSize:  workflowTasks,
		WorkerStopTimeout:                       o.StopTimeout,
		OnFatalError:                            o.OnFatal,
		Interceptors:                            []interceptor.WorkerInterceptor{&errorGuard{log: o.Logger}},
		DeploymentOptions:                       o.Version.deploymentOptions(),
		PreferredVersionProvider:                holdChanges(o.HeldChanges),
		MaxHeartbeatThrottleInterval:            heartbeatThrottle(queue),
	}
}

// heartbeatThrottle returns how long the workers of a queue may hold back a heartbeat; 0 is the SDK's default.
func heartbeatThrottle(queue string) time.Duration {
	if queue == dispatch.QueueDeliveries {
		return activities.HeartbeatThrottle
	}
	return 0
}

func (o *Options) setDefaults() {
	if o.Partners == nil {
		o.Partners = Partners(0)
	}
	if o.MetricsRegistry == nil {
		o.MetricsRegistry = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnFatal == nil {
		o.OnFatal = func(err error) { o.Logger.Error("the worker cannot continue", "error", err) }
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = 10 * time.Second
	}
	if len(o.Queues) == 0 {
		o.Queues = dispatch.QueueNames()
	}
}

// Registrar registers workflows and activities: a worker, or a test environment.
type Registrar interface {
	RegisterWorkflowWithOptions(w any, o workflow.RegisterOptions)
	RegisterActivityWithOptions(a any, o activity.RegisterOptions)
}

// RegisterOrders registers the workflows and activities of the orders queue.
func RegisterOrders(r Registrar, a *activities.Activities) {
	r.RegisterWorkflowWithOptions(workflows.Order, workflow.RegisterOptions{Name: dispatch.WorkflowOrder})
	registerActivity(r, dispatch.ActivitySettle, a.Settle)
}

// RegisterLabs registers the activities of the labs queue.
func RegisterLabs(r Registrar, a *activities.Activities) {
	registerActivity(r, dispatch.ActivityPlace, a.Place)
	registerActivity(r, dispatch.ActivityFetch, a.Fetch)
	registerActivity(r, dispatch.ActivityTrack, a.Track)
	registerActivity(r, dispatch.ActivityCancel, a.Cancel)
	registerActivity(r, dispatch.ActivityCorrect, a.Correct)
	registerActivity(r, dispatch.ActivityBook, a.Book)
	registerActivity(r, dispatch.ActivityRelease, a.Release)
	registerActivity(r, dispatch.ActivityPoll, a.PollSilent)
	registerActivity(r, dispatch.ActivityReview, a.ReviewUnmatchedReports)
	registerActivity(r, dispatch.ActivityAskLabs, a.AskLabs)
}

// RegisterDeliveries registers the workflows and activities of the deliveries queue.
func RegisterDeliveries(r Registrar, a *activities.Activities) {
	r.RegisterWorkflowWithOptions(workflows.Deliveries, workflow.RegisterOptions{Name: dispatch.WorkflowDeliveries})
	r.RegisterWorkflowWithOptions(workflows.Reconcile, workflow.RegisterOptions{Name: dispatch.WorkflowReconcile})
	registerActivity(r, dispatch.ActivityDeliver, a.Deliver)
	registerActivity(r, dispatch.ActivitySweep, a.Sweep)
	registerActivity(r, dispatch.ActivitySweepOpenOrders, a.SweepOpenOrders)
}

func registerActivity(r Registrar, name string, fn any) {
	r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
}
