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

// New makes a client. Its error lists all that is wrong with the account and its settings. One exchange, from connecting to the last
// byte of the answer, takes 30 seconds at most where the options do not say otherwise (molecular-api#d25).
func New(account labs.Account, o labs.Options) (*Client, error) {
	settings, settingsErr := ParseSettings(account.Settings)
	calls, accountErr := partnerhttp.NewCaller(account, o, setCredentials(account))
	if err := errors.Join(accountErr, settingsErr); err != nil {
		return nil, fmt.Errorf("lab account %s: %w", account.ID, err)
	}
	return &Client{account: account, settings: settings, caller: calls}, nil
}

// asLab is the client as the port that it implements: none, rather than a nil one, where it could not be made.
func asLab(c *Client, err error) (labs.Lab, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// setCredentials are sent as User and Token; header names are case-insensitive (molecular-api#d26).
func setCredentials(a labs.Account) partnerhttp.AuthorizeRequest {
	return func(r *http.Request, _ []byte) error {
		r.Header.Set("user", a.User)
		r.Header.Set("token", a.Token)
		return nil
	}
}

// Capabilities implements labs.Lab: what calls the settings name. MTL tests what is in its kits, has no call that corrects an order
// or makes an appointment, and has not confirmed that kits can be shipped unregistered.
func (c *Client) Capabilities() labs.Capabilities {
	return labs.Capabilities{
		Cancel:  c.settings.Endpoints.Cancel != "",
		Results: c.settings.Endpoints.Results != "",
		Methods: []lifecycle.Modality{lifecycle.Testkit},
	}
}

// Close gives up idle connections.
func (c *Client) Close() { c.caller.Close() }
