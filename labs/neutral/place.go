package neutral

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/wire"
)

// Place implements labs.Lab. A kit that was ordered without a patient, and has one now, is registered.
func (c *Client) Place(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
	if len(c.settings.Methods) == 0 {
		return labs.Placed{}, labs.ErrNotSupported
	}
	if r.Order.Registrable && r.Order.Registered {
		return c.send(ctx, r, "patient")
	}
	return c.send(ctx, r)
}

// Correct implements labs.Corrector.
func (c *Client) Correct(ctx context.Context, r labs.Requisition) error {
	if !c.settings.Correct {
		return labs.ErrNotSupported
	}
	_, err := c.send(ctx, r, "patient")
	return err
}

func (c *Client) send(ctx context.Context, r labs.Requisition, part ...string) (labs.Placed, error) {
	body, err := c.requisition(r)
	if err != nil {
		return labs.Placed{}, err
	}
	a, err := c.calls.Exchange(ctx, wire.Call{Method: http.MethodPut, Path: orderPath(r.Number, part...), Body: body})
	if err != nil {
		return labs.Placed{}, err
	}
	if !a.OK() {
		return labs.Placed{}, failed(a)
	}
	placed, err := wire.ParseObject(a.Body)
	if err != nil {
		return labs.Placed{}, a.Unanswered(wire.ErrUnreadable)
	}
	accession := wire.Identifier(placed["accession"])
	if accession == "" {
		accession = wire.Identifier(placed["kit_id"]) // by which the lab knows the order, too
	}
	return labs.Placed{Accession: accession, Already: a.Status == http.StatusOK, Raw: a.Body}, nil
}

// Cancel implements labs.Lab.
func (c *Client) Cancel(ctx context.Context, number, accession string) error {
	if !c.settings.Cancel {
		return labs.ErrNotSupported
	}
	body := struct {
		Accession string `json:"accession,omitempty"`
	}{accession}
	a, err := c.about(ctx, number, wire.Call{Method: http.MethodPost, Path: orderPath(number, "cancel"), Body: body})
	if err != nil {
		return err
	}
	if !a.OK() {
		return failed(a)
	}
	if _, err := wire.ParseObject(a.Body); err != nil {
		return a.Unanswered(wire.ErrUnreadable)
	}
	return nil
}

// Poll implements labs.Lab: each fact is read as the webhook that it repeats. What cannot be read, or is about another order, is
// left out.
func (c *Client) Poll(ctx context.Context, number string) ([]labs.Notice, error) {
	a, err := c.about(ctx, number, wire.Call{Method: http.MethodGet, Path: orderPath(number, "facts")})
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusNotFound && codeOf(a) == codeUnknownOrder {
		return nil, nil
	}
	if !a.OK() {
		return nil, failed(a)
	}
	var answered struct {
		Facts []json.RawMessage `json:"facts"`
	}
	if err := json.Unmarshal(a.Body, &answered); err != nil {
		return nil, a.Unanswered(wire.ErrUnreadable)
	}
	var out []labs.Notice
	for _, body := range answered.Facts {
		fact, err := wire.ParseObject(body)
		if err != nil {
			continue
		}
		if m := Decode(wire.Text(fact["id"]), body, c.calls.Now()); m.Fact != nil && m.OrderNumber == number {
			out = append(out, labs.Notice{
				Partner: c.account.Partner, Key: m.Key, Hash: m.Hash, Kind: m.Kind, Reason: m.Reason, Body: body, Fact: m.Fact, Place: m.Place,
			})
		}
	}
	return out, nil
}

// about makes a call about an order, unless its number cannot stand in a path.
func (c *Client) about(ctx context.Context, number string, k wire.Call) (wire.Answer, error) {
	if !safeID.MatchString(number) {
		return wire.Answer{}, &labs.RefusedError{Code: labs.CodeInvalid, Fields: []string{"number"}}
	}
	return c.calls.Exchange(ctx, k)
}
