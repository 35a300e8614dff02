package neutral

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

// Client calls a partner for one account. It makes one attempt per call.
type Client struct {
	account  labs.Account
	settings Settings
	caller   *partnerhttp.Caller
}

var (
	_ labs.Lab       = (*Client)(nil)
	_ labs.Scheduler = (*Client)(nil)
	_ labs.Corrector = (*Client)(nil)
)

// New makes a client. Its error lists everything that is wrong with the account and its settings.
func New(account labs.Account, o labs.Options) (*Client, error) {
	settings, settingsErr := ParseSettings(account.Settings)
	sign, secretErr := newSigner(account, o.Now)
	calls, accountErr := partnerhttp.NewCaller(account, o, sign)
	if err := errors.Join(accountErr, secretErr, settingsErr); err != nil {
		return nil, fmt.Errorf("lab account %s: %w", account.ID, err)
	}
	return &Client{account: account, settings: settings, caller: calls}, nil
}

// Capabilities implements labs.Lab. They follow from the settings.
func (c *Client) Capabilities() labs.Capabilities {
	s := c.settings
	return labs.Capabilities{
		Cancel: s.Cancel, CorrectPatient: s.Correct, Registrable: s.Registrable, Results: len(s.Methods) > 0,
		Schedule: s.Schedule, Methods: s.Methods, Provider: s.Provider, Tiers: s.Tiers,
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.caller.Close() }

// orderPath returns the path of a call about an order.
func orderPath(number string, more ...string) string {
	path := "/orders/" + url.PathEscape(number)
	for _, part := range more {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// The error codes of the protocol. Any other code is treated as free text.
const (
	codeUnknownOrder = "unknown_order"
	codeNoResults    = "no_results"
	codeSlotGone     = "slot_gone"
)

var refusalCodes = map[string]bool{
	"invalid_order": true, "unknown_test": true, "outside_service_area": true, codeUnknownOrder: true,
	"not_registrable": true, "already_registered": true, "not_cancellable": true, codeSlotGone: true,
	"not_reschedulable": true, codeNoResults: true,
}

// answerError returns the error for an answer without success: a RefusedError if the partner refuses the request in it,
// and an UnansweredError for everything else. A 404 is the partner's only with a code of the protocol, because that is
// what a gateway answers about a path that it does not know, some of them with a code of their own.
func answerError(a partnerhttp.Answer) error {
	switch a.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
	default:
		return a.UnreadableError()
	}
	switch code := errorCode(a); {
	case refusalCodes[code]:
		return &labs.RefusedError{Code: code, Raw: a.Raw}
	case code == "" || a.Status == http.StatusNotFound:
		return a.UnreadableError()
	default:
		return &labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: a.Raw}
	}
}

// errorCode returns the code of an error answer, unchecked; empty: no code.
func errorCode(a partnerhttp.Answer) string {
	object, err := partnerhttp.ParseObject(a.Body)
	if err != nil {
		return ""
	}
	return partnerhttp.TextValue(object["code"])
}
