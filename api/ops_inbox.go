package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// OpsInboxRow is one report of a partner and what became of it.
type OpsInboxRow struct {
	ID          string      `json:"id" format:"uuid"`
	Partner     string      `json:"partner"`
	Kind        string      `json:"kind"`
	OrderNumber string      `json:"order_number"`
	Tracking    string      `json:"tracking"`
	OrderID     string      `json:"order_id" doc:"Empty: no order has that number."`
	State       string      `json:"state"`
	Code        string      `json:"code" doc:"Why it ended in its state."`
	Amendment   bool        `json:"amendment"`
	Deliveries  int         `json:"deliveries" doc:"How often the partner sent it."`
	Fact        *order.Fact `json:"fact"`
	ReceivedAt  time.Time   `json:"received_at"`
	StateAt     time.Time   `json:"state_at"`
}

// OpsInboxItem is a report with what the partner sent, verbatim.
type OpsInboxItem struct {
	OpsInboxRow
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Reason  string            `json:"reason" doc:"The partner's own words."`
}

// OpsInboxPage is a page of the inbox, newest first.
type OpsInboxPage struct {
	Items []OpsInboxRow `json:"items" nullable:"false"`
	Total int           `json:"total"`
	Page  int           `json:"page"`
	Size  int           `json:"size"`
}

type inboxInput struct {
	PageQuery
	State   string `query:"state" enum:"received,signalled,applied,late,parked,refused,unmatched,incomplete,unknown,quarantined"`
	OrderID string `query:"order_id" format:"uuid"`
}

type inboxItemInput struct {
	InboxID string `path:"inbox_id" format:"uuid"`
}

func (s *server) opsInboxRoutes() {
	register(s, store.RoleOperations, huma.Operation{
		OperationID: "ops-list-inbox", Method: http.MethodGet, Path: "/ops/inbox", Tags: []string{tagOperations},
		Summary: "List what partners reported",
	}, s.opsListInbox)
	register(s, store.RoleOperations, huma.Operation{
		OperationID: "ops-get-inbox-item", Method: http.MethodGet, Path: "/ops/inbox/{inbox_id}", Tags: []string{tagOperations},
		Summary: "Read a report as the partner sent it", Errors: []int{http.StatusNotFound},
	}, s.opsGetInboxItem)
}

func (s *server) opsListInbox(ctx context.Context, in *inboxInput) (*body[OpsInboxPage], error) {
	rows, total, err := s.Store.InboxList(ctx, store.InboxQuery{
		State: in.State, OrderID: canonical(in.OrderID), Page: in.Page, Size: in.Size,
	})
	if err != nil {
		return nil, err
	}
	out := OpsInboxPage{Items: make([]OpsInboxRow, len(rows)), Total: total, Page: in.Page, Size: in.Size}
	for i, r := range rows {
		out.Items[i] = opsInboxRow(r)
	}
	return answer(out), nil
}

func (s *server) opsGetInboxItem(ctx context.Context, in *inboxItemInput) (*body[OpsInboxItem], error) {
	r, err := s.Store.InboxItem(ctx, canonical(in.InboxID))
	if err != nil {
		return nil, orNotFound(err, "Inbox item")
	}
	if err := s.auditRead(ctx, "ops.inbox.read", "", r.OrderID, "inbox="+r.ID); err != nil {
		return nil, err
	}
	return answer(OpsInboxItem{OpsInboxRow: opsInboxRow(r), Headers: r.Headers, Body: string(r.Body), Reason: r.Reason}), nil
}

func opsInboxRow(r store.InboxRow) OpsInboxRow {
	return OpsInboxRow{
		ID: r.ID, Partner: r.Partner, Kind: r.Kind, OrderNumber: r.OrderNumber, Tracking: r.Tracking, OrderID: r.OrderID,
		State: r.State, Code: r.Code, Amendment: r.Amendment, Deliveries: r.Deliveries, Fact: r.Fact,
		ReceivedAt: r.ReceivedAt, StateAt: r.StateAt,
	}
}
