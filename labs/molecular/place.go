package molecular

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/wire"
)

const placePath = "/PlaceOrder"

// placeAnswer is the answer to one element of a PlaceOrder call.
type placeAnswer struct {
	OrderNumber identifier `json:"order_number"`
	KitID       identifier `json:"kit_id"`
	verdict
}

func (a placeAnswer) about() string { return string(a.OrderNumber) }

// Place implements labs.Lab. It sends one order per call, so that a call cannot succeed in part (molecular-api#d21).
func (c *Client) Place(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
	body, err := c.requisition(r)
	if err != nil {
		return labs.Placed{}, err
	}
	a, err := c.calls.Exchange(ctx, wire.Call{Method: http.MethodPost, Path: placePath, Body: []placeRequest{body}})
	if err != nil {
		return labs.Placed{}, err
	}
	placed, err := readPlaced(a, r.Number)
	if err != nil {
		return labs.Placed{}, err
	}
	if placed.Accession == "" && placed.Already {
		placed.Accession = c.accession(ctx, r.Number)
	}
	return placed, nil
}

// readPlaced decides what became of the order. Success is success=true, or a kit_id where MTL says neither that nor a problem
// (molecular-api#d23); "already exists" is the success of an earlier attempt (molecular-api#d22).
func readPlaced(a wire.Answer, number string) (labs.Placed, error) {
	element, err := decodeOne[placeAnswer](a.Body, number)
	if err != nil && !a.OK() {
		return labs.Placed{}, a.Refused()
	}
	if err != nil {
		return labs.Placed{}, a.Unanswered(err)
	}
	placed := labs.Placed{Accession: wire.Code(string(element.KitID)), Raw: a.Body}
	succeeded := element.Success != nil && *element.Success
	silent := element.Success == nil && element.Message == ""
	switch {
	case !succeeded && alreadyExists(string(element.Message)):
		placed.Already = true
		return placed, nil
	case !a.OK() && (succeeded || silent): // the body contradicts the status, or says nothing
		return labs.Placed{}, a.Refused()
	case succeeded, silent && placed.Accession != "":
		return placed, nil
	case silent:
		return labs.Placed{}, a.Unanswered(wire.ErrUnreadable)
	}
	return labs.Placed{}, &labs.RefusedError{Code: labs.CodeRefused, Raw: a.Body}
}

// duplicate are the forms in which an order number can be called used. MTL's own words are not documented; these are narrow, since
// an order that is wrongly taken for placed waits in vain, and one that is wrongly taken for refused is seen by operations at once.
var duplicate = regexp.MustCompile(strings.Join([]string{
	`\border (number )?(\S+ )?((is|has|was) )?(been )?already (been )?(exists?|existing|used|in use|taken|placed|received|submitted)\b`,
	`\border number (\S+ )?(exists\b|(is )?(a )?duplicated?\b|(is )?not unique\b|must be unique\b)`,
	`\bduplicated? order\b`,
}, "|"))

// alreadyExists reports whether a refusal says that the order number was used before. A number of an origin order is not ours.
func alreadyExists(text string) bool {
	text = strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(text), "_", " ")), " ")
	return duplicate.MatchString(text) && !strings.Contains(text, "origin")
}

// accession reads the kit_id of an order that MTL has, where it can be asked. Not to learn it is no failure: the order is placed,
// and the first webhook tells it.
func (c *Client) accession(ctx context.Context, number string) string {
	path := c.settings.Endpoints.OrderInfo
	if path == "" {
		return ""
	}
	a, err := c.calls.Exchange(ctx, wire.Call{Method: http.MethodGet, Path: path, Query: url.Values{"order_number": {number}}})
	if err != nil || !a.OK() {
		return ""
	}
	info, err := decodeOne[placeAnswer](a.Body, number)
	if err != nil || info.failed() {
		return ""
	}
	return wire.Code(string(info.KitID))
}
