package store

import (
	"context"
	"fmt"
	"time"
)

// AuditRow says who changed something, or read patient data.
type AuditRow struct {
	At        time.Time // zero: now
	KeyID     string    // of the API key; empty: Aliquot itself
	TeamID    string
	OrderID   string
	Action    string
	RequestID string
	Address   string // the network address that asked
	Detail    string // codes only, never patient data
}

// Audit appends one row. Rows are never changed.
func (s *Store) Audit(ctx context.Context, row AuditRow) error {
	if row.At.IsZero() {
		row.At = s.now()
	}
	return audit(ctx, s.write, row)
}

// audit is Audit within a transaction.
func audit(ctx context.Context, q querier, row AuditRow) error {
	_, err := q.ExecContext(ctx, `INSERT INTO audit (id, at, key_id, team_id, order_id, action, request_id, address, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		newID(), micros(row.At), row.KeyID, row.TeamID, row.OrderID, row.Action, row.RequestID, row.Address, row.Detail)
	if err != nil {
		return fmt.Errorf("auditing %s: %w", row.Action, err)
	}
	return nil
}

// AuditOf lists what was done with an order, oldest first.
func (s *Store) AuditOf(ctx context.Context, orderID string) ([]AuditRow, error) {
	all, err := collect(ctx, s.read, scanAudit, `SELECT at, key_id, team_id, order_id, action, request_id, address, detail
		FROM audit WHERE order_id = $1 ORDER BY at, id`, orderID)
	if err != nil {
		return nil, fmt.Errorf("reading the audit of order %s: %w", orderID, err)
	}
	return all, nil
}

func scanAudit(row scanner) (AuditRow, error) {
	var a AuditRow
	var at int64
	err := row.Scan(&at, &a.KeyID, &a.TeamID, &a.OrderID, &a.Action, &a.RequestID, &a.Address, &a.Detail)
	a.At = instant(at)
	return a, err
}
