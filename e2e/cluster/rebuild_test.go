//go:build cluster

package cluster

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/chaos"
	"github.com/aliquot-labs/aliquot/e2e/deployment"
	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

// TestRebuildAfterDataLoss follows the procedures of docs/operations.md for lost data. First Temporal's data is lost,
// then all data, and the store is restored from a backup. Orders in every kind of status reach their ends.
func TestRebuildAfterDataLoss(t *testing.T) { //nolint:paralleltest // it needs the whole machine
	f := deployment.Start(t, deployment.Options{})
	receiver := chaos.NewReceiver("all")
	t.Cleanup(receiver.Close)
	secret := addEndpoint(t, f, map[string]any{"url": receiver.URL()})
	require.NoError(t, receiver.SetSecret(secret))

	t.Run("Temporal's", func(t *testing.T) {
		open := openOrders(t, f)
		stopAll(t, f.Workers)
		for _, node := range f.Cluster.Nodes {
			require.NoError(t, node.Kill())
		}
		// The API accepts orders and facts meanwhile. Their webhooks are delivered later.
		open = append(open, actWithoutTemporal(t, f, open[0])...)
		require.NoError(t, f.Cluster.Wipe(t.Context()))
		startWorkersAndRebuild(t, f)
		finishOrders(t, f, receiver, open)
	})
	t.Run("all, with a backup of the store", func(t *testing.T) {
		open := openOrders(t, f)
		file := filepath.Join(t.TempDir(), "aliquot.dump")
		require.NoError(t, postgrestest.Backup(t.Context(), f.OwnerURL, file))
		stopAll(t, f.Workers)
		stopAll(t, f.APIs)
		require.NoError(t, f.Store.Close())
		require.NoError(t, f.Cluster.Postgres.DropDatabase("aliquot"))
		_, err := f.Cluster.Postgres.CreateDatabase("aliquot")
		require.NoError(t, err)
		require.NoError(t, postgrestest.Restore(t.Context(), f.OwnerURL, file))
		require.NoError(t, f.Migrate(t.Context()))
		require.NoError(t, f.Reopen(t.Context()))
		for _, p := range f.APIs {
			require.NoError(t, p.Start(t.Context()))
		}
		require.NoError(t, f.Cluster.Wipe(t.Context()), "what Temporal knows is of after the backup")
		startWorkersAndRebuild(t, f)
		finishOrders(t, f, receiver, open)
	})
}

// startWorkersAndRebuild starts the workers and runs the rebuild.
func startWorkersAndRebuild(t *testing.T, f *deployment.Deployment) {
	t.Helper()
	for _, w := range f.Workers {
		require.NoError(t, w.Launch())
	}
	require.NoError(t, f.RunCommand(t.Context(), "rebuild"))
	for _, w := range f.Workers {
		require.NoError(t, w.Start(t.Context()))
	}
	requireRunsOfOpenOrders(t, f)
}

func stopAll(t *testing.T, processes []*deployment.Process) {
	t.Helper()
	for _, p := range processes {
		require.NoError(t, p.Stop())
	}
}

// openOrder is an open order and the actions that take it to its end.
type openOrder struct {
	*scenario.Order
	status string
	finish []func(context.Context) error
	end    string
}

