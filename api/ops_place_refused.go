package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Limits of one request that places refused orders again.
const (
	placeRefusedAtOnce = 8
	placeRefusedTime   = 20 * time.Second // after it no further order is begun
)

// OpsPlaced says which refused orders are placed again.
type OpsPlaced struct {
	Placed []string       `json:"placed" nullable:"false" doc:"Ids of the orders whose placement has started again."`
	Failed []OpsNotPlaced `json:"failed" nullable:"false" doc:"Orders whose placement has not started."`
	Next   string         `json:"next" doc:"The value of after for the next request; empty: no order is left."`
}

// OpsNotPlaced is an order whose placement has not started again.
type OpsNotPlaced struct {
	OrderID string `json:"order_id" format:"uuid"`
	Detail  string `json:"detail" doc:"Why, as the route for one order says it."`
}

type placeRefusedInput struct {
	Body struct {
		LabAccountID string `json:"lab_account_id,omitempty" format:"uuid" doc:"Only orders of this lab account."`
		After        string `json:"after,omitempty" format:"uuid" doc:"Only orders after this one, from an earlier answer."`
		Limit        int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"50"`
	}
}

func (s *server) opsPlaceRefusedRoutes() {
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-place-refused", Method: http.MethodPost, Path: "/ops/orders/place", Tags: []string{tagOperations},
		Summary: "Place the orders with the mark placement_refused again, the oldest first",
	}, s.opsPlaceRefused)
}

// opsPlaceRefused submits a demand to place for each of the oldest refused orders. The caller repeats the request with
// after until next is empty. An order that the lab refuses again meanwhile is not taken twice.
func (s *server) opsPlaceRefused(ctx context.Context, in *placeRefusedInput) (*body[OpsPlaced], error) {
	ids, err := s.Store.RefusedOrders(ctx, store.RefusedOrderQuery{
		LabAccountID: canonicalUUID(in.Body.LabAccountID), AfterID: canonicalUUID(in.Body.After), Limit: in.Body.Limit,
	})
	if err != nil {
		return nil, err
	}
	ended := time.Now().Add(placeRefusedTime)
	out := OpsPlaced{Placed: []string{}, Failed: []OpsNotPlaced{}}
	for len(ids) > 0 && time.Now().Before(ended) {
		group := ids[:min(placeRefusedAtOnce, len(ids))]
		if err := s.placeGroup(ctx, group, &out); err != nil {
			return nil, err
		}
		ids, out.Next = ids[len(group):], group[len(group)-1]
	}
	if taken := len(out.Placed) + len(out.Failed); len(ids) == 0 && taken < in.Body.Limit {
		out.Next = ""
	}
	return newAnswer(out), nil
}

// placeGroup places some orders at the same time, and adds them to out in their order. An error that is not about one
// order ends the request.
func (s *server) placeGroup(ctx context.Context, ids []string, out *OpsPlaced) error {
	var mu sync.Mutex
	why := map[string]string{}
	g, ctx := errgroup.WithContext(ctx)
	for _, id := range ids {
		g.Go(func() error {
			_, _, err := s.submitDemand(ctx, "", id, order.Demand{Kind: order.DemandPlace, By: lifecycle.Operations}, nil)
			var answered *Error
			if err != nil && !errors.As(err, &answered) {
				return err
			}
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				why[id] = fmt.Sprint(answered.Detail)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, id := range ids {
		if detail, failed := why[id]; failed {
			out.Failed = append(out.Failed, OpsNotPlaced{OrderID: id, Detail: detail})
		} else {
			out.Placed = append(out.Placed, id)
		}
	}
	return nil
}
