package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// createOrder creates an order by the request that the plan needs, and repeats the request until it succeeds.
func (c *Callers) createOrder(ctx context.Context, k OrderPlan, key string, t *CallerRecord) (string, error) {
	switch {
	case k.Import:
		return c.importOrder(ctx, k, key, t)
	case k.Kit:
		return c.createKit(ctx, k, t)
	}
	var made createdAnswer
	err := c.retry(ctx, func() (bool, error) {
		err := c.call(ctx, http.MethodPost, "/v3/order", key, c.system.Key, orderBody(c.system, k), &made)
		return err == nil, err
	})
	return made.Order.ID, err
}

// createdAnswer is the part of a response that names the new order.
type createdAnswer struct {
	Order struct {
		ID string `json:"id"`
	} `json:"order"`
}

// createKit creates a kit that is registered later. The route takes no idempotency key, so each request without a
// response may have created a kit.
func (c *Callers) createKit(ctx context.Context, k OrderPlan, t *CallerRecord) (string, error) {
	var made createdAnswer
	err := c.retry(ctx, func() (bool, error) {
		err := c.call(ctx, http.MethodPost, "/v3/order/testkit", "", c.system.Key, orderBody(c.system, k), &made)
		if isUnanswered(err) {
			c.update(func() { t.UnkeyedRequests++ })
		}
		return err == nil, err
	})
	return made.Order.ID, err
}

// importOrder creates a requisition at the lab as another system would, and imports it. The route takes no idempotency
// key and needs none: a number can be imported once. If the import is refused after a request without a response, that
// request has imported the order.
func (c *Callers) importOrder(ctx context.Context, k OrderPlan, number string, t *CallerRecord) (string, error) {
	if err := c.system.PlaceAtPartner(ctx, number, k.LabTest, k.Script); err != nil {
		return "", err
	}
	c.update(func() { t.ImportedNumber = number })
	var made createdAnswer
	again := false
	err := c.retry(ctx, func() (bool, error) {
		err := c.call(ctx, http.MethodPost, "/v3/order/import", "", c.system.Key, importBody(c.system, k, number), &made)
		again = again || isUnanswered(err)
		return err == nil, err
	})
	if refused := new(refusedError); again && errors.As(err, &refused) {
		return c.findByNumber(ctx, number)
	}
	return made.Order.ID, err
}

// findByNumber finds an order by the lab's number in the list of all orders, newest first.
func (c *Callers) findByNumber(ctx context.Context, number string) (string, error) {
	const size = 100
	for page := 1; ; page++ {
		var list struct {
			Orders []struct {
				ID       string  `json:"id"`
				SampleID *string `json:"sample_id"`
			} `json:"orders"`
		}
		err := c.retry(ctx, func() (bool, error) {
			err := c.call(ctx, http.MethodGet, fmt.Sprintf("/v3/orders?page=%d&size=%d", page, size), "", c.system.Key, nil,
				&list)
			return err == nil, err
		})
		if err != nil {
			return "", err
		}
		for _, o := range list.Orders {
			if o.SampleID != nil && *o.SampleID == number {
				return o.ID, nil
			}
		}
		if len(list.Orders) < size {
			return "", fmt.Errorf("the import of %s was refused, and no order has its number", number)
		}
	}
}