// openOrders creates orders of every collection method in many statuses.
func openOrders(t *testing.T, f *deployment.Deployment) []openOrder {
	t.Helper()
	ctx, d := t.Context(), f.ScenarioSystem()
	place := func(method string, more map[string]any) *scenario.Order {
		body := map[string]any{"passthrough": "sandbox:silent"}
		for k, v := range more {
			body[k] = v
		}
		o, err := d.PlaceOrder(ctx, method, "", body)
		require.NoError(t, err)
		return o
	}
	var all []openOrder
	// add appends an order. The function do takes the order to the status, once it has the status before.
	add := func(o *scenario.Order, before string, do func(context.Context) error, status, end string,
		finish ...func(context.Context) error) {
		awaitStatus(t, o, before)
		if do != nil {
			require.NoError(t, do(ctx))
		}
		awaitStatus(t, o, status)
		all = append(all, openOrder{o, status, finish, end})
	}
	fact := func(o *scenario.Order, kind string) func(context.Context) error {
		return func(ctx context.Context) error { return o.SendFact(ctx, kind, nil) }
	}
	final := func(o *scenario.Order) func(context.Context) error {
		return func(ctx context.Context) error { return o.PublishReport(ctx, scenario.Final, "normal", "") }
	}

	o := place(scenario.Testkit, nil)
	add(o, "requisition_created", fact(o, "kit_shipped"), "transit_customer", "completed", fact(o, "sample_received"),
		final(o))
	o = place(scenario.Testkit, nil)
	add(o, "requisition_created", nil, "requisition_created", "cancelled", o.Cancel)
	o = place(scenario.Testkit, map[string]any{"activate_by": time.Now().UTC().AddDate(0, 0, 3).Format(time.DateOnly)})
	scheduled := o
	add(o, "ordered", nil, "ordered", "cancelled", o.Activate, func(ctx context.Context) error {
		awaitStatus(t, scheduled, "requisition_created")
		return scheduled.Cancel(ctx)
	})
	o = place(scenario.Testkit, nil)
	blocked := o
	add(o, "requisition_created", func(ctx context.Context) error { return blocked.SendRejection(ctx, true) },
		"lab_processing_blocked", "completed", o.RecoverKit, final(o))
	o = place(scenario.WalkIn, nil)
	add(o, "requisition_created", o.Book, "appointment_scheduled", "completed", final(o))
	o = place(scenario.WalkIn, nil)
	add(o, "requisition_created", o.Book, "appointment_scheduled", "cancelled", o.Reschedule, o.CancelAppointment,
		o.Cancel)
	o = place(scenario.Phlebotomy, nil)
	add(o, "requisition_created", o.Request, "appointment_pending", "cancelled", o.Cancel)
	o = place(scenario.OnSite, nil)
	add(o, "requisition_created", o.DrawCompleted, "draw_completed", "completed", final(o))
	kit, err := d.PlaceKit(ctx, "", "silent")
	require.NoError(t, err)
	add(kit, "awaiting_registration", fact(kit, "kit_shipped"), "transit_customer", "completed", kit.Register,
		fact(kit, "sample_received"), final(kit))
	return all
}

// actWithoutTemporal places an order and has the lab report on another one while Temporal is down.
func actWithoutTemporal(t *testing.T, f *deployment.Deployment, shipped openOrder) []openOrder {
	t.Helper()
	o, err := f.ScenarioSystem().PlaceOrder(t.Context(), scenario.OnSite, "",
		map[string]any{"passthrough": "sandbox:silent"})
	require.NoError(t, err)
	require.NoError(t, shipped.SendTransit(t.Context(), "with_customer"))
	return []openOrder{{o, "requisition_created", []func(context.Context) error{
		func(ctx context.Context) error { return o.PublishReport(ctx, scenario.Final, "normal", "") },
	}, "completed"}}
}

// finishOrders takes orders to their ends and waits until the client has all webhooks.
func finishOrders(t *testing.T, f *deployment.Deployment, receiver *chaos.Receiver, open []openOrder) {
	t.Helper()
	for _, o := range open {
		awaitStatus(t, o.Order, o.status)
		for _, do := range o.finish {
			require.NoError(t, do(t.Context()), "order %s, from %s", o.ID, o.status)
		}
		awaitStatus(t, o.Order, o.end)
	}
	for _, o := range open {
		v, err := o.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, o.end, lastStatus(v.LowStatuses()), "order %s", o.ID)
		for i, e := range v.Events {
			require.Equal(t, int64(i+1), e.ID, "order %s: events without gaps", o.ID)
		}
		require.Eventually(t, func() bool { return len(receivedSequences(receiver, o.ID)) == len(v.Events) }, timeout,
			100*time.Millisecond,
			"order %s: %v, webhooks %v", o.ID, v.LowStatuses(), receivedSequences(receiver, o.ID))
	}
	require.Empty(t, receiver.Endpoint().BadSignatures)
	require.Eventually(t, func() bool {
		running, err := f.OpenOrders(t.Context())
		return err == nil && len(running) == 0
	}, timeout, 500*time.Millisecond, "every order has ended")
}

func lastStatus(lows []string) string { return lows[len(lows)-1] }

// receivedSequences lists the sequences of an order's events that a receiver has got webhooks for.
func receivedSequences(receiver *chaos.Receiver, id string) []int64 {
	var sequences []int64
	for _, d := range receiver.Endpoint().Deliveries {
		if d.OrderID == id {
			sequences = append(sequences, d.Sequence)
		}
	}
	slices.Sort(sequences)
	return slices.Compact(sequences)
}

// awaitStatus waits until an order has had a status.
func awaitStatus(t *testing.T, o *scenario.Order, status string) {
	t.Helper()
	var lows []string
	require.Eventually(t, func() bool {
		v, err := o.Read(t.Context())
		lows = v.LowStatuses()
		return err == nil && slices.Contains(lows, status)
	}, timeout, 100*time.Millisecond, "order %s: %s after %v", o.ID, status, &lows)
}
