package webhooks

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// ErrInvalidHeader says that a client's custom headers are not accepted.
var ErrInvalidHeader = errors.New("webhooks: header is reserved, malformed or too long")

const (
	maxHeaders     = 20
	maxHeaderBytes = 4096 // name and value
)

var (
	headerName  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	headerValue = regexp.MustCompile(`^[\t\x20-\x7e\x80-\xff]*$`)
)

// reservedHeaders are ours or the connection's. So is every svix- and webhook- header.
var reservedHeaders = map[string]bool{
	"accept-encoding": true, "connection": true, "content-encoding": true, "content-length": true,
	"content-type": true, "expect": true, "host": true, "keep-alive": true, "proxy-authorization": true,
	"proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
	"user-agent": true,
}

// CheckHeaders says whether a client's custom headers can be sent with deliveries: at most 20, each
// well-formed, of at most 4 KiB, and none that is ours. The error is ErrHeader.
func CheckHeaders(headers map[string]string) error {
	if len(headers) > maxHeaders {
		return ErrInvalidHeader
	}
	for name, value := range headers {
		if !isAllowedHeader(name, value) {
			return ErrInvalidHeader
		}
	}
	return nil
}

// isAllowedHeader reports whether a custom header may be sent.
func isAllowedHeader(name, value string) bool {
	lower := strings.ToLower(name)
	return headerName.MatchString(name) && headerValue.MatchString(value) &&
		len(name)+len(value) <= maxHeaderBytes &&
		!reservedHeaders[lower] &&
		!strings.HasPrefix(lower, "svix-") && !strings.HasPrefix(lower, "webhook-")
}

// setCustomHeaders puts the custom headers that may be sent into h. Others were refused when the endpoint
// was set up; one that got past that is left out rather than failing the delivery.
func setCustomHeaders(h http.Header, custom map[string]string) {
	for name, value := range custom {
		if isAllowedHeader(name, value) {
			h.Set(name, value)
		}
	}
}
