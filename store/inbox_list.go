package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// InboxQuery selects inbox rows.
type InboxQuery struct {
	State   string // empty: any
	OrderID string // empty: any
	Page    int    // from 1
	Size    int    // 1 to 100; 0 means 50
}

// InboxRow is one report and what became of it.
type InboxRow struct {
	ID          string
	Partner     string
	Key         string
	Hash        string
	Kind        string
	OrderNumber string
	Tracking    string
	AccountID   string // the lab account that it came through; empty: a courier's, or not known
	OrderID     string // empty: unmatched
	State       string
	Code        string      // why it ended in its state: a reason code, may be empty
	Amendment   bool        // an earlier report had the same key and other content
	Deliveries  int         // how often the partner sent it
	Fact        *order.Fact // nil when unmatched, or when it is none
	ReceivedAt  time.Time
	StateAt     time.Time // when it came into its state

	// Sealed; set by InboxItem alone.
	Headers map[string]string
	Body    []byte
	Reason  string // the partner's own words
}

const inboxColumns = `id, COALESCE(order_id, ''), state, leg, variant, received_at, facts, partner, event_key, hash, kind, order_number,
	tracking, code, deliveries, state_at, account_id`

func scanInbox(row scanner) (out InboxRow, err error) {
	var r inboxRow
	var receivedAt, stateAt int64
	var facts string
	err = row.Scan(&r.ID, &r.OrderID, &r.State, &r.leg, &r.variant, &receivedAt, &facts, &out.Partner, &out.Key, &out.Hash, &out.Kind,
		&out.OrderNumber, &out.Tracking, &out.Code, &out.Deliveries, &stateAt, &out.AccountID)
	if err != nil {
		return out, err
	}
	r.receivedAt = instant(receivedAt)
	if err := decode(facts, &r.facts); err != nil {
		return out, fmt.Errorf("reading the fact of inbox row %s: %w", r.ID, err)
	}
	out.ID, out.OrderID, out.State, out.Amendment = r.ID, r.OrderID, r.State, r.variant > 0
	out.Fact, out.ReceivedAt, out.StateAt = r.received().Fact, r.receivedAt, instant(stateAt)
	return out, nil
}

// InboxList lists rows without what is sealed, newest first, and counts all of them.
func (s *Store) InboxList(ctx context.Context, by InboxQuery) (rows []InboxRow, total int, err error) {
	var where filter
	if by.State != "" {
		where.and("state = ?", by.State)
	}
	if by.OrderID != "" {
		where.and("order_id = ?", by.OrderID)
	}
	err = s.inSnapshot(ctx, func(q querier) error {
		if total, err = count(ctx, q, "inbox", where); err != nil {
			return err
		}
		rows, err = collect(ctx, q, scanInbox,
			`SELECT `+inboxColumns+` FROM inbox`+where.String()+` ORDER BY received_at DESC, id DESC`+page(by.Page, by.Size), where.args...)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing the inbox: %w", err)
	}
	return rows, total, nil
}

// InboxItem reads one row with what is sealed in it. The error is ErrNotFound when there is none.
func (s *Store) InboxItem(ctx context.Context, id string) (InboxRow, error) {
	var headers, body, reason []byte
	row, err := one(ctx, s.read, func(r scanner) (InboxRow, error) {
		return scanInbox(alsoInto(r, &headers, &body, &reason))
	}, `SELECT `+inboxColumns+`, headers, body, reason FROM inbox WHERE id = $1`, id)
	if err != nil {
		return row, fmt.Errorf("reading inbox row %s: %w", id, err)
	}
	if err := s.keys.openJSON(place("inbox", id, "headers"), headers, &row.Headers); err != nil {
		return row, fmt.Errorf("opening the headers of inbox row %s: %w", id, err)
	}
	if row.Body, err = s.keys.Open(place("inbox", id, "body"), body); err != nil {
		return row, fmt.Errorf("opening the body of inbox row %s: %w", id, err)
	}
	words, err := s.keys.Open(place("inbox", id, "reason"), reason)
	if err != nil {
		return row, fmt.Errorf("opening the reason of inbox row %s: %w", id, err)
	}
	row.Reason = string(words)
	return row, nil
}

// longer is a row with more columns than its scan function knows.
type longer struct {
	row  scanner
	more []any
}

func alsoInto(row scanner, more ...any) scanner { return longer{row, more} }

func (l longer) Scan(dest ...any) error { return l.row.Scan(append(dest, l.more...)...) }
