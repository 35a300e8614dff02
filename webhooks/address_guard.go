package webhooks

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
)

// AddressGuard refuses deliveries to addresses that are not public: private networks, the machine itself and
// the metadata services of clouds. It checks the address that a socket is about to connect to. A check of the
// host name would not be safe, because a name can resolve to any address and can resolve to another one at the
// time of the connection. An AddressGuard is immutable and safe for concurrent use. The zero value allows public
// addresses only.
type AddressGuard struct {
	allowed []netip.Prefix
}

// NewAddressGuard returns a guard that allows public addresses and, in addition, the given networks in CIDR form.
// The networks are meant for receivers in the operator's own network and for tests. The error says which network
// cannot be parsed, or is an IPv4 network in IPv6 form.
func NewAddressGuard(allowed ...string) (*AddressGuard, error) {
	g := &AddressGuard{}
	for _, cidr := range allowed {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("allowed network %q: %w", cidr, err)
		}
		if prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("allowed network %q: write it as an IPv4 network", cidr)
		}
		g.allowed = append(g.allowed, prefix.Masked())
	}
	return g, nil
}

// RefusedAddressError is the error for an address that the guard refuses.
type RefusedAddressError struct {
	Address string
}

func (e *RefusedAddressError) Error() string { return "address refused: " + e.Address }

// Allows reports whether a delivery may go to the address.
func (g *AddressGuard) Allows(addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	// An IPv4 address can also be written as an IPv6 address. A zone only names a network interface.
	addr = addr.WithZone("").Unmap()
	return inAnyNetwork(addr, g.allowed) || isPublicAddress(addr)
}

// Control refuses a connection before it is made, when its network is not TCP or its address is not allowed. It is
// a net.Dialer.ControlContext. The error is a *RefusedAddressError.
func (g *AddressGuard) Control(_ context.Context, network, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") || !g.Allows(target.Addr()) {
		return &RefusedAddressError{Address: address}
	}
	return nil
}

// isPublicAddress reports whether the internet routes the address to a host.
func isPublicAddress(addr netip.Addr) bool {
	if addr.Is6() && !ipv6GlobalUnicast.Contains(addr) {
		return false
	}
	return !inAnyNetwork(addr, specialPurposeNetworks)
}

func inAnyNetwork(addr netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// ipv6GlobalUnicast is the part of IPv6 that the IANA assigns as global unicast. The ranges outside it are refused
// without an entry in specialPurposeNetworks: the unspecified address and loopback, IPv4-compatible and -translated
// addresses, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard-only, segment routing, unique local (with the metadata
// services in it), link-local, site-local and multicast.
var ipv6GlobalUnicast = netip.MustParsePrefix("2000::/3")

// specialPurposeNetworks are the networks of the IANA special-purpose address registries, and the addresses of
// cloud services that lie in the public range.
var specialPurposeNetworks = mustParsePrefixes(
	"0.0.0.0/8",         // this network; the unspecified address
	"10.0.0.0/8",        // private
	"100.64.0.0/10",     // carrier-grade NAT, with Alibaba's metadata service
	"127.0.0.0/8",       // loopback
	"168.63.129.16/32",  // Azure's host services
	"169.254.0.0/16",    // link-local, with most metadata services
	"172.16.0.0/12",     // private
	"192.0.0.0/24",      // protocol assignments, with Oracle's metadata service
	"192.0.2.0/24",      // documentation
	"192.31.196.0/24",   // AS112
	"192.52.193.0/24",   // automatic multicast tunnelling
	"192.88.99.0/24",    // 6to4 relays
	"192.168.0.0/16",    // private
	"192.175.48.0/24",   // AS112
	"198.18.0.0/15",     // benchmarking
	"198.51.100.0/24",   // documentation
	"203.0.113.0/24",    // documentation
	"224.0.0.0/4",       // multicast
	"240.0.0.0/4",       // reserved; broadcast
	"2001::/23",         // protocol assignments: Teredo, benchmarking, ORCHID
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4: holds any IPv4 address
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

func mustParsePrefixes(cidrs ...string) []netip.Prefix {
	networks := make([]netip.Prefix, len(cidrs))
	for i, cidr := range cidrs {
		networks[i] = netip.MustParsePrefix(cidr)
	}
	return networks
}
