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

// OrderFilter selects orders. It is exported because huma ignores unexported fields.
type OrderFilter struct {
	SearchInput string `query:"search_input" maxLength:"200"`

	StartDate        string `query:"start_date" maxLength:"64" doc:"Created since then; a date means its start (UTC)."`
	EndDate          string `query:"end_date" maxLength:"64" doc:"Created until then; a date means its end (UTC)."`
	UpdatedStartDate string `query:"updated_start_date" maxLength:"64" doc:"Changed since then; a date: its start (UTC)."`
	UpdatedEndDate   string `query:"updated_end_date" maxLength:"64" doc:"Changed until then; a date: its start (UTC)."`

	Status []LowStatusFilter `query:"status,explode" maxItems:"100" doc:"Low-level statuses."`

	OrderKey string `query:"order_key" enum:"created_at,patient_name,last_status" default:"created_at"`

	OrderDirection string   `query:"order_direction" enum:"asc,desc" doc:"Defaults to desc for created_at, else to asc."`
	OrderType      []string `query:"order_type,explode" maxItems:"100" enum:"testkit,walk_in_test,at_home_phlebotomy,on_site_collection"`
	IsCritical     string   `query:"is_critical" enum:"true,false" doc:"Whether the results are critical."`
	Interpretation string   `query:"interpretation" enum:"normal,abnormal,critical,unknown" doc:"Of the results."`

	ActivationTypes []string `query:"order_activation_types,explode" maxItems:"100" enum:"current,scheduled"`

	UserID        string   `query:"user_id" format:"uuid"`
	PatientName   string   `query:"patient_name" maxLength:"200" doc:"Whole words, in any case."`
	RecipientName string   `query:"shipping_recipient_name" maxLength:"200" doc:"Whole words, in any case."`
	OrderIDs      []string `query:"order_ids,explode" format:"uuid" maxItems:"500"`
	TransactionID string   `query:"order_transaction_id" format:"uuid"`
}

type ordersInput struct {
	PageQuery
	OrderFilter
}

// Resolve checks what a schema cannot say.
func (in *ordersInput) Resolve(huma.Context) []error {
	var errs []error
	for name, text := range map[string]string{
		"start_date": in.StartDate, "end_date": in.EndDate, "updated_start_date": in.UpdatedStartDate,
		"updated_end_date": in.UpdatedEndDate,
	} {
		if _, ok := parseMoment(text, 0); !ok {
			errs = append(errs, newProblem("datetime_parsing", "Input should be a valid datetime or date", "query."+name))
		}
	}
	return errs
}

// parseMoment parses a time, or a date, which means its start (UTC) plus intoDay. An empty text is the zero time, which
// is no bound of a query; no other text is.
func parseMoment(text string, intoDay time.Duration) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	if d, err := order.ParseDate(text); err == nil {
		return notZero(d.Start(time.UTC).Add(intoDay)), true
	}
	t, err := time.Parse(time.RFC3339, text)
	return notZero(t), err == nil
}

// notZero returns a time, and for the zero time, which would be no bound of a query, the microsecond after it.
func notZero(t time.Time) time.Time {
	if t.IsZero() {
		return t.Add(time.Microsecond)
	}
	return t
}

// lastMoment is the time from the start of a day to its last microsecond, the precision of stored times.
const lastMoment = 24*time.Hour - time.Microsecond

func (f OrderFilter) toOrderQuery(teamID string, today order.Date) store.OrderQuery {
	by := store.OrderQuery{
		TeamID: teamID, UserID: canonicalUUID(f.UserID), TransactionID: canonicalUUID(f.TransactionID),
		IDs: convertAll(f.OrderIDs, canonicalUUID), Statuses: convertAll(f.Status, toText), Methods: f.OrderType,
		Interpretation: order.Interpretation(f.Interpretation), Critical: parseOptionalBool(f.IsCritical),
		Today: today, PatientName: f.PatientName, RecipientName: f.RecipientName, Search: f.SearchInput,
		ByStatus: f.OrderKey == "last_status", ByPatient: f.OrderKey == "patient_name",
		Ascending: f.OrderDirection == "asc" || f.OrderDirection == "" && f.OrderKey != "created_at",
	}
	by.CreatedSince, _ = parseMoment(f.StartDate, 0)
	by.CreatedUntil, _ = parseMoment(f.EndDate, lastMoment)
	by.UpdatedSince, _ = parseMoment(f.UpdatedStartDate, 0)
	by.UpdatedUntil, _ = parseMoment(f.UpdatedEndDate, 0)
	scheduled, current := slices.Contains(f.ActivationTypes, "scheduled"), slices.Contains(f.ActivationTypes, "current")
	if scheduled != current {
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
		text := fmt.Sprintf("More than %d orders match, which are too many to be sorted by patient_name: narrow the filter",
			store.MaxOrdersSortedByPatient)
		return nil, validationError(newProblem("too_many", text, "query.order_key"))
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
		Summary: "Create an order", Errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict},
		Responses: rawResponseOf[PostOrderResponse](s, "The order was created."),
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
		OperationID: "resend-events", Method: http.MethodPost, Path: "/v3/order/resend_events",
		Tags:    []string{tagOrders},
		Summary: "Send the latest webhook message of orders again",
	}, s.resendWebhooks)
	refusals := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable}
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "cancel-order", Method: http.MethodPost, Path: "/v3/order/{order_id}/cancel",
		Tags: []string{tagOrders}, Summary: "Cancel an order", Errors: refusals,
	}, s.cancelOrder)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "update-order", Method: http.MethodPatch, Path: "/v3/order/{order_id}", Tags: []string{tagOrders},
		Summary: "Change or clear the activation day of a scheduled order", Errors: refusals,
	}, s.updateOrder)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "draw-completed", Method: http.MethodPatch, Path: "/v3/order/{order_id}/draw_completed",
		Tags:    []string{tagOrders},
		Summary: "Report that the sample of an on-site order has been drawn", Errors: refusals,
	}, s.recordDrawCompleted)
}

func (s *server) getOrder(ctx context.Context, in *OrderPath) (*body[junction.ClientFacingOrder], error) {
	o, err := s.readOrderAudited(ctx, callerOf(ctx).team.ID, in.OrderID, "order.read")
	if err != nil {
		return nil, err
	}
	return newAnswer(junction.FromOrder(*o)), nil
}

// readOrderAudited reads an order and adds the reading to the audit. It answers 404 for an order of another team; with
// an empty teamID it reads orders of all teams.
func (s *server) readOrderAudited(ctx context.Context, teamID, id, action string) (*order.Order, error) {
	o, err := s.Store.ReadOrderAudited(ctx, teamID, canonicalUUID(id), auditRow(ctx, action, "", "", ""))
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	return o, nil
}

// CommunicationSettings say by which means the patient of an order may be contacted. Aliquot itself sends patients no
// messages; programs of a deployment that do so read these settings.
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
		Tags: []string{tagOrders}, Summary: "Read how the patient of an order may be contacted",
		Errors: []int{http.StatusNotFound},
	}
	registerOperation(s, scopeOwnRead, op, s.getCommunication)
	op.OperationID, op.Method, op.Summary = "patch-communication-settings", http.MethodPatch,
		"Set how the patient of an order may be contacted"
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
