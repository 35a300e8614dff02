package dispatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/faultproxy"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
	"github.com/aliquot-labs/aliquot/order"
)

// callLimit is the deadline of each call, and callDue how soon it has to end.
const (
	callLimit = time.Second
	callDue   = 10 * time.Second
)

// callsOfWorkflows are the calls that requests, webhooks and activities make.
func callsOfWorkflows() map[string]func(ctx context.Context, c *dispatch.Client) error {
	orderID := func() string { return uuid.NewString() }
	return map[string]func(ctx context.Context, c *dispatch.Client) error{
		"reachable": func(ctx context.Context, c *dispatch.Client) error { return c.CheckReachable(ctx) },
		"start":     func(ctx context.Context, c *dispatch.Client) error { return c.StartOrder(ctx, orderID()) },
		"ensure": func(ctx context.Context, c *dispatch.Client) error {
			_, err := c.EnsureOrder(ctx, orderID())
			return err
		},
		"wake": func(ctx context.Context, c *dispatch.Client) error {
			return c.WakeOrder(ctx, orderID(), dispatch.Wake{})
		},
		"nudge": func(ctx context.Context, c *dispatch.Client) error { return c.NudgeDeliveries(ctx, orderID()) },
		"demand": func(ctx context.Context, c *dispatch.Client) error {
			_, err := c.Demand(ctx, orderID(), order.Demand{ID: orderID(), Kind: order.DemandCancel})
			return err
		},
	}
}

// callWithin makes a call with a deadline, and requires that it ends in time.
func callWithin(t *testing.T, name string, call func(ctx context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callLimit)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- call(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(callDue):
		require.FailNow(t, "the call never ends", name)
		return nil
	}
}

func TestEveryCallEndsWhenTemporalFails(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	for _, fault := range faultproxy.Faults() {
		for _, connected := range []bool{true, false} {
			t.Run(string(fault), func(t *testing.T) {
				t.Parallel()
				proxy := faultproxy.Start(t, server.Address)
				temporal, err := client.NewLazyClient(client.Options{HostPort: proxy.Address, Namespace: namespace,
					DataConverter: dispatch.NewConverter()})
				require.NoError(t, err)
				t.Cleanup(temporal.Close)
				c := dispatch.NewClient(temporal)
				if connected {
					require.NoError(t, c.CheckReachable(t.Context()))
				}
				proxy.Set(fault)
				for name, call := range callsOfWorkflows() {
					require.Error(t, callWithin(t, name, func(ctx context.Context) error { return call(ctx, c) }), name)
				}
				proxy.Set(faultproxy.None)
				require.Eventually(t, func() bool { return c.StartOrder(t.Context(), uuid.NewString()) == nil }, time.Minute,
					50*time.Millisecond)
			})
		}
	}
}

// The control: a call without a deadline goes on for as long as the connection is stalled.
func TestACallWithoutADeadlineWaits(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	proxy := faultproxy.Start(t, server.Address)
	temporal, err := client.NewLazyClient(client.Options{HostPort: proxy.Address, Namespace: server.Namespace(t),
		DataConverter: dispatch.NewConverter()})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	c := dispatch.NewClient(temporal)
	require.NoError(t, c.CheckReachable(t.Context()))
	proxy.Set(faultproxy.Stall)
	ended := make(chan error, 1)
	go func() { ended <- c.StartOrder(t.Context(), uuid.NewString()) }()
	select {
	case err := <-ended:
		require.Fail(t, "it has ended", "%v", err)
	case <-time.After(3 * callLimit):
	}
	proxy.Set(faultproxy.None)
	require.NoError(t, <-ended)
}
