package scenario

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Order is an order that was created through the API.
type Order struct {
	ID     string
	Number string // the order's number at the partner
	Method string

	system           *System
	reportCount      int    // reports published at the lab so far
	bookingBehaviour string // how the provider responds to bookings; empty: it confirms them
}

// ExistingOrder returns an order of a collection method that exists already.
func (s *System) ExistingOrder(id, method string) *Order {
	return &Order{ID: id, Method: method, system: s}
}

// View is an order as a client sees it.
type View struct {
	SampleID *string `json:"sample_id"`
	Events   []struct {
		ID     int64  `json:"id"`
		Status string `json:"status"`
	} `json:"events"`
}

// LowStatuses are the statuses that the order has had, without top level and collection method.
func (v View) LowStatuses() []string {
	lows := make([]string, len(v.Events))
	for i, e := range v.Events {
		lows[i] = e.Status[strings.LastIndex(e.Status, ".")+1:]
	}
	return lows
}

// Read requests GET /v3/order/{id}.
func (o *Order) Read(ctx context.Context) (View, error) {
	var v View
	err := o.system.callAsClient(ctx, http.MethodGet, "/v3/order/"+o.ID, nil, &v)
	return v, err
}

// operationsView is an order as operations see it.
type operationsView struct {
	Number    string `json:"order_number"`
	Attention []struct {
		Reason string `json:"reason"`
	} `json:"attention"`
}

func (o *Order) inspect(ctx context.Context) (operationsView, error) {
	var i operationsView
	err := o.system.callAsOperations(ctx, http.MethodGet, "/ops/orders/"+o.ID, nil, &i)
	return i, err
}

// AwaitStatuses waits until the order has had at least that many statuses, and returns all of them.
func (o *Order) AwaitStatuses(ctx context.Context, statuses int) ([]string, error) {
	var lows []string
	err := poll(ctx, func() (bool, error) {
		v, err := o.Read(ctx)
		lows = v.LowStatuses()
		return len(lows) >= statuses, err
	})
	if err != nil {
		return lows, fmt.Errorf("order %s: waiting for a status after %s: %w", o.ID, strings.Join(lows, " "), err)
	}
	return lows, nil
}

// awaitAttention waits until the order has an attention mark with the reason.
func (o *Order) awaitAttention(ctx context.Context, reason string) error {
	err := poll(ctx, func() (bool, error) {
		i, err := o.inspect(ctx)
		return slices.ContainsFunc(i.Attention, func(a struct {
			Reason string `json:"reason"`
		}) bool {
			return a.Reason == reason
		}), err
	})
	if err != nil {
		return fmt.Errorf("order %s: waiting for attention %s: %w", o.ID, reason, err)
	}
	return nil
}

// poll calls the function at growing intervals until it returns true or an error, or the context ends.
func poll(ctx context.Context, answered func() (bool, error)) error {
	pause := 80 * time.Millisecond
	for {
		done, err := answered()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(pause*3/2, 400*time.Millisecond)
	}
}
