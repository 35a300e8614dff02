package webhooks_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

func newGuard(t *testing.T, allowed ...string) *webhooks.AddressGuard {
	t.Helper()
	g, err := webhooks.NewAddressGuard(allowed...)
	require.NoError(t, err)
	return g
}

var refusedAddresses = map[string]string{
	"unspecified":                "0.0.0.0",
	"this network":               "0.1.2.3",
	"private 10":                 "10.1.2.3",
	"private 172":                "172.16.0.1",
	"private 172, last":          "172.31.255.255",
	"private 192":                "192.168.1.1",
	"carrier-grade NAT":          "100.64.0.1",
	"carrier-grade NAT, last":    "100.127.255.255",
	"Alibaba metadata":           "100.100.100.200",
	"loopback":                   "127.0.0.1",
	"loopback, other":            "127.255.0.9",
	"link-local":                 "169.254.1.1",
	"metadata":                   "169.254.169.254",
	"ECS metadata":               "169.254.170.2",
	"Azure host":                 "168.63.129.16",
	"Oracle metadata":            "192.0.0.192",
	"documentation 1":            "192.0.2.1",
	"documentation 2":            "198.51.100.1",
	"documentation 3":            "203.0.113.1",
	"6to4 relay":                 "192.88.99.1",
	"benchmarking":               "198.18.0.1",
	"benchmarking, last":         "198.19.255.255",
	"multicast":                  "224.0.0.1",
	"multicast, last":            "239.255.255.255",
	"reserved":                   "240.0.0.1",
	"broadcast":                  "255.255.255.255",
	"unspecified 6":              "::",
	"loopback 6":                 "::1",
	"IPv4-compatible":            "::7f00:1",
	"IPv4-mapped loopback":       "::ffff:127.0.0.1",
	"IPv4-mapped private":        "::ffff:10.0.0.1",
	"IPv4-mapped metadata":       "::ffff:a9fe:a9fe",
	"IPv4-translated":            "::ffff:0:127.0.0.1",
	"NAT64":                      "64:ff9b::10.0.0.1",
	"NAT64 to a public address":  "64:ff9b::8.8.8.8",
	"NAT64, local":               "64:ff9b:1::1",
	"discard-only":               "100::1",
	"Teredo":                     "2001:0:1::1",
	"benchmarking 6":             "2001:2::1",
	"ORCHID":                     "2001:10::1",
	"documentation 6":            "2001:db8::1",
	"documentation 6, new":       "3fff::1",
	"6to4":                       "2002:7f00:1::1",
	"segment routing":            "5f00::1",
	"unique local":               "fc00::1",
	"unique local, AWS metadata": "fd00:ec2::254",
	"link-local 6":               "fe80::1",
	"link-local 6 with zone":     "fe80::1%eth0",
	"site-local":                 "fec0::1",
	"multicast 6":                "ff02::1",
	"not assigned":               "4000::1",
}

var publicAddresses = []string{
	"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
	"168.63.129.15", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
	"198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2003::1",
	"2a00:1450::1", "3ffe:ffff::1",
}

func TestAddressGuardRefuses(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	for name, address := range refusedAddresses {
		require.False(t, g.Allows(netip.MustParseAddr(address)), "%s: %s", name, address)
	}
	require.False(t, g.Allows(netip.Addr{}))
	for _, address := range publicAddresses {
		require.True(t, g.Allows(netip.MustParseAddr(address)), address)
	}
}

func TestAddressGuardAllowedNetworks(t *testing.T) {
	t.Parallel()
	g := newGuard(t, "10.20.0.0/16", "fd12:3456::/32", "127.0.0.1/32")
	for address, want := range map[string]bool{
		"10.20.3.4": true, "10.21.0.0": false, "::ffff:10.20.3.4": true, "127.0.0.1": true, "127.0.0.2": false, "::1": false,
		"fd12:3456::9": true, "fd12:3457::9": false, "8.8.8.8": true,
	} {
		require.Equal(t, want, g.Allows(netip.MustParseAddr(address)), address)
	}
}

func TestNewAddressGuardRefuses(t *testing.T) {
	t.Parallel()
	for _, cidr := range []string{"", "10.0.0.0", "10.0.0.0/33", "office", "::ffff:10.0.0.0/104"} {
		_, err := webhooks.NewAddressGuard(cidr)
		require.Error(t, err, cidr)
	}
}

func TestAddressGuardControl(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	for network, address := range map[string]string{
		"tcp4": "127.0.0.1:80", "tcp6": "[::1]:80", "tcp": "8.8.8.8:80", "unix": "/run/x.sock", "udp4": "8.8.8.8:53",
	} {
		var refusal *webhooks.RefusedAddressError
		require.ErrorAs(t, g.Control(t.Context(), network, address, nil), &refusal, address)
	}
	require.NoError(t, g.Control(t.Context(), "tcp4", "8.8.8.8:443", nil))
	require.NoError(t, g.Control(t.Context(), "tcp6", "[2606:4700::1111]:443", nil))
}

// The guard refuses the address before the socket connects, so nothing arrives at the listener.
func TestAddressGuardStopsRealDialer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	dial := func(g *webhooks.AddressGuard) error {
		dialer := net.Dialer{ControlContext: g.Control}
		conn, err := dialer.DialContext(context.Background(), "tcp", listener.Addr().String())
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	var refusal *webhooks.RefusedAddressError
	require.ErrorAs(t, dial(newGuard(t)), &refusal)
	require.Equal(t, listener.Addr().String(), refusal.Address)
	require.NoError(t, dial(newGuard(t, "127.0.0.0/8")))
}
