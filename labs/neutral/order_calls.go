package neutral

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

// Place implements labs.Lab. If the kit of the order was ordered without a patient and has one now, it registers the
// patient.
func (c *Client) Place(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
	if len(c.settings.Methods) == 0 {
		return labs.Acceptance{}, labs.ErrNotSupported
	}
	if r.Order.Registrable && r.Order.Registered {
		return c.sendRequisition(ctx, r, "patient")
	}
	return c.sendRequisition(ctx, r)
}

// Correct implements labs.Corrector.
func (c *Client) Correct(ctx context.Context, r labs.Requisition) error {
	if !c.settings.Correct {
		return labs.ErrNotSupported
	}
	_, err := c.sendRequisition(ctx, r, "patient")
	return err
}

func (c *Client) sendRequisition(ctx context.Context, r labs.Requisition, part ...string) (labs.Acceptance, error) {
	body, err := c.requisition(r)
	if err != nil {
		return labs.Acceptance{}, err
	}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodPut, Path: orderPath(r.OrderNumber, part...),
		Body: body})
	if err != nil {
		return labs.Acceptance{}, err
	}
	if !a.OK() {
		return labs.Acceptance{}, answerError(a)
	}
	placed, err := readSuccess(a)
	if err != nil {
		return labs.Acceptance{}, err
	}
	accepted := labs.Acceptance{AlreadyPlaced: a.Status == http.StatusOK, Raw: a.Raw}
	accepted.Accession, _, accepted.AccessionWords = partnerhttp.ReadCode(placed["accession"])
	if accepted.Accession == "" && accepted.AccessionWords == "" {
		// the lab knows the order by its kit as well
		accepted.Accession, _, accepted.AccessionWords = partnerhttp.ReadCode(placed["kit_id"])
	}
	return accepted, nil
}

// Cancel implements labs.Lab.
func (c *Client) Cancel(ctx context.Context, number, accession string) error {
	if !c.settings.Cancel {
		return labs.ErrNotSupported
	}
	body := struct {
		Accession string `json:"accession,omitempty"`
	}{accession}
	a, err := c.callOrder(ctx, number, partnerhttp.Call{Method: http.MethodPost, Path: orderPath(number, "cancel"),
		Body: body})
	if err != nil {
		return err
	}
	if !a.OK() {
		return answerError(a)
	}
	_, err = readSuccess(a)
	return err
}

// PollFacts implements labs.Lab. Each fact is decoded like the webhook that it repeats. Facts that cannot be decoded,
// or are about another order, are left out.
func (c *Client) PollFacts(ctx context.Context, number string) ([]labs.PolledFact, error) {
	a, err := c.callOrder(ctx, number, partnerhttp.Call{Method: http.MethodGet, Path: orderPath(number, "facts")})
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusNotFound && errorCode(a) == codeUnknownOrder {
		return nil, nil
	}
	if !a.OK() {
		return nil, answerError(a)
	}
	object, err := readSuccess(a)
	if err != nil {
		return nil, err
	}
	if _, listed := object["facts"]; !listed { // a gateway's answer would say that nothing was reported
		return nil, a.UnreadableError()
	}
	var answered struct {
		Facts []json.RawMessage `json:"facts"`
	}
	if err := json.Unmarshal(a.Body, &answered); err != nil {
		return nil, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	var out []labs.PolledFact
	for _, body := range answered.Facts {
		fact, err := partnerhttp.ParseObject(body)
		if err != nil {
			continue
		}
		if m := Decode(partnerhttp.TextValue(fact["id"]), body, c.caller.Now()); m.Fact != nil && m.OrderNumber == number {
			out = append(out, labs.PolledFact{
				Partner: c.account.Partner, Key: m.Key, Hash: m.Hash, Kind: m.Kind, Reason: m.Reason, Body: body, Fact: m.Fact,
				Location: m.Location, AccessionWords: m.AccessionWords,
			})
		}
	}
	return out, nil
}

// callOrder makes a call about an order. It refuses a number that cannot be used in a path.
func (c *Client) callOrder(ctx context.Context, number string, k partnerhttp.Call) (partnerhttp.Answer, error) {
	if !partnerhttp.UsableInPath(number) {
		return partnerhttp.Answer{}, &labs.RefusedError{Code: labs.CodeInvalidRequisition, Fields: []string{"number"}}
	}
	return c.caller.Exchange(ctx, k)
}
