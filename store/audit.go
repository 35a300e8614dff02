package store

import (
	"context"
	"database/sql"
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

// AuditEntry is a row of the audit that has been appended.
type AuditEntry struct {
	AuditRow
	ID  string
	Seq int64 // its place in the chain; 0: not sealed yet
}

// AuditQuery selects rows of the audit; what is empty selects all.
type AuditQuery struct {
	OrderID string
	KeyID   string
	Page    int // from 1
	Size    int // at most 100; defaults to 50
}

// Audit appends one row. Rows are never changed; SealAudit gives each its place in a chain.
func (s *Store) Audit(ctx context.Context, row AuditRow) error {
	return audit(ctx, s.write, s.dated(row))
}

func (s *Store) dated(row AuditRow) AuditRow {
	if row.At.IsZero() {
		row.At = s.now()
	}
	return row
}

// audit is Audit within a transaction.
func audit(ctx context.Context, q querier, row AuditRow) error {
	_, err := q.ExecContext(ctx, `INSERT INTO audit (`+auditColumns+`, team_id, order_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		append(auditValues(row), row.TeamID, row.OrderID)...)
	if err != nil {
		return fmt.Errorf("auditing %s: %w", row.Action, err)
	}
	return nil
}

// auditOrders appends a row for each of the orders o that a clause after it selects. Its values are those of auditValues, numbered from
// from.
func auditOrders(from int) string {
	return `INSERT INTO audit (` + auditColumns + `, team_id, order_id) SELECT ` + placeholders(from, 7) + `, o.team_id, o.id FROM orders o`
}

// auditColumns and auditValues are what a row says, but for whose order it is about.
const auditColumns = `id, at, key_id, action, request_id, address, detail`

func auditValues(row AuditRow) []any {
	return []any{newID(), micros(row.At), row.KeyID, row.Action, row.RequestID, row.Address, row.Detail}
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

const entryColumns = `id, at, key_id, team_id, order_id, action, request_id, address, detail, seq, hash`

// AuditLog lists one page of the audit, newest first.
func (s *Store) AuditLog(ctx context.Context, q AuditQuery) ([]AuditEntry, error) {
	var f filter
	if q.OrderID != "" {
		f.and("order_id = ?", q.OrderID)
	}
	if q.KeyID != "" {
		f.and("key_id = ?", q.KeyID)
	}
	rows, err := collect(ctx, s.read, scanEntry, `SELECT `+entryColumns+` FROM audit`+f.String()+` ORDER BY at DESC, id DESC`+page(q.Page, q.Size), f.args...)
	if err != nil {
		return nil, fmt.Errorf("listing the audit: %w", err)
	}
	out := make([]AuditEntry, len(rows))
	for i, row := range rows {
		out[i] = row.AuditEntry
	}
	return out, nil
}

func scanEntry(row scanner) (auditEntry, error) {
	var e auditEntry
	var at int64
	var seq sql.Null[int64]
	err := row.Scan(&e.ID, &at, &e.KeyID, &e.TeamID, &e.OrderID, &e.Action, &e.RequestID, &e.Address, &e.Detail, &seq, &e.hash)
	e.At, e.Seq = instant(at), seq.V
	return e, err
}

func scanAudit(row scanner) (AuditRow, error) {
	var a AuditRow
	var at int64
	err := row.Scan(&at, &a.KeyID, &a.TeamID, &a.OrderID, &a.Action, &a.RequestID, &a.Address, &a.Detail)
	a.At = instant(at)
	return a, err
}
