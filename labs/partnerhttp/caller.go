package partnerhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
	"github.com/aliquot-labs/aliquot/labs"
)

const defaultTimeout = 30 * time.Second

// AuthorizeRequest adds an account's credentials or signature to a request.
type AuthorizeRequest func(r *http.Request, body []byte) error

// Caller makes the HTTP calls of one account. It makes one attempt per call. It is safe for concurrent use.
type Caller struct {
	base        *url.URL
	http        *http.Client
	timeout     time.Duration
	waitForTurn labs.WaitForTurn
	now         func() time.Time
	authorize   AuthorizeRequest
}

// NewCaller makes the caller of an account. Its error lists everything that is wrong with the account except its
// settings, which DecodeSettings checks.
func NewCaller(a labs.Account, o labs.Options, authorize AuthorizeRequest) (*Caller, error) {
	base, err := checkAccount(a)
	if a.Spacing > 0 && o.WaitForTurn == nil {
		err = errors.Join(err, errors.New("the account has a spacing and the client has no WaitForTurn"))
	}
	if err != nil {
		return nil, err
	}
	c := &Caller{base: base, timeout: o.Timeout, waitForTurn: o.WaitForTurn, now: o.Now, authorize: authorize}
	c.http = clientWithoutRedirects(o.HTTPClient)
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// Now returns the time of the caller's clock.
func (c *Caller) Now() time.Time { return c.now() }

// Close closes idle connections.
func (c *Caller) Close() { c.http.CloseIdleConnections() }

func checkAccount(a labs.Account) (*url.URL, error) {
	var problems []error
	if a.User == "" || a.Token == "" {
		problems = append(problems, errors.New("user and token are required"))
	}
	if a.Environment != labs.Production && a.Environment != labs.Sandbox {
		problems = append(problems, errors.New("environment is neither production nor sandbox"))
	}
	base, err := url.Parse(a.BaseURL)
	switch {
	case err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https"):
		problems = append(problems, errors.New("base URL is not an http or https URL"))
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		problems = append(problems, errors.New("base URL has more than a scheme, a host and a path"))
	case a.Environment == labs.Production && base.Scheme == "http" && !isLoopback(base.Hostname()):
		problems = append(problems, errors.New("base URL of a production account is not https"))
	}
	return base, errors.Join(problems...)
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && address.IsLoopback())
}

// clientWithoutRedirects returns a copy of the given client (nil: a new one) that returns a redirect as the answer.
// Following a redirect would lose the body of a POST, or send patient data and credentials to another host.
func clientWithoutRedirects(given *http.Client) *http.Client {
	client := &http.Client{}
	if given != nil {
		*client = *given
	} else if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		client.Transport = transport.Clone()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// DecodeSettings decodes an account's settings, a JSON object, into the struct that into points to. Settings that the
// document does not name keep the defaults that into holds; an empty document leaves them all. An unknown setting is an
// error, so that a misspelt one is found.
func DecodeSettings(document []byte, into any) error {
	if len(document) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(bodytext.WithoutMark(document)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("settings: more than one document")
	}
	return nil
}
