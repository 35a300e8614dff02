package molecular

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/aliquot-labs/aliquot/labs"
)

// Poll implements labs.Lab: MTL does not promise to repeat a webhook, so what has not been heard of an order is asked for (D33).
// Each notification is read as the webhook that it repeats. What it cannot read, or is about another order, is left out.
func (c *Client) Poll(ctx context.Context, number string) ([]labs.Notice, error) {
	path := c.settings.Endpoints.Notifications
	if path == "" {
		return nil, labs.ErrNotSupported
	}
	a, err := c.exchange(ctx, call{method: http.MethodGet, path: path, query: url.Values{"order_number": {number}}, limit: maxAnswer})
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusNotFound {
		return nil, nil
	}
	if !a.ok() {
		return nil, a.refused()
	}
	var bodies []json.RawMessage
	if err := json.Unmarshal(a.body, &bodies); err != nil {
		return nil, a.unanswered(errUnreadable)
	}
	var out []labs.Notice
	for _, body := range bodies {
		if n := Decode(body, c.now()); n.Fact != nil && n.OrderNumber == number {
			out = append(out, labs.Notice{
				Partner: c.account.Partner, Key: n.Key, Hash: n.Hash, Kind: n.Kind, Reason: n.Reason, Body: body, Fact: n.Fact,
			})
		}
	}
	return out, nil
}
