package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// AuditRow says who changed something or read patient data.
type AuditRow struct {
	At        time.Time // zero: now
	APIKeyID  string    // the API key of the caller; empty: Aliquot itself, or a caller who was denied access
	TeamID    string
	OrderID   string
	Action    string
	RequestID string
	Address   string // the network address of the caller
	Detail    string // codes only, never patient data
}

// AuditEntry is a stored row of the audit log.
type AuditEntry struct {
	AuditRow
	ID  string
	Seq int64 // its position in the chain; 0: not sealed yet
}

// AuditQuery selects rows of the audit log. Empty fields select all.
type AuditQuery struct {
	OrderID  string
	APIKeyID string
	Page     int // from 1
	Size     int // at most 100; default: 50
}

// AppendAudit appends one row. Rows are never changed afterwards. SealAudit gives each its position in the chain, in a
// table of its own.
func (s *Store) AppendAudit(ctx context.Context, row AuditRow) error {
	return appendAudit(ctx, s.db.Writer, s.withTime(row))
}

func (s *Store) withTime(row AuditRow) AuditRow {
	if row.At.IsZero() {
		row.At = s.now()
	}
	return row
}

// appendAudit is AppendAudit within a transaction.
func appendAudit(ctx context.Context, q sqldb.Querier, row AuditRow) error {
	_, err := q.ExecContext(ctx, `INSERT INTO audit (`+auditColumns+
		`, team_id, order_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		append(auditValues(row), sqldb.IDOrNull(row.TeamID), sqldb.IDOrNull(row.OrderID))...)
	if err != nil {
		return fmt.Errorf("auditing %s: %w", row.Action, err)
	}
	return nil
}

// auditOrdersStatement returns the beginning of a statement that appends one row for each order o that the rest of the
// statement selects. Its parameters are those of auditValues, numbered from the given number.
func auditOrdersStatement(from int) string {
	return `INSERT INTO audit (` + auditColumns + `, team_id, order_id) SELECT ` + sqldb.Placeholders(from,
		7) + `, o.team_id, o.id FROM orders o`
}

// auditColumns and auditValues are the columns and values of a row, without the order that it is about.
const auditColumns = `id, at, key_id, action, request_id, address, detail`

func auditValues(row AuditRow) []any {
	return []any{sqldb.NewIDAt(row.At), sqldb.ToMicros(row.At), sqldb.IDOrNull(row.APIKeyID), row.Action, row.RequestID,
		row.Address, row.Detail}
}

// OrderAudit lists the rows of the audit log about an order, oldest first.
func (s *Store) OrderAudit(ctx context.Context, orderID string) ([]AuditRow, error) {
	var where sqldb.Where
	where.And("order_id = ?", orderID)
	ids, err := auditIDsSince(ctx, s.db.Reader, orderID)
	var all []AuditRow
	if err == nil {
		ids.restrict(&where, "id")
		all, err = sqldb.QueryAll(ctx, s.db.Reader, scanAuditRow,
			`SELECT at, key_id, team_id, order_id, action, request_id, address, detail
			FROM audit`+where.String()+` ORDER BY id`, where.Args...)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the audit of order %s: %w", orderID, err)
	}
	return all, nil
}

// auditEntryColumns are the columns of a row a with its seal s, of which selectSealedAudit selects the rows that have
// one.
const (
	auditEntryColumns = `a.id, a.at, a.key_id, a.team_id, a.order_id, a.action, a.request_id, a.address, a.detail,
		s.seq, s.hash`
	selectSealedAudit = `SELECT ` + auditEntryColumns + ` FROM audit_seals s JOIN audit a ON a.id = s.audit_id`
)

// AuditLog lists one page of the audit log, newest first. The replica may answer, a little late.
func (s *Store) AuditLog(ctx context.Context, q AuditQuery) ([]AuditEntry, error) {
	var f sqldb.Where
	f.AndIfSet("a.order_id = ?", q.OrderID)
	f.AndIfSet("a.key_id = ?", q.APIKeyID)
	var rows []hashedAuditEntry
	err := s.readRecent(ctx, func(ctx context.Context, on sqldb.Querier) error {
		f := sqldb.Where{Terms: slices.Clone(f.Terms), Args: slices.Clone(f.Args)}
		if q.OrderID != "" {
			ids, err := auditIDsSince(ctx, on, q.OrderID)
			if err != nil {
				return err
			}
			ids.restrict(&f, "a.id")
		}
		var err error
		rows, err = sqldb.QueryAll(ctx, on, scanAuditEntry,
			`SELECT `+auditEntryColumns+` FROM audit a LEFT JOIN audit_seals s ON s.audit_id = a.id`+f.String()+
				` ORDER BY a.id DESC`+sqldb.LimitClause(q.Page, q.Size), f.Args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the audit: %w", err)
	}
	out := make([]AuditEntry, len(rows))
	for i, row := range rows {
		out[i] = row.AuditEntry
	}
	return out, nil
}

func scanAuditEntry(row sqldb.Scanner) (hashedAuditEntry, error) {
	var e hashedAuditEntry
	var at int64
	var seq sql.Null[int64]
	err := row.Scan(&e.ID, &at, sqldb.EmptyIfNull(&e.APIKeyID), sqldb.EmptyIfNull(&e.TeamID),
		sqldb.EmptyIfNull(&e.OrderID), &e.Action, &e.RequestID, &e.Address, &e.Detail, &seq, &e.hash)
	e.At, e.Seq = sqldb.FromMicros(at), seq.V
	return e, err
}

func scanAuditRow(row sqldb.Scanner) (AuditRow, error) {
	var a AuditRow
	var at int64
	err := row.Scan(&at, sqldb.EmptyIfNull(&a.APIKeyID), sqldb.EmptyIfNull(&a.TeamID), sqldb.EmptyIfNull(&a.OrderID),
		&a.Action, &a.RequestID, &a.Address, &a.Detail)
	a.At = sqldb.FromMicros(at)
	return a, err
}
