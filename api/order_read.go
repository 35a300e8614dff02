package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// OrdersResponse is a page of orders.
type OrdersResponse struct {
	Orders []junction.ClientFacingOrder `json:"orders" nullable:"false"`
	Total  *int                         `json:"total" doc:"Null when there are more than 10,000."`
	Page   int                          `json:"page"`
	Size   int                          `json:"size"`
}

// OrderFilter selects orders. It is exported because huma sees nothing else.
type OrderFilter struct {
	SearchInput      string   `query:"search_input" maxLength:"200" doc:"An order's id, a user's, a date of birth, or whole words of the patient's or the recipient's name."`
	StartDate        string   `query:"start_date" doc:"Created then or later: a time, or a date, which is its first moment (UTC)."`
	EndDate          string   `query:"end_date" doc:"Created then or earlier: a time, or a date, which is its last moment (UTC)."`
	UpdatedStartDate string   `query:"updated_start_date" doc:"Changed then or later: a time, or a date, which is its first moment (UTC)."`
	UpdatedEndDate   string   `query:"updated_end_date" doc:"Changed then or earlier: a time, or a date, which is its first moment (UTC)."`
	Status           []string `query:"status,explode" pattern:"^[a-z_]{1,64}$" doc:"Low-level statuses."`
	OrderKey         string   `query:"order_key" enum:"created_at,patient_name,last_status" default:"created_at" doc:"Names are kept encrypted: patient_name sorts up to 5,000 orders."`
	OrderDirection   string   `query:"order_direction" enum:"asc,desc" doc:"Defaults to desc by created_at, else to asc."`
	OrderType        []string `query:"order_type,explode" enum:"testkit,walk_in_test,at_home_phlebotomy,on_site_collection"`
	IsCritical       string   `query:"is_critical" enum:"true,false" doc:"Whether the results are critical."`
	Interpretation   string   `query:"interpretation" enum:"normal,abnormal,critical,unknown" doc:"Of the results."`
	ActivationTypes  []string `query:"order_activation_types,explode" enum:"current,scheduled" doc:"Scheduled is what waits for a day after today."`
	UserID           string   `query:"user_id" format:"uuid"`
	PatientName      string   `query:"patient_name" maxLength:"200" doc:"Whole words, in any case."`
	RecipientName    string   `query:"shipping_recipient_name" maxLength:"200" doc:"Whole words, in any case."`
	OrderIDs         []string `query:"order_ids,explode" format:"uuid" maxItems:"500"`
	TransactionID    string   `query:"order_transaction_id" format:"uuid"`
}

type ordersInput struct {
	PageQuery
	OrderFilter
}

// Resolve checks what a schema cannot say.
func (in *ordersInput) Resolve(huma.Context) []error {
	var wrongs []error
	for name, text := range map[string]string{
		"start_date": in.StartDate, "end_date": in.EndDate, "updated_start_date": in.UpdatedStartDate,
		"updated_end_date": in.UpdatedEndDate,
	} {
		if _, ok := parseMoment(text, 0); !ok {
			wrongs = append(wrongs, newProblem("datetime_parsing", "Input should be a valid datetime or date", "query."+name))
		}
	}
	return wrongs
}

// parseMoment reads a time, or a date, of which it is the first moment plus so much. An empty text is the zero time.
func parseMoment(text string, ofDay time.Duration) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	if d, err := order.ParseDate(text); err == nil {
		return d.Start(time.UTC).Add(ofDay), true
	}
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil
}

// lastMoment is from a day's first moment to its last, as exactly as times are kept.
const lastMoment = 24*time.Hour - time.Microsecond

