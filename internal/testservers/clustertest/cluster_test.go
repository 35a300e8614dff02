//go:build cluster

package clustertest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aliquot-labs/aliquot/internal/testservers/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const timeout = 2 * time.Minute

// TestClusterSurvivesKilledNodes shows that every node knows a namespace, that the namespace survives the kill of each
// node and of PostgreSQL, and that Wipe deletes it.
func TestClusterSurvivesKilledNodes(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, clustertest.Options{})
	through, err := client.NewLazyClient(client.Options{HostPort: c.Address, Namespace: "orders"})
	require.NoError(t, err)
	defer through.Close()
	knows := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := through.DescribeWorkflowExecution(ctx, "none", "")
		notFound := new(serviceerror.NotFound)
		return errors.As(err, &notFound)
	}
	require.False(t, knows())
	_, err = through.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: "orders", WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(t, err)
	require.Eventually(t, knows, timeout, 100*time.Millisecond)

	for _, node := range c.Nodes {
		require.NoError(t, node.Kill())
		require.Eventually(t, knows, timeout, 100*time.Millisecond, "without %s", node.Address)
		require.NoError(t, node.Start(t.Context()))
	}
	require.NoError(t, c.Postgres.Kill())
	require.NoError(t, c.Postgres.Start(t.Context()))
	for _, node := range c.Nodes {
		require.NoError(t, node.Launch(), "the node may have ended without PostgreSQL")
	}
	require.Eventually(t, knows, timeout, 100*time.Millisecond)

	require.NoError(t, c.Wipe(t.Context()))
	require.False(t, knows())
}
