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
	"github.com/aliquot-labs/aliquot/e2e/drive"
	"github.com/aliquot-labs/aliquot/e2e/fleet"
	"github.com/aliquot-labs/aliquot/internal/pgtest"
)

// What docs/operations.md says of data that is lost, done as it says: first Temporal's, then all of it, with a backup of the store.
// Orders in every kind of status go on to their ends.
func TestLostDataIsRebuilt(t *testing.T) { //nolint:paralleltest // a fleet takes the whole machine
	f := fleet.Start(t, fleet.Options{})
	receiver := chaos.NewReceiver("all")
	t.Cleanup(receiver.Close)
	secret := addEndpoint(t, f, map[string]any{"url": receiver.URL()})
	require.NoError(t, receiver.Trust(secret))

	t.Run("Temporal's", func(t *testing.T) {
		open := openOrders(t, f)
		stopAll(t, f.Workers)
		for _, node := range f.Cluster.Nodes {
			require.NoError(t, node.Kill())
		}
		// The API takes orders and reports all the while. Nobody delivers what they mean for the client.
		open = append(open, meanwhile(t, f, open[0])...)
		require.NoError(t, f.Cluster.Wipe(t.Context()))
		rebuild(t, f)
		finish(t, f, receiver, open)
	})
	t.Run("all, with a backup of the store", func(t *testing.T) {
		open := openOrders(t, f)
		file := filepath.Join(t.TempDir(), "aliquot.dump")
		require.NoError(t, pgtest.Backup(t.Context(), f.DatabaseURL, file))
		stopAll(t, f.Workers)
		stopAll(t, f.APIs)
		require.NoError(t, f.Store.Close())
		require.NoError(t, f.Cluster.Postgres.Drop("aliquot"))
		_, err := f.Cluster.Postgres.Create("aliquot")
		require.NoError(t, err)
		require.NoError(t, pgtest.Restore(t.Context(), f.DatabaseURL, file))
		require.NoError(t, f.Run(t.Context(), "migrate"))
		require.NoError(t, f.Reopen(t.Context()))
		for _, p := range f.APIs {
			require.NoError(t, p.Start(t.Context()))
		}
		require.NoError(t, f.Cluster.Wipe(t.Context()), "what Temporal knows is of after the backup")
		rebuild(t, f)
		finish(t, f, receiver, open)
	})
}

// rebuild starts the workers and rebuilds.
func rebuild(t *testing.T, f *fleet.Fleet) {
	t.Helper()
	for _, w := range f.Workers {
		require.NoError(t, w.Launch())
	}
	require.NoError(t, f.Run(t.Context(), "rebuild"))
	for _, w := range f.Workers {
		require.NoError(t, w.Start(t.Context()))
	}
	requireRunsOfOpenOrders(t, f)
}

func stopAll(t *testing.T, processes []*fleet.Process) {
	t.Helper()
	for _, p := range processes {
		require.NoError(t, p.Stop())
	}
}

// opened is an order that stands somewhere, and what takes it to its end.
type opened struct {
	*drive.Order
	status string
	finish []func(context.Context) error
	end    string
}

