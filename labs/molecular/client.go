package molecular

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
)

const defaultTimeout = 30 * time.Second

// Options are what a Client is made with besides its account.
type Options struct {
	// HTTPClient carries the requests. Redirects are never followed, whatever it says. Defaults to a client of its own.
	HTTPClient *http.Client
	// Timeout bounds one exchange, from connecting to the last byte of the answer. Defaults to 30 seconds (D25).
	Timeout time.Duration
	// Pace waits for the turn of each call. Required for an account that has a spacing; defaults to no waiting.
	Pace labs.Pace
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Client calls MTL for one account. It makes one attempt per call.
type Client struct {
	account  labs.Account
	settings Settings
	base     *url.URL
	http     *http.Client
	timeout  time.Duration
	pace     labs.Pace
	now      func() time.Time
}

var _ labs.Lab = (*Client)(nil)

// New makes a client. Its error lists all that is wrong with the account and its settings.
func New(account labs.Account, o Options) (*Client, error) {
	settings, settingsErr := ParseSettings(account.Settings)
	base, accountErr := checkAccount(account)
	var paceErr error
	if account.Spacing > 0 && o.Pace == nil {
		paceErr = errors.New("the account has a spacing and the client no pace")
	}
	if err := errors.Join(accountErr, settingsErr, paceErr); err != nil {
		return nil, fmt.Errorf("lab account %s: %w", account.ID, err)
	}
	c := &Client{account: account, settings: settings, base: base, timeout: o.Timeout, pace: o.Pace, now: o.Now}
	c.http = withoutRedirects(o.HTTPClient)
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// Capabilities implements labs.Lab: what calls the settings name. MTL has no call that corrects an order, and has not confirmed
// that kits can be shipped unregistered.
func (c *Client) Capabilities() labs.Capabilities {
	return labs.Capabilities{
		Cancel:  c.settings.Endpoints.Cancel != "",
		Results: c.settings.Endpoints.Results != "",
	}
}

// Close gives up idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

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

// withoutRedirects is a client that hands a redirect back as the answer that it is: following it would lose the body of a POST, or
// take patient data and credentials elsewhere.
func withoutRedirects(given *http.Client) *http.Client {
	client := &http.Client{}
	if given != nil {
		*client = *given
	} else if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		client.Transport = transport.Clone()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}