func (f OrderFilter) toOrderQuery(teamID string, today order.Date) store.OrderQuery {
	by := store.OrderQuery{
		TeamID: teamID, UserID: canonicalUUID(f.UserID), TransactionID: canonicalUUID(f.TransactionID),
		IDs:      convertAll(f.OrderIDs, canonicalUUID),
		Statuses: f.Status, Methods: f.OrderType, Interpretation: order.Interpretation(f.Interpretation),
		Critical: parseOptionalBool(f.IsCritical),
		Today:    today, PatientName: f.PatientName, RecipientName: f.RecipientName, Search: f.SearchInput,
		ByStatus: f.OrderKey == "last_status", ByPatient: f.OrderKey == "patient_name",
		Ascending: f.OrderDirection == "asc" || f.OrderDirection == "" && f.OrderKey != "created_at",
	}
	by.CreatedSince, _ = parseMoment(f.StartDate, 0)
	by.CreatedUntil, _ = parseMoment(f.EndDate, lastMoment)
	by.UpdatedSince, _ = parseMoment(f.UpdatedStartDate, 0)
	by.UpdatedUntil, _ = parseMoment(f.UpdatedEndDate, 0)
	if scheduled := slices.Contains(f.ActivationTypes, "scheduled"); scheduled != slices.Contains(f.ActivationTypes,
		"current") {
		by.Scheduled = &scheduled
	}
	return by
}

func parseOptionalBool(text string) *bool {
	if text == "" {
		return nil
	}
	yes := text == "true"
	return &yes
}

func (s *server) listOrders(ctx context.Context, in *ordersInput) (*body[OrdersResponse], error) {
	team := callerOf(ctx).team.ID
	by := in.toOrderQuery(team, s.today())
	by.Page, by.Size = in.Page, in.Size
	orders, total, err := s.Store.Orders(ctx, by)
	if errors.Is(err, store.ErrTooManyToSort) {
		return nil,
			validationError(newProblem("too_many",
				fmt.Sprintf("More than %d orders match, which are too many to be sorted by patient_name: narrow the filter",
					store.MaxOrdersSortedByPatient), "query.order_key"))
	}
	if err != nil {
		return nil, err
	}
	out := OrdersResponse{Orders: make([]junction.ClientFacingOrder, len(orders)), Total: total, Page: in.Page,
		Size: in.Size}
	seen := make([]string, len(orders))
	for i, o := range orders {
		out.Orders[i], seen[i] = junction.FromOrder(o), o.ID
	}
	detail := "page=" + strconv.Itoa(in.Page) + " orders=" + strings.Join(seen, ",")
	if err := s.appendReadAudit(ctx, "orders.list", team, "", detail); err != nil {
		return nil, err
	}
	return newAnswer(out), nil
}

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
		OperationID: "draw-completed", Method: http.MethodPatch, Path: "/v3/order/{order_id}/draw_completed",
		Tags:    []string{tagOrders},
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

// CommunicationSettings say how the patient of an order may be written to. Aliquot itself writes to no patient: what sends messages
// for a deployment asks here.
type CommunicationSettings struct {
	OrderID    string `json:"order_id" format:"uuid"`
	SMSEnabled bool   `json:"sms_enabled"`
}

type communicationInput struct {
	OrderPath
	Body struct {
		SMSEnabled bool `json:"sms_enabled"`
	}
}

func (s *server) communicationRoutes() {
	op := huma.Operation{
		OperationID: "get-communication-settings", Method: http.MethodGet,
		Path: "/v3/order/{order_id}/communication_settings",
		Tags: []string{tagOrders}, Summary: "Read how the patient of an order may be written to",
		Errors: []int{http.StatusNotFound},
	}
	registerOperation(s, scopeOwnRead, op, s.getCommunication)
	op.OperationID, op.Method, op.Summary = "patch-communication-settings", http.MethodPatch,
		"Say how the patient of an order may be written to"
	registerOperation(s, scopeOwnChange, op, s.patchCommunication)
}

func (s *server) getCommunication(ctx context.Context, in *OrderPath) (*body[CommunicationSettings], error) {
	id := canonicalUUID(in.OrderID)
	enabled, err := s.Store.SMSEnabled(ctx, callerOf(ctx).team.ID, id)
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	return newAnswer(CommunicationSettings{OrderID: id, SMSEnabled: enabled}), nil
}

func (s *server) patchCommunication(ctx context.Context, in *communicationInput) (*body[CommunicationSettings], error) {
	team, id := callerOf(ctx).team.ID, canonicalUUID(in.OrderID)
	if err := s.Store.SetSMSEnabled(ctx, team, id, in.Body.SMSEnabled); err != nil {
		return nil, mapNotFound(err, "Order")
	}
	s.appendChangeAudit(ctx, "order.communication", team, id, "sms="+strconv.FormatBool(in.Body.SMSEnabled))
	return newAnswer(CommunicationSettings{OrderID: id, SMSEnabled: in.Body.SMSEnabled}), nil
}
