package molecular

import (
	"context"
	"net/http"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

type cancelRequest struct {
	OrderNumber string `json:"order_number"`
	KitID       string `json:"kit_id"`
}

type cancelAnswer struct {
	OrderNumber identifier `json:"order_number"`
	successFields
}

func (a cancelAnswer) orderNumber() string { return string(a.OrderNumber) }

// Cancel implements labs.Lab. MTL has not confirmed the call, so it is made only where the settings name its path
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
	case err == nil && element.isFailure():
		return &labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: a.Body}
	case !a.OK():
		return a.RefusedError()
	case err != nil:
		return a.UnansweredError(err)
	case element.Success == nil:
		return a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	return nil
}