// openOrders makes an order of every collection method in many statuses.
func openOrders(t *testing.T, f *fleet.Fleet) []opened {
	t.Helper()
	ctx, d := t.Context(), f.Driver()
	place := func(method string, more map[string]any) *drive.Order {
		body := map[string]any{"passthrough": "sandbox:silent"}
		for k, v := range more {
			body[k] = v
		}
		o, err := d.Place(ctx, method, "", body)
		require.NoError(t, err)
		return o
	}
	var all []opened
	// add brings an order to a status, by what is done once it has the status before.
	add := func(o *drive.Order, before string, do func(context.Context) error, status, end string, finish ...func(context.Context) error) {
		awaitLow(t, o, before)
		if do != nil {
			require.NoError(t, do(ctx))
		}
		awaitLow(t, o, status)
		all = append(all, opened{o, status, finish, end})
	}
	fact := func(o *drive.Order, kind string) func(context.Context) error {
		return func(ctx context.Context) error { return o.Fact(ctx, kind, nil) }
	}
	final := func(o *drive.Order) func(context.Context) error {
		return func(ctx context.Context) error { return o.Report(ctx, drive.Final, "normal", "") }
	}

	o := place(drive.Testkit, nil)
	add(o, "requisition_created", fact(o, "kit_shipped"), "transit_customer", "completed", fact(o, "sample_received"), final(o))
	o = place(drive.Testkit, nil)
	add(o, "requisition_created", nil, "requisition_created", "cancelled", o.Cancel)
	o = place(drive.Testkit, map[string]any{"activate_by": time.Now().UTC().AddDate(0, 0, 3).Format(time.DateOnly)})
	scheduled := o
	add(o, "ordered", nil, "ordered", "cancelled", o.Activate, func(ctx context.Context) error {
		awaitLow(t, scheduled, "requisition_created")
		return scheduled.Cancel(ctx)
	})
	o = place(drive.Testkit, nil)
	blocked := o
	add(o, "requisition_created", func(ctx context.Context) error { return blocked.Reject(ctx, true) },
		"lab_processing_blocked", "completed", o.Recover, final(o))
	o = place(drive.WalkIn, nil)
	add(o, "requisition_created", o.Book, "appointment_scheduled", "completed", final(o))
	o = place(drive.WalkIn, nil)
	add(o, "requisition_created", o.Book, "appointment_scheduled", "cancelled", o.Reschedule, o.CancelAppointment, o.Cancel)
	o = place(drive.Phlebotomy, nil)
	add(o, "requisition_created", o.Request, "appointment_pending", "cancelled", o.Cancel)
	o = place(drive.OnSite, nil)
	add(o, "requisition_created", o.DrawCompleted, "draw_completed", "completed", final(o))
	kit, err := d.PlaceKit(ctx, "", "silent")
	require.NoError(t, err)
	add(kit, "awaiting_registration", fact(kit, "kit_shipped"), "transit_customer", "completed", kit.Register, fact(kit, "sample_received"), final(kit))
	return all
}

// meanwhile is what happens while Temporal is away: an order is placed, and the lab reports on another.
func meanwhile(t *testing.T, f *fleet.Fleet, shipped opened) []opened {
	t.Helper()
	o, err := f.Driver().Place(t.Context(), drive.OnSite, "", map[string]any{"passthrough": "sandbox:silent"})
	require.NoError(t, err)
	require.NoError(t, shipped.Transit(t.Context(), "with_customer"))
	return []opened{{o, "requisition_created", []func(context.Context) error{
		func(ctx context.Context) error { return o.Report(ctx, drive.Final, "normal", "") },
	}, "completed"}}
}

// finish takes orders to their ends, and waits until the client has been told of everything.
func finish(t *testing.T, f *fleet.Fleet, receiver *chaos.Receiver, open []opened) {
	t.Helper()
	for _, o := range open {
		awaitLow(t, o.Order, o.status)
		for _, do := range o.finish {
			require.NoError(t, do(t.Context()), "order %s, from %s", o.ID, o.status)
		}
		awaitLow(t, o.Order, o.end)
	}
	for _, o := range open {
		v, err := o.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, o.end, last(v.Lows()), "order %s", o.ID)
		for i, e := range v.Events {
			require.Equal(t, int64(i+1), e.ID, "order %s: events without gaps", o.ID)
		}
		require.Eventually(t, func() bool { return len(toldOf(receiver, o.ID)) == len(v.Events) }, patience, 100*time.Millisecond,
			"order %s: %v, told %v", o.ID, v.Lows(), toldOf(receiver, o.ID))
	}
	require.Empty(t, receiver.Account().Broken)
	require.Eventually(t, func() bool {
		running, err := f.OpenOrders(t.Context())
		return err == nil && len(running) == 0
	}, patience, 500*time.Millisecond, "every order has ended")
}

func last(lows []string) string { return lows[len(lows)-1] }

// toldOf are the events of an order that a receiver was told of.
func toldOf(receiver *chaos.Receiver, id string) []int64 {
	var told []int64
	for _, d := range receiver.Account().Got {
		if d.OrderID == id {
			told = append(told, d.Sequence)
		}
	}
	slices.Sort(told)
	return slices.Compact(told)
}

// awaitLow waits until an order has had a status.
func awaitLow(t *testing.T, o *drive.Order, status string) {
	t.Helper()
	var lows []string
	require.Eventually(t, func() bool {
		v, err := o.Read(t.Context())
		lows = v.Lows()
		return err == nil && slices.Contains(lows, status)
	}, patience, 100*time.Millisecond, "order %s: %s after %v", o.ID, status, &lows)
}
