package webhooks

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// AddressGuard keeps deliveries away from addresses that are nobody's public receiver: our own networks,
// the machine itself, a cloud's metadata service. Names are of no use for that, since a name can
// point anywhere and change between a look and a connection, so the guard judges the address that
// a socket is about to connect to. A Guard never changes and is safe for concurrent use.
type AddressGuard struct {
	allowed []netip.Prefix
}

// NewAddressGuard makes a guard. The networks, in CIDR form, are allowed although they are not public; a
// setting for receivers in the operator's own network, and for tests.
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

// RefusedAddressError says that the guard does not let a delivery go to an address.
type RefusedAddressError struct {
	Address string
}

func (e *RefusedAddressError) Error() string { return "address refused: " + e.Address }

// Allows reports whether a delivery may go to the address.
func (g *AddressGuard) Allows(addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	// The same IPv4 address can be written in IPv6; a zone only says through which interface.
	addr = addr.WithZone("").Unmap()
	return inAnyNetwork(addr, g.allowed) || isPublicAddress(addr)
}

// Control refuses a connection before it is made. It is for net.Dialer.ControlContext. The error is
// a *RefusedAddressError.
func (g *AddressGuard) Control(_ context.Context, network, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") || !g.Allows(target.Addr()) {
		return &RefusedAddressError{Address: address}
	}
	return nil
}

// isPublicAddress reports whether an address is one that the internet routes to a host.
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

// ipv6GlobalUnicast is all of IPv6 that is given out. What lies outside needs no entry below: the
// unspecified address and loopback, IPv4-compatible and -translated addresses, NAT64 (64:ff9b::/96,
// 64:ff9b:1::/48), discard-only, segment routing, unique local (with the metadata services in
// it), link-local, site-local and multicast.
var ipv6GlobalUnicast = netip.MustParsePrefix("2000::/3")

// specialPurposeNetworks holds what the IANA special-purpose address registries take out of the public
// addresses, and metadata services at public addresses.
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

// maxURL is the longest endpoint URL, in bytes.
const maxURL = 2048

// URLError says why an endpoint's URL is not accepted. Its text is meant for the client.
type URLError struct {
	Reason string
}

func (e *URLError) Error() string { return "endpoint URL: " + e.Reason }

// CheckURL says whether a URL can be an endpoint's: http or https, a host, no credentials (they
// belong in a header, where they are kept secret) and no fragment. An address that the guard
// refuses is refused here too when the URL names it outright; what a name stands for is judged at
// every connection instead. The error is a *URLError, or a *RefusedAddressError.
func (g *AddressGuard) CheckURL(raw string) error {
	u, err := parseURL(raw)
	if err != nil {
		return err
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1" // which is what these names mean everywhere
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil //nolint:nilerr // a name: what it means is judged when the socket connects
	}
	if !g.Allows(addr) {
		return &RefusedAddressError{Address: addr.String()}
	}
	return nil
}

func parseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, &URLError{"is longer than 2048 bytes"}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, &URLError{"cannot be read"}
	}
	if err := checkURLParts(u); err != nil {
		return nil, &URLError{err.Error()}
	}
	return u, nil
}

func checkURLParts(u *url.URL) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be https or http")
	case u.Hostname() == "":
		return errors.New("has no host")
	case u.User != nil:
		return errors.New("must not hold credentials; use a header")
	case u.Fragment != "":
		return errors.New("must not have a fragment")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("has no valid port")
		}
	}
	return nil
}
