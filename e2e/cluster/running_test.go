//go:build cluster

package cluster

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/clustertest"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
)

// TestVisibilityQueryForThousandOrders queries visibility on PostgreSQL for a thousand orders at once, which is the
// batch size of the hourly reconciler.
func TestVisibilityQueryForThousandOrders(t *testing.T) { //nolint:paralleltest // it needs the whole machine
	cluster := clustertest.Start(t, clustertest.Options{})
	dev := &temporaltest.DevServer{Address: cluster.Address}
	c, err := client.Dial(client.Options{HostPort: cluster.Address, Namespace: dev.Namespace(t)})
	require.NoError(t, err)
	t.Cleanup(c.Close)

	ids := make([]string, 1000)
	var starting errgroup.Group
	starting.SetLimit(16)
	for i := range ids {
		ids[i] = uuid.NewString()
		starting.Go(func() error {
			_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: dispatch.OrderWorkflowID(ids[i]),
				TaskQueue: "no-worker"}, "bare")
			return err
		})
	}
	require.NoError(t, starting.Wait())

	var took time.Duration
	running := func(want int) map[string]bool {
		var found map[string]bool
		require.Eventually(t, func() bool {
			began := time.Now()
			var err error
			found, err = dispatch.NewClient(c).RunningOrders(t.Context(), ids)
			took = time.Since(began)
			return err == nil && len(found) == want
		}, timeout, 100*time.Millisecond)
		return found
	}
	running(len(ids))
	require.NoError(t, c.TerminateWorkflow(t.Context(), dispatch.OrderWorkflowID(ids[7]), "", "by hand"))
	require.False(t, running(len(ids) - 1)[ids[7]])
	t.Logf("one question took %s", took)
}
