package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// GetOrderTransactionResponse is an order with its redraws and replacements.
type GetOrderTransactionResponse struct {
	ID     string                  `json:"id" format:"uuid"`
	TeamID string                  `json:"team_id" format:"uuid"`
	Status order.TransactionStatus `json:"status"`
	Orders []OrderSummary          `json:"orders" nullable:"false" doc:"Oldest first."`
}

// OrderSummary is one order of a transaction.
type OrderSummary struct {
	ID                  string              `json:"id" format:"uuid"`
	Origin              order.Origin        `json:"origin"`
	ParentID            *string             `json:"parent_id" format:"uuid" doc:"The order that this one replaces."`
	LastStatus          lifecycle.LowStatus `json:"last_status"`
	LastStatusCreatedAt time.Time           `json:"last_status_created_at"`
	UpdatedAt           time.Time           `json:"updated_at"`
	CreatedAt           time.Time           `json:"created_at"`
}

// TransactionPath names an order transaction.
type TransactionPath struct {
	TransactionID string `path:"transaction_id" format:"uuid"`
}

func (s *server) transactionRoutes() {
	op := huma.Operation{
		OperationID: "get-order-transaction", Method: http.MethodGet, Path: "/v3/order_transaction/{transaction_id}",
		Tags: []string{tagOrders}, Summary: "Read an order with its redraws and replacements",
		Errors: []int{http.StatusNotFound},
	}
	registerOperation(s, scopeOwnRead, op, s.getTransaction)
	op.OperationID, op.Path, op.Tags = "get-order-transaction-result", op.Path+"/result", []string{tagResults}
	op.Summary = "Read the combined results of a transaction's orders"
	registerOperation(s, scopeOwnRead, op, s.getTransactionResults)
	op.OperationID, op.Path, op.Summary = "get-order-transaction-result-pdf", op.Path+"/pdf",
		"Read the lab reports of a transaction's orders as one PDF"
	op.Responses = pdfResponse("The reports.")
	registerOperation(s, scopeOwnRead, op, s.getTransactionPDF)
}

// readTransactionAudited reads the orders of a transaction of the caller's team, oldest first, and adds the reading to
// the audit.
func (s *server) readTransactionAudited(ctx context.Context, id, action string) ([]order.Order, error) {
	team := callerOf(ctx).team.ID
	orders, err := s.Store.TransactionOrders(ctx, team, canonicalUUID(id))
	if err != nil {
		return nil, mapNotFound(err, "Order transaction")
	}
	if err := s.appendReadAudit(ctx, action, team, "", "transaction="+canonicalUUID(id)); err != nil {
		return nil, err
	}
	return orders, nil
}

func (s *server) getTransaction(ctx context.Context, in *TransactionPath) (*body[GetOrderTransactionResponse], error) {
	orders, err := s.readTransactionAudited(ctx, in.TransactionID, "transaction.read")
	if err != nil {
		return nil, err
	}
	t := orders[0].Transaction
	out := GetOrderTransactionResponse{ID: t.ID, TeamID: orders[0].TeamID, Status: t.Status,
		Orders: convertAll(t.Orders, orderSummary)}
	return newAnswer(out), nil
}

func orderSummary(o order.TransactionOrder) OrderSummary {
	out := OrderSummary{
		ID: o.ID, Origin: o.Origin, LastStatus: o.Status, LastStatusCreatedAt: o.StatusAt, UpdatedAt: o.UpdatedAt,
		CreatedAt: o.CreatedAt,
	}
	if o.ParentID != "" {
		out.ParentID = &o.ParentID
	}
	return out
}

func (s *server) getTransactionResults(ctx context.Context,
	in *TransactionPath) (*body[junction.LabResultsRaw], error) {
	orders, err := s.readTransactionAudited(ctx, in.TransactionID, "transaction.read_result")
	if err != nil {
		return nil, err
	}
	var parts []junction.OrderResult
	for _, o := range orders {
		v, err := s.Store.NewestResult(ctx, o.TeamID, o.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, junction.OrderResult{Order: o, Result: v})
	}
	if len(parts) == 0 {
		return nil, notFoundError("Result")
	}
	return newAnswer(junction.CombineResults(parts)), nil
}
