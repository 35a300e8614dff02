//go:build cluster

package cluster

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/clustertest"
)

// TestRolloutsOnACluster runs the tests of rollouts, which otherwise use the development server, on a cluster.
func TestRolloutsOnACluster(t *testing.T) { //nolint:paralleltest // it needs the whole machine
	c := clustertest.Start(t, clustertest.Options{})
	tests := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout=20m",
		"-run=^(TestARolloutAndBackWithOrdersInEveryStatus|TestAHeldChangeIsNotBegun|TestAnUnguardedChangeIsCaught)$", "..")
	tests.Env = append(os.Environ(), "ALIQUOT_TEST_TEMPORAL_ADDR="+c.Address)
	out, err := tests.CombinedOutput()
	require.NoError(t, err, "%s", out[max(0, len(out)-20_000):])
}
