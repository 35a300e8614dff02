package childprocess_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

func TestFreePortReturnsAPortOnce(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 200 {
		port, err := childprocess.FreePort(t.Context())
		require.NoError(t, err)
		require.False(t, seen[port], "the port %d was returned before", port)
		seen[port] = true
	}
}

func TestFreePortsAreNotThoseOfOutgoingConnections(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip("the system does not say which ports outgoing connections get")
	}
	var first, last int
	_, err = fmt.Sscan(string(content), &first, &last)
	require.NoError(t, err)
	if first < 13_000 {
		t.Skip("outgoing connections get nearly every port")
	}
	for range 200 {
		port, err := childprocess.FreePort(t.Context())
		require.NoError(t, err)
		require.Less(t, port, first)
	}
}
