package webhooks

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

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
