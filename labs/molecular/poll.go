package molecular

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

// PollFacts implements labs.Lab: MTL does not promise to repeat a webhook, so what has not been heard of an order is asked
// for (molecular-api#d33). Each notification is read as the webhook that it repeats. What it cannot read, or is about
// another order, is left out.
func (c *Client) PollFacts(ctx context.Context, number string) ([]labs.PolledFact, error) {
	path := c.settings.Endpoints.Notifications
	if path == "" {
		return nil, labs.ErrNotSupported
	}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodGet, Path: path, Query: url.Values{"order_number": {number}}})
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusNotFound {
		return nil, nil
	}
	if !a.OK() {
		return nil, a.RefusedError()
	}
	var bodies []json.RawMessage
	if err := json.Unmarshal(a.Body, &bodies); err != nil {
		return nil, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	var out []labs.PolledFact
	for _, body := range bodies {
		if n := Decode(body, c.caller.Now()); n.Fact != nil && n.OrderNumber == number {
			out = append(out, labs.PolledFact{
				Partner: c.account.Partner, Key: n.Key, Hash: n.Hash, Kind: n.Kind, Reason: n.Reason, Body: body, Fact: n.Fact,
			})
		}
	}
	return out, nil
}
