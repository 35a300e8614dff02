package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// OrdersResponse is a page of orders.
type OrdersResponse struct {
	Orders []junction.ClientFacingOrder `json:"orders" nullable:"false"`
	Total  int                          `json:"total"`
	Page   int                          `json:"page"`
	Size   int                          `json:"size"`
}

// OrderPath names an order.
type OrderPath struct {
	OrderID string `path:"order_id" format:"uuid"`
}

type ordersInput struct {
	PageQuery
	unsupported
}

// Resolve refuses the filters that would otherwise be passed over in silence.
func (in *ordersInput) Resolve(ctx huma.Context) []error {
	in.refused = unsupportedIn(ctx, "search_input", "start_date", "end_date", "updated_start_date", "updated_end_date", "status",
		"order_key", "order_direction", "order_type", "is_critical", "interpretation", "order_activation_types", "user_id",
		"patient_name", "shipping_recipient_name", "order_ids", "order_transaction_id")
	return nil
}

// unsupported is embedded by inputs whose contract knows more filters than we do. To pass over a filter would answer with what
// the client did not ask for, other patients' orders for instance.
type unsupported struct {
	refused string
}

func unsupportedIn(ctx huma.Context, names ...string) string {
	u := ctx.URL()
	query := u.Query()
	for _, name := range names {
		if query.Has(name) {
			return name
		}
	}
	return ""
}

func (u unsupported) refusal() *Error {
	return fail(http.StatusBadRequest, "Filtering by "+u.refused+" is not available")
}

func (s *server) orderRoutes() {
	register(s, changeOwn, huma.Operation{
		OperationID: "create-order", Method: http.MethodPost, Path: "/v3/order", Tags: []string{tagOrders},
		Summary: "Place an order", Errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict},
		Responses: documented[PostOrderResponse](s, "The order was placed."),
	}, s.createOrder)
	register(s, readOwn, huma.Operation{
		OperationID: "get-order", Method: http.MethodGet, Path: "/v3/order/{order_id}", Tags: []string{tagOrders},
		Summary: "Read an order", Errors: []int{http.StatusNotFound},
	}, s.getOrder)
	register(s, readOwn, huma.Operation{
		OperationID: "list-orders", Method: http.MethodGet, Path: "/v3/orders", Tags: []string{tagOrders},
		Summary: "List orders, newest first", Errors: []int{http.StatusBadRequest},
	}, s.listOrders)
	register(s, changeOwn, huma.Operation{
		OperationID: "resend-events", Method: http.MethodPost, Path: "/v3/order/resend_events", Tags: []string{tagOrders},
		Summary: "Send the latest webhook of orders again",
	}, s.resendEvents)
	refusals := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable}
	register(s, changeOwn, huma.Operation{
		OperationID: "cancel-order", Method: http.MethodPost, Path: "/v3/order/{order_id}/cancel", Tags: []string{tagOrders},
		Summary: "Cancel an order", Errors: refusals,
	}, s.cancelOrder)
	register(s, changeOwn, huma.Operation{
		OperationID: "update-order", Method: http.MethodPatch, Path: "/v3/order/{order_id}", Tags: []string{tagOrders},
		Summary: "Move or clear the day on which a scheduled order is processed", Errors: refusals,
	}, s.updateOrder)
	register(s, changeOwn, huma.Operation{
		OperationID: "draw-completed", Method: http.MethodPatch, Path: "/v3/order/{order_id}/draw_completed", Tags: []string{tagOrders},
		Summary: "Say that the sample of an on-site order has been drawn", Errors: refusals,
	}, s.drawCompleted)
}

func (s *server) getOrder(ctx context.Context, in *OrderPath) (*body[junction.ClientFacingOrder], error) {
	o, err := s.readOrder(ctx, callerOf(ctx).team.ID, in.OrderID, "order.read")
	if err != nil {
		return nil, err
	}
	return answer(junction.FromOrder(*o)), nil
}

// readOrder reads an order for somebody, which the audit notes. With a team, an order of another one does not exist.
func (s *server) readOrder(ctx context.Context, teamID, id, action string) (*order.Order, error) {
	o, err := s.Store.Order(ctx, teamID, canonical(id))
	if err != nil {
		return nil, orNotFound(err, "Order")
	}
	if err := s.auditRead(ctx, action, o.TeamID, o.ID, ""); err != nil {
		return nil, err
	}
	return o, nil
}

func (s *server) listOrders(ctx context.Context, in *ordersInput) (*body[OrdersResponse], error) {
	if in.refused != "" {
		return nil, in.refusal()
	}
	team := callerOf(ctx).team.ID
	orders, total, err := s.Store.Orders(ctx, store.OrderQuery{TeamID: team, Page: in.Page, Size: in.Size})
	if err != nil {
		return nil, err
	}
	out := OrdersResponse{Orders: make([]junction.ClientFacingOrder, len(orders)), Total: total, Page: in.Page, Size: in.Size}
	seen := make([]string, len(orders))
	for i, o := range orders {
		out.Orders[i], seen[i] = junction.FromOrder(o), o.ID
	}
	detail := "page=" + strconv.Itoa(in.Page) + " orders=" + strings.Join(seen, ",")
	if err := s.auditRead(ctx, "orders.list", team, "", detail); err != nil {
		return nil, err
	}
	return answer(out), nil
}
