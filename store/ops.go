package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// AnyAttention selects orders with any open mark.
const AnyAttention = "any"

// OpsOrderQuery selects orders for operations, of every team.
type OpsOrderQuery struct {
	Attention string // an attention reason, or AnyAttention; empty: whether marked or not
	Status    string // low-level; empty: any
	Page      int    // from 1
	Size      int    // 1 to 100; 0 means 50
}

// OrderSummary is an order as operations list it, without patient data.
type OrderSummary struct {
	ID           string
	TeamID       string
	Number       string
	Accession    string // empty until the lab has told it
	Status       lifecycle.Status
	Detail       lifecycle.Detail
	Attention    []order.Attention
	NextDeadline time.Time // zero: none
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// OpsOrders lists the orders of all teams, newest first, and counts all of them.
func (s *Store) OpsOrders(ctx context.Context, by OpsOrderQuery) (orders []OrderSummary, total int, err error) {
	where := by.where()
	err = s.InSnapshot(ctx, func(q Querier) error {
		if total, err = countRows(ctx, q, "orders", where); err != nil {
			return err
		}
		orders, err = QueryAll(ctx, q, s.scanOrderSummary, `SELECT id, team_id, number, accession, modality, status, detail, state, next_deadline,
			created_at, updated_at FROM orders`+where.String()+` ORDER BY created_at DESC, id DESC`+LimitClause(by.Page, by.Size), where.Args...)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing orders for operations: %w", err)
	}
	return orders, total, nil
}

func (by OpsOrderQuery) where() (f Where) {
	if by.Status != "" {
		f.And("status = ?", by.Status)
	}
	switch by.Attention {
	case "":
	case AnyAttention:
		f.AndTerm("id IN (SELECT order_id FROM order_attention)")
	default:
		f.And("id IN (SELECT order_id FROM order_attention WHERE reason = ?)", by.Attention)
	}
	return f
}

func (s *Store) scanOrderSummary(row Scanner) (o OrderSummary, err error) {
	var (
		modality             lifecycle.Modality
		low                  lifecycle.LowStatus
		text                 string
		due, created, update int64
	)
	err = row.Scan(&o.ID, &o.TeamID, &o.Number, &o.Accession, &modality, &low, &o.Detail, &text, &due, &created, &update)
	if err != nil {
		return o, err
	}
	state, err := s.decodeState(text)
	if err != nil {
		return o, err
	}
	o.Status, _ = lifecycle.FullStatus(modality, low)
	o.Attention = state.Attention
	o.NextDeadline, o.CreatedAt, o.UpdatedAt = FromMicros(due), FromMicros(created), FromMicros(update)
	return o, nil
}
