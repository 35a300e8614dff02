package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// OpsOrderSummary is an order in the list of operations, without patient data.
type OpsOrderSummary struct {
	ID           string            `json:"id" format:"uuid"`
	TeamID       string            `json:"team_id" format:"uuid"`
	Number       string            `json:"order_number"`
	Accession    string            `json:"accession_number"`
	Status       lifecycle.Status  `json:"status"`
	StatusDetail lifecycle.Detail  `json:"status_detail"`
	Attention    []order.Attention `json:"attention" nullable:"false"`
	NextDeadline *time.Time        `json:"next_deadline"`
	CreatedAt    time.Time         `json:"created_at"`
	UpdatedAt    time.Time         `json:"updated_at"`
}

// OpsOrdersPage is a page of orders, newest first.
type OpsOrdersPage struct {
	Orders []OpsOrderSummary `json:"orders" nullable:"false"`
	Total  int               `json:"total"`
	Page   int               `json:"page"`
	Size   int               `json:"size"`
}

type opsOrdersInput struct {
	PageQuery
	Attention AttentionFilter `query:"attention" doc:"The reason of an attention mark, or any."`
	Status    LowStatusFilter `query:"status" doc:"A low-level status."`
}

func (s *server) opsSearchRoutes() {
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-list-orders", Method: http.MethodGet, Path: "/ops/orders", Tags: []string{tagOperations},
		Summary: "List the orders of all teams",
	}, s.opsListOrders)
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-order-story", Method: http.MethodGet, Path: "/ops/orders/{order_id}/story",
		Tags:    []string{tagOperations},
		Summary: "Read the story of an order: everything that happened to it", Errors: []int{http.StatusNotFound},
	}, s.opsStory)
}

func (s *server) opsListOrders(ctx context.Context, in *opsOrdersInput) (*body[OpsOrdersPage], error) {
	orders, total, err := s.Store.OpsOrders(ctx, store.OpsOrderQuery{
		Attention: string(in.Attention), Status: string(in.Status), Page: in.Page, Size: in.Size,
	})
	if err != nil {
		return nil, err
	}
	out := OpsOrdersPage{Orders: make([]OpsOrderSummary, len(orders)), Total: total, Page: in.Page, Size: in.Size}
	for i, o := range orders {
		out.Orders[i] = OpsOrderSummary{
			ID: o.ID, TeamID: o.TeamID, Number: o.Number, Accession: o.Accession, Status: o.Status,
			StatusDetail: o.Detail,
			Attention:    append([]order.Attention{}, o.Attention...), NextDeadline: nilIfZero(o.NextDeadline),
			CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
		}
	}
	return newAnswer(out), nil
}

func (s *server) opsStory(ctx context.Context, in *OrderPath) (*body[OpsStory], error) {
	story, err := s.Store.Story(ctx, canonicalUUID(in.OrderID))
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	return newAnswer(opsStory(story)), nil
}
