package molecular

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

// PollFacts implements labs.Lab. MTL does not promise to repeat a webhook, so facts that did not arrive are polled
// (molecular-api#d33). Each notification is decoded like the webhook that it repeats. Notifications that are not facts,
// or are about another order, are left out.
func (c *Client) PollFacts(ctx context.Context, number string) ([]labs.PolledFact, error) {
	path := c.settings.Endpoints.Notifications
	if path == "" {
		return nil, labs.ErrNotSupported
	}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodGet, Path: path,
		Query: url.Values{"order_number": {number}}})
	if err != nil {
		return nil, err
	}
	if isNothingYet(a, number) {
		return nil, nil
	}
	if !a.OK() {
		return nil, errorOf(a, number)
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

type cancelRequest struct {
	OrderNumber string `json:"order_number"`
	KitID       string `json:"kit_id"`
}

type cancelAnswer struct {
	OrderNumber identifier `json:"order_number"`
	successFields
}

func (a cancelAnswer) orderNumber() string { return string(a.OrderNumber) }

// Cancel implements labs.Lab. MTL has not confirmed the call, so it is made only if the settings name its path
// (molecular-api#d34).
func (c *Client) Cancel(ctx context.Context, number, accession string) error {
	path := c.settings.Endpoints.Cancel
	if path == "" {
		return labs.ErrNotSupported
	}
	body := cancelRequest{OrderNumber: number, KitID: accession}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodPost, Path: path, Body: body})
	if err != nil {
		return err
	}
	element, err := decodeOrderAnswer[cancelAnswer](a.Body, number)
	switch {
	case err == nil && (a.OK() && element.isFailure() || !a.OK() && element.isRefusal()):
		return &labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: a.Raw}
	case !a.OK():
		return a.UnreadableError()
	case err != nil:
		return a.UnansweredError(err)
	case element.Success == nil:
		return a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	return nil
}

const placePath = "/PlaceOrder"

// placeAnswer is the answer to one element of a PlaceOrder call.
type placeAnswer struct {
	OrderNumber identifier `json:"order_number"`
	KitID       identifier `json:"kit_id"`
	successFields
}

func (a placeAnswer) orderNumber() string { return string(a.OrderNumber) }

// Place implements labs.Lab. It sends one order per call, so that a call cannot succeed in part (molecular-api#d21).
func (c *Client) Place(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
	body, err := c.requisition(r)
	if err != nil {
		return labs.Acceptance{}, err
	}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodPost, Path: placePath,
		Body: []placeRequest{body}})
	if err != nil {
		return labs.Acceptance{}, err
	}
	placed, err := readAcceptance(a, r.OrderNumber)
	if err != nil {
		return labs.Acceptance{}, err
	}
	if placed.Accession == "" && placed.AlreadyPlaced {
		placed.Accession = c.fetchAccession(ctx, r.OrderNumber)
	}
	return placed, nil
}

// readAcceptance converts the answer to a PlaceOrder call. The order is accepted if success is true, or if there is a
// kit_id and neither success nor an error message (molecular-api#d23). An "already exists" error means that an earlier
// attempt was accepted (molecular-api#d22).
func readAcceptance(a partnerhttp.Answer, number string) (labs.Acceptance, error) {
	element, err := decodeOrderAnswer[placeAnswer](a.Body, number)
	if err != nil {
		return labs.Acceptance{}, a.UnansweredError(err)
	}
	placed := labs.Acceptance{Accession: partnerhttp.SafeCode(string(element.KitID)), Raw: a.Raw}
	succeeded := element.Success != nil && *element.Success
	silent := element.Success == nil && element.Message == ""
	switch {
	case !succeeded && alreadyExists(string(element.Message)):
		placed.AlreadyPlaced = true
		return placed, nil
	case !a.OK() && !element.isRefusal(): // the body contradicts the status, or is not MTL's
		return labs.Acceptance{}, a.UnreadableError()
	case succeeded, silent && placed.Accession != "":
		return placed, nil
	case silent:
		return labs.Acceptance{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	return labs.Acceptance{}, &labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: a.Raw}
}

// alreadyExistsPattern matches messages that say that an order number has been used. MTL does not document its words.
// The pattern is narrow on purpose: an order that counts as placed by mistake waits for ever, and nobody notices.
// Operations notice an order that counts as refused by mistake at once.
var alreadyExistsPattern = regexp.MustCompile(strings.Join([]string{
	`\border (number )?(\S+ )?((is|has|was) )?(been )?already (been )?` +
		`(exists?|existing|used|in use|taken|placed|received|submitted)\b`,
	`\border number (\S+ )?(exists\b|(is )?(a )?duplicated?\b|(is )?not unique\b|must be unique\b)`,
	`\bduplicated? order\b`,
}, "|"))

// alreadyExists reports whether a refusal says that the order number has been used. A message about an origin order is
// about another number.
func alreadyExists(text string) bool {
	text = strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(text), "_", " ")), " ")
	return alreadyExistsPattern.MatchString(text) && !strings.Contains(text, "origin")
}

// fetchAccession fetches the kit_id of an order that MTL has. It returns an empty string if the call is not configured
// or fails: the order is placed, and the first webhook has the kit_id as well.
func (c *Client) fetchAccession(ctx context.Context, number string) string {
	path := c.settings.Endpoints.OrderInfo
	if path == "" {
		return ""
	}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodGet, Path: path,
		Query: url.Values{"order_number": {number}}})
	if err != nil || !a.OK() {
		return ""
	}
	info, err := decodeOrderAnswer[placeAnswer](a.Body, number)
	if err != nil || info.isFailure() {
		return ""
	}
	return partnerhttp.SafeCode(string(info.KitID))
}
