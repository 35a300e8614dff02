package molecular

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Client calls MTL for one account. It makes one attempt per call.
type Client struct {
	account  labs.Account
	settings Settings
	caller   *partnerhttp.Caller
}

var _ labs.Lab = (*Client)(nil)

// New makes a client. Its error lists everything that is wrong with the account and its settings. The default timeout
// of one exchange, from connecting to the last byte of the answer, is 30 seconds (molecular-api#d25).
func New(account labs.Account, o labs.Options) (*Client, error) {
	settings, settingsErr := ParseSettings(account.Settings)
	calls, accountErr := partnerhttp.NewCaller(account, o, setCredentials(account))
	if err := errors.Join(accountErr, settingsErr); err != nil {
		return nil, fmt.Errorf("lab account %s: %w", account.ID, err)
	}
	return &Client{account: account, settings: settings, caller: calls}, nil
}

// asLab converts a client to labs.Lab. It returns a nil interface, not an interface with a nil pointer, if err is not
// nil.
func asLab(c *Client, err error) (labs.Lab, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// setCredentials sets the headers user and token; MTL ignores the case of header names (molecular-api#d26).
func setCredentials(a labs.Account) partnerhttp.AuthorizeRequest {
	return func(r *http.Request, _ []byte) error {
		r.Header.Set("user", a.User)
		r.Header.Set("token", a.Token)
		return nil
	}
}

// Capabilities implements labs.Lab. Cancel and Results depend on the paths in the settings. MTL tests only what comes
// in its kits, has no call that corrects an order or makes an appointment, and has not confirmed that kits can be
// shipped unregistered.
func (c *Client) Capabilities() labs.Capabilities {
	return labs.Capabilities{
		Cancel:  c.settings.Endpoints.Cancel != "",
		Results: c.settings.Endpoints.Results != "",
		Methods: []lifecycle.Modality{lifecycle.Testkit},
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.caller.Close() }
