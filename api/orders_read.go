package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
)

// OrderPath names an order.
type OrderPath struct {
	OrderID string `path:"order_id" format:"uuid"`
}

func (s *server) orderRoutes() {
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "create-order", Method: http.MethodPost, Path: "/v3/order", Tags: []string{tagOrders},
		Summary: "Place an order", Errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict},
		Responses: rawResponseOf[PostOrderResponse](s, "The order was placed."),
	}, s.createOrder)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-order", Method: http.MethodGet, Path: "/v3/order/{order_id}", Tags: []string{tagOrders},
		Summary: "Read an order", Errors: []int{http.StatusNotFound},
	}, s.getOrder)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "list-orders", Method: http.MethodGet, Path: "/v3/orders", Tags: []string{tagOrders},
		Summary: "List orders, newest first", Errors: []int{http.StatusBadRequest},
	}, s.listOrders)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "resend-events", Method: http.MethodPost, Path: "/v3/order/resend_events", Tags: []string{tagOrders},
		Summary: "Send the latest webhook of orders again",
	}, s.resendWebhooks)
	refusals := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable}
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "cancel-order", Method: http.MethodPost, Path: "/v3/order/{order_id}/cancel", Tags: []string{tagOrders},
		Summary: "Cancel an order", Errors: refusals,
	}, s.cancelOrder)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "update-order", Method: http.MethodPatch, Path: "/v3/order/{order_id}", Tags: []string{tagOrders},
		Summary: "Move or clear the day on which a scheduled order is processed", Errors: refusals,
	}, s.updateOrder)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "draw-completed", Method: http.MethodPatch, Path: "/v3/order/{order_id}/draw_completed", Tags: []string{tagOrders},
		Summary: "Say that the sample of an on-site order has been drawn", Errors: refusals,
	}, s.drawCompleted)
}

func (s *server) getOrder(ctx context.Context, in *OrderPath) (*body[junction.ClientFacingOrder], error) {
	o, err := s.readOrderAudited(ctx, callerOf(ctx).team.ID, in.OrderID, "order.read")
	if err != nil {
		return nil, err
	}
	return newAnswer(junction.FromOrder(*o)), nil
}

// readOrderAudited reads an order for somebody, which the audit notes. With a team, an order of another one does not exist.
func (s *server) readOrderAudited(ctx context.Context, teamID, id, action string) (*order.Order, error) {
	o, err := s.Store.ReadOrderAudited(ctx, teamID, canonicalUUID(id), auditRow(ctx, action, "", "", ""))
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	return o, nil
}
