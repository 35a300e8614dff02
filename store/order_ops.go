package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// AnyAttention selects orders with any open mark.
const AnyAttention = "any"

// OpsOrderQuery selects orders of all teams for operations.
type OpsOrderQuery struct {
	Attention string // an attention reason, or AnyAttention; empty: all orders
	Status    string // low-level; empty: any
	Page      int    // from 1
	Size      int    // 1 to 100; 0 means 50
}

// OrderSummary is an order in a list for operations. It has no patient data.
type OrderSummary struct {
	ID           string
	TeamID       string
	Number       string
	Accession    string // empty until the lab has reported it
	Status       lifecycle.Status
	Detail       lifecycle.Detail
	Attention    []order.Attention
	NextDeadline time.Time // zero: none
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// OpsOrders lists one page of the orders of all teams, newest first, and counts all of them. The replica may answer, a
// little late.
func (s *Store) OpsOrders(ctx context.Context, by OpsOrderQuery) (orders []OrderSummary, total int, err error) {
	where := by.where()
	err = s.db.InRecentSnapshot(ctx, func(ctx context.Context, q sqldb.Querier) error {
		if total, err = countRows(ctx, q, "order_progress p", where); err != nil {
			return err
		}
		orders, err = sqldb.QueryAll(ctx, q, s.scanOrderSummary,
			`SELECT o.id, o.team_id, o.number, o.accession, o.modality, p.status, p.detail, w.state, o.created_at,
			p.updated_at FROM orders o JOIN order_progress p ON p.order_id = o.id JOIN order_states w ON w.order_id = o.id`+
				where.String()+` ORDER BY o.created_at DESC, o.id DESC`+sqldb.LimitClause(by.Page, by.Size), where.Args...)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing orders for operations: %w", err)
	}
	return orders, total, nil
}

func (by OpsOrderQuery) where() (f sqldb.Where) {
	if by.Status != "" {
		f.And("p.status = ?", by.Status)
	}
	switch by.Attention {
	case "":
	case AnyAttention:
		f.AndTerm("p.order_id IN (SELECT order_id FROM order_attention)")
	default:
		f.And("p.order_id IN (SELECT order_id FROM order_attention WHERE reason = ?)", by.Attention)
	}
	return f
}

func (s *Store) scanOrderSummary(row sqldb.Scanner) (o OrderSummary, err error) {
	var (
		modality        lifecycle.Modality
		low             lifecycle.LowStatus
		text            string
		created, update int64
	)
	err = row.Scan(&o.ID, &o.TeamID, &o.Number, &o.Accession, &modality, &low, &o.Detail, &text, &created, &update)
	if err != nil {
		return o, err
	}
	state, err := s.decodeState(text)
	if err != nil {
		return o, err
	}
	o.Status, _ = lifecycle.FullStatus(modality, low)
	o.Attention = state.Attention
	next, _ := state.NextDeadline()
	o.NextDeadline, o.CreatedAt, o.UpdatedAt = next.Due, sqldb.FromMicros(created), sqldb.FromMicros(update)
	return o, nil
}

// OrdersWithoutWorkflow lists orders that were created before a time and that no workflow has loaded, oldest first.
func (s *Store) OrdersWithoutWorkflow(ctx context.Context, createdBefore time.Time, limit int) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT w.order_id FROM order_states w JOIN orders o ON o.id = w.order_id
		WHERE w.started_at = 0 AND o.created_at < $1 ORDER BY w.order_id LIMIT $2`, // ids are in the order of creation
		sqldb.ToMicros(createdBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing orders without a workflow: %w", err)
	}
	return ids, nil
}

// UnfinishedOrders lists the ids of orders whose workflow has something to do or to wait for, after the id afterID
// (empty: from the first). These orders have not ended, or have a fetch, a cancellation or a call about an appointment
// to finish.
func (s *Store) UnfinishedOrders(ctx context.Context, afterID string, limit int) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT order_id FROM order_progress WHERE unfinished AND order_id > $1 ORDER BY order_id LIMIT $2`,
		cmp.Or(afterID, sqldb.NilID), limit)
	if err != nil {
		return nil, fmt.Errorf("listing unfinished orders: %w", err)
	}
	return ids, nil
}

// SilenceSince holds, for each stage, the time before which a silent order must have got its status.
type SilenceSince struct {
	Placed   time.Time // placed at the lab, and no kit shipped
	Shipped  time.Time // in transit to the patient, or with the patient
	Received time.Time // at the lab
	Polled   time.Time // and the lab has not been polled since
}

// CallKindPoll is the kind of calls that ask a lab for the status of a silent order.
const CallKindPoll = "poll"

// CallKindPollProvider is the kind of calls that ask the provider of an order's appointment in the same way.
const CallKindPollProvider = "poll_provider"

// silentOrders is the query of SilentOrders.
var silentOrders = `SELECT o.order_id FROM order_progress o
	WHERE o.unfinished AND o.modality = 'testkit' AND o.order_id > $1 AND (
		o.status IN (` + quoteLowStatuses(lifecycle.StagePlaced) + `) AND o.status_at < $2
		OR o.status IN (` + quoteLowStatuses(lifecycle.StageOutbound, lifecycle.StageWithCustomer) + `) AND o.status_at < $3
		OR o.status IN (` + quoteLowStatuses(lifecycle.StageAtLab) + `) AND o.status_at < $4)
	AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.order_id = o.order_id AND c.kind = $5 AND c.started_at > $6)
	ORDER BY o.order_id LIMIT $7`

// quoteLowStatuses returns the low-level statuses of the stages as an SQL list.
func quoteLowStatuses(stages ...lifecycle.Stage) string {
	lows := lifecycle.LowsIn(stages...)
	quoted := make([]string, len(lows))
	for i, l := range lows {
		quoted[i] = "'" + string(l) + "'"
	}
	return strings.Join(quoted, ", ")
}

// SilentOrders lists the ids of testkit orders that no partner has reported on for too long, after the id afterID.
func (s *Store) SilentOrders(ctx context.Context, since SilenceSince, afterID string, limit int) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, silentOrders,
		cmp.Or(afterID, sqldb.NilID), sqldb.ToMicros(since.Placed), sqldb.ToMicros(since.Shipped),
		sqldb.ToMicros(since.Received), CallKindPoll, sqldb.ToMicros(since.Polled), limit)
	if err != nil {
		return nil, fmt.Errorf("listing silent orders: %w", err)
	}
	return ids, nil
}

// ordersToAsk is the query of OrdersToAsk. A call without an answer does not count.
const ordersToAsk = `SELECT o.order_id FROM order_progress o
	WHERE o.order_id > $1 AND (o.unfinished OR o.status_at >= $2)
	AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.order_id = o.order_id AND c.kind = $3 AND c.started_at >= $4
		AND (c.outcome = 'done' OR c.outcome = 'not_supported'))
	ORDER BY o.order_id LIMIT $5`

// OrdersToAsk lists the ids of orders after the id afterID, of every collection method, about which a lab may have
// reported: those that are unfinished, and those that have ended since endedSince. It leaves out orders whose lab has
// answered since askedSince.
func (s *Store) OrdersToAsk(ctx context.Context, endedSince, askedSince time.Time, afterID string,
	limit int) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, ordersToAsk, cmp.Or(afterID, sqldb.NilID),
		sqldb.ToMicros(endedSince), CallKindPoll, sqldb.ToMicros(askedSince), limit)
	if err != nil {
		return nil, fmt.Errorf("listing orders to ask about: %w", err)
	}
	return ids, nil
}
