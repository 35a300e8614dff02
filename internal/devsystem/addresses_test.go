package devsystem

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func freePortOptions() Options {
	return Options{API: "127.0.0.1:0", LabAddr: "127.0.0.1:0", Receiver: "127.0.0.1:0"}
}

func TestPortZeroIsAFreeOne(t *testing.T) {
	t.Parallel()
	a, err := freePortOptions().resolveAddresses(t.Context(), "")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, address := range append([]string{a.api, a.lab, a.temporal, a.temporalUI, a.receiver}, a.metrics[:]...) {
		require.NotEqual(t, "0", portOf(address))
		require.False(t, seen[address], "no port is given twice")
		seen[address] = true
	}
}

func TestTheReceiverKeepsItsAddress(t *testing.T) {
	t.Parallel()
	first, err := freePortOptions().resolveAddresses(t.Context(), "")
	require.NoError(t, err)
	second, err := freePortOptions().resolveAddresses(t.Context(), first.receiver)
	require.NoError(t, err)
	require.Equal(t, first.receiver, second.receiver)

	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", first.receiver)
	require.NoError(t, err)
	defer taken.Close()
	third, err := freePortOptions().resolveAddresses(t.Context(), first.receiver)
	require.NoError(t, err)
	require.NotEqual(t, first.receiver, third.receiver)
	require.NotEmpty(t, third.receiver)
}

func TestAnAddressInUseIsRefused(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	o := freePortOptions()
	o.LabAddr = taken.Addr().String()
	_, err = o.resolveAddresses(t.Context(), "")
	require.ErrorContains(t, err, "--lab-addr: ")
	require.ErrorContains(t, err, "address already in use: stop what listens there")
}

func TestURLOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80",
		"0.0.0.0:80":   "http://127.0.0.1:80",
		":80":          "http://127.0.0.1:80",
		"[::]:80":      "http://127.0.0.1:80",
		"[::1]:80":     "http://[::1]:80",
		"lab.test:80":  "http://lab.test:80",
	} {
		require.Equal(t, want, urlOfAddress(address), address)
	}
}
