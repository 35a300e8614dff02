package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// OpsInboxRow is one inbox item and its state.
type OpsInboxRow struct {
	ID          string      `json:"id" format:"uuid"`
	Partner     string      `json:"partner"`
	Kind        string      `json:"kind"`
	OrderNumber string      `json:"order_number"`
	Tracking    string      `json:"tracking"`
	AccountID   string      `json:"lab_account_id" doc:"The sender's lab account; empty: a courier's, or unknown."`
	OrderID     string      `json:"order_id" doc:"Empty: it is not matched to an order."`
	State       string      `json:"state"`
	ReasonCode  string      `json:"code" doc:"Why it has its state."`
	Amendment   bool        `json:"amendment"`
	TimesSent   int         `json:"deliveries" doc:"How often the partner sent it."`
	Fact        *order.Fact `json:"fact"`
	ReceivedAt  time.Time   `json:"received_at"`
	StateAt     time.Time   `json:"state_at"`
}

// OpsInboxItem is an inbox item with the partner's message, verbatim.
type OpsInboxItem struct {
	OpsInboxRow
	Headers       map[string]string `json:"headers" doc:"Aliquot-Read-As: the character set that was assumed."`
	Body          string            `json:"body" doc:"The decoded text. The store keeps the bytes as received."`
	PartnerReason string            `json:"reason" doc:"The partner's own words."`
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
	State   string `query:"state" enum:"received,applied,late,parked,refused,unmatched,incomplete,unknown,quarantined,released"`
	OrderID string `query:"order_id" format:"uuid"`
}

type inboxItemInput struct {
	InboxID string `path:"inbox_id" format:"uuid"`
}

type releaseInput struct {
	InboxID string `path:"inbox_id" format:"uuid"`
}

type assignInput struct {
	InboxID string `path:"inbox_id" format:"uuid"`
	Body    struct {
		OrderID string  `json:"order_id" format:"uuid"`
		Leg     *string `json:"leg,omitempty" enum:"outbound,inbound" doc:"Required for a courier's item: its leg."`
	}
}

func (s *server) opsInboxRoutes() {
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-list-inbox", Method: http.MethodGet, Path: "/ops/inbox", Tags: []string{tagOperations},
		Summary: "List the inbox: what partners sent, newest first",
	}, s.opsListInbox)
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-get-inbox-item", Method: http.MethodGet, Path: "/ops/inbox/{inbox_id}",
		Tags:    []string{tagOperations},
		Summary: "Read an inbox item as the partner sent it", Errors: []int{http.StatusNotFound},
	}, s.opsGetInboxItem)
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-assign-inbox-item", Method: http.MethodPost, Path: "/ops/inbox/{inbox_id}/assign",
		Tags:    []string{tagOperations},
		Summary: "Assign an unmatched inbox item to an order", Errors: []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.opsAssignInboxItem)
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-release-inbox-item", Method: http.MethodPost, Path: "/ops/inbox/{inbox_id}/release",
		Tags:    []string{tagOperations},
		Summary: "Release a quarantined inbox item, about which nothing has to be done",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.opsReleaseInboxItem)
}

func (s *server) opsListInbox(ctx context.Context, in *inboxInput) (*body[OpsInboxPage], error) {
	rows, total, err := s.Store.InboxItems(ctx, store.InboxQuery{
		State: in.State, OrderID: canonicalUUID(in.OrderID), Page: in.Page, Size: in.Size,
	})
	if err != nil {
		return nil, err
	}
	out := OpsInboxPage{Items: make([]OpsInboxRow, len(rows)), Total: total, Page: in.Page, Size: in.Size}
	for i, r := range rows {
		out.Items[i] = opsInboxRow(r)
	}
	return newAnswer(out), nil
}

func (s *server) opsGetInboxItem(ctx context.Context, in *inboxItemInput) (*body[OpsInboxItem], error) {
	r, err := s.Store.InboxItem(ctx, canonicalUUID(in.InboxID))
	if err != nil {
		return nil, mapNotFound(err, "Inbox item")
	}
	if err := s.appendReadAudit(ctx, "ops.inbox.read", "", r.OrderID, "inbox="+r.ID); err != nil {
		return nil, err
	}
	return newAnswer(OpsInboxItem{OpsInboxRow: opsInboxRow(r), Headers: r.Headers, Body: shownBody(r.Headers, r.Body),
		PartnerReason: r.PartnerReason}), nil
}

// opsAssignInboxItem assigns an inbox item to an order, as if the item had named it, and signals it to the order's
// workflow. The order's rules decide what the fact changes.
func (s *server) opsAssignInboxItem(ctx context.Context, in *assignInput) (*body[OpsInboxRow], error) {
	id, orderID := canonicalUUID(in.InboxID), canonicalUUID(in.Body.OrderID)
	row, err := s.Store.InboxItem(ctx, id)
	if err != nil {
		return nil, mapNotFound(err, "Inbox item")
	}
	leg := emptyIfNil(in.Body.Leg)
	if row.OrderNumber != "" {
		leg = "" // a lab's message contains its fact
	} else if leg == "" {
		return nil, validationError(missingProblem("body.leg"))
	}
	assigned, err := s.Store.AssignInboxItem(ctx, id, orderID, leg)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFoundError("Order")
	case errors.Is(err, store.ErrUnderMatchReview):
		return nil, badRequest("The results that the item announced are under review: decide the match review instead")
	case errors.Is(err, store.ErrConflict):
		return nil, badRequest("The item is not unmatched, or it has no meaning on that leg")
	case err != nil:
		return nil, err
	}
	s.appendChangeAudit(ctx, "ops.inbox.assign", "", orderID, "inbox="+id)
	s.wakeWithinLimit(ctx, assigned)
	if row, err = s.Store.InboxItem(ctx, id); err != nil {
		return nil, err
	}
	return newAnswer(opsInboxRow(row)), nil
}

// opsReleaseInboxItem takes an inbox item out of the quarantine, so that there is room for others of its sender. The
// item stays, and changes no order.
func (s *server) opsReleaseInboxItem(ctx context.Context, in *releaseInput) (*body[OpsInboxRow], error) {
	id := canonicalUUID(in.InboxID)
	orderID, err := s.Store.ReleaseQuarantinedItem(ctx, id)
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, badRequest("The item is not quarantined")
	case err != nil:
		return nil, mapNotFound(err, "Inbox item")
	}
	s.appendChangeAudit(ctx, "ops.inbox.release", "", orderID, "inbox="+id)
	row, err := s.Store.InboxItem(ctx, id)
	if err != nil {
		return nil, err
	}
	return newAnswer(opsInboxRow(row)), nil
}

func opsInboxRow(r store.InboxItem) OpsInboxRow {
	return OpsInboxRow{
		ID: r.ID, Partner: r.Partner, Kind: r.Kind, OrderNumber: r.OrderNumber, Tracking: r.TrackingNumber,
		AccountID: r.LabAccountID, OrderID: r.OrderID, State: r.State, ReasonCode: r.ReasonCode, Amendment: r.Amendment,
		TimesSent: r.TimesSent, Fact: r.Fact, ReceivedAt: r.ReceivedAt, StateAt: r.StateChangedAt,
	}
}
