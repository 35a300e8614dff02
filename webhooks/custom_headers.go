package webhooks

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// ErrInvalidHeader is the error for custom headers that are not accepted.
var ErrInvalidHeader = errors.New("webhooks: header is reserved, malformed or too long")

const (
	maxHeaders     = 20
	maxHeaderBytes = 4096 // of name and value together
)

var (
	headerName  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	headerValue = regexp.MustCompile(`^[\t\x20-\x7e\x80-\xff]*$`)
)

// reservedHeaders are the headers that the sender or the connection sets. All headers that begin with svix- or
// webhook- are reserved too.
var reservedHeaders = map[string]bool{
	"accept-encoding": true, "connection": true, "content-encoding": true, "content-length": true,
	"content-type": true, "expect": true, "host": true, "keep-alive": true, "proxy-authorization": true,
	"proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
	"user-agent": true,
}

// CheckHeaders checks the custom headers of an endpoint: at most 20, each well-formed, at most 4,096 bytes long and
// not reserved. The error is ErrInvalidHeader.
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

// setCustomHeaders adds the allowed custom headers to h. CheckHeaders has refused the others when the endpoint was
// stored. If one was stored anyway, it is not sent, and the message is.
func setCustomHeaders(h http.Header, custom map[string]string) {
	for name, value := range custom {
		if isAllowedHeader(name, value) {
			h.Set(name, value)
		}
	}
}
