package webhooks

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxURL is the longest endpoint URL, in bytes.
const maxURL = 2048

// URLError says why an endpoint's URL is not accepted. Its text is written for the client.
type URLError struct {
	Reason string
}

func (e *URLError) Error() string { return "endpoint URL: " + e.Reason }

// CheckURL checks the URL of an endpoint, as NormalizeURL does.
func (g *AddressGuard) CheckURL(raw string) error {
	_, err := g.NormalizeURL(raw)
	return err
}

// NormalizeURL checks the URL of an endpoint and returns it as it is stored and requested: without surrounding blanks,
// with blanks and other characters escaped that a URL cannot hold, and with its host name in ASCII. The URL must be
// http or https and have a host, and must have no fragment and no credentials, which belong in a custom header, where
// they are stored sealed. A host that is an IP address must be allowed by the guard and be written in the usual form:
// systems read other numbers as addresses too. A host name is not resolved here: Control checks its address at every
// connection. The error is a *URLError or a *RefusedAddressError.
func (g *AddressGuard) NormalizeURL(raw string) (string, error) {
	u, err := parseURL(strings.TrimFunc(raw, isInvisible))
	if err != nil {
		return "", err
	}
	if err := g.checkHost(u.Hostname()); err != nil {
		return "", err
	}
	normalized := u.String()
	if len(normalized) > maxURL {
		return "", &URLError{"is longer than 2048 bytes when it is escaped"}
	}
	return normalized, nil
}

// checkHost checks a host, which is in ASCII.
func (g *AddressGuard) checkHost(host string) error {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1" // these names always mean the machine itself
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case err == nil && !g.Allows(addr):
		return &RefusedAddressError{Address: addr.String()}
	case err == nil:
		return nil
	case host == "" || strings.HasPrefix(host, ".") || strings.Contains(host, "..") || strings.HasSuffix(host, "."):
		return &URLError{"has no valid host"}
	case endsInNumber(host):
		return &URLError{"has a number as its host; write an address as four decimal numbers"}
	}
	return nil
}

// endsInNumber reports whether the last label of a host is a number, decimal, octal or hexadecimal. Such a host is no
// name: many systems read it as an IPv4 address (URL Standard, "ends in a number").
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits, hexadecimal := strings.CutPrefix(last, "0x"); hexadecimal {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// isInvisible reports whether a character around a URL is a blank or one without a width, such as a byte order mark.
func isInvisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}

func parseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, &URLError{"is longer than 2048 bytes"}
	}
	u, err := url.Parse(raw)
	if err != nil || !utf8.ValidString(raw) {
		return nil, &URLError{"cannot be read"}
	}
	if err := checkURLParts(u); err != nil {
		return nil, &URLError{err.Error()}
	}
	if u.Host, err = asciiHost(u); err != nil {
		return nil, &URLError{"has no valid host"}
	}
	u.RawQuery = escapeQuery(u.RawQuery)
	return u, nil
}

// asciiHost returns the host of a URL, and its port if it has one, with a host name in ASCII. Characters that only look
// other than ASCII ones, such as circled digits, become those.
func asciiHost(u *url.URL) (string, error) {
	if isASCII(u.Host) {
		return u.Host, nil
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil || u.Port() == "" {
		return host, err
	}
	return net.JoinHostPort(host, u.Port()), nil
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// escapeQuery escapes what a query cannot hold: blanks, characters that are not ASCII or not allowed by RFC 3986, and a
// percent sign that begins no escape. Everything else is unchanged, and so are brackets, which all servers take.
func escapeQuery(query string) string {
	const allowed = "-._~!$&'()*+,;=:@/?[]"
	var b strings.Builder
	for i := range len(query) {
		c := query[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(allowed, c) >= 0,
			c == '%' && beginsEscape(query[i:]):
			b.WriteByte(c)
		default:
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// beginsEscape reports whether a text begins with a percent sign and two hexadecimal digits.
func beginsEscape(text string) bool {
	return len(text) >= 3 && strings.Trim(text[1:3], "0123456789abcdefABCDEF") == ""
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
