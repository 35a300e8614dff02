package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// InboxQuery selects inbox rows.
type InboxQuery struct {
	State   string // empty: any
	OrderID string // empty: any
	Page    int    // from 1
	Size    int    // 1 to 100; 0 means 50
}

// InboxItem is one thing that a partner sent, and its state.
type InboxItem struct {
	ID             string
	Partner        string
	DedupKey       string
	BodyHash       string
	Kind           string
	OrderNumber    string
	TrackingNumber string
	LabAccountID   string // whose credentials came with it; empty: a courier's item, or not known
	OrderID        string // empty: unmatched
	State          string
	ReasonCode     string      // why it is in its state: a reason code; may be empty
	Amendment      bool        // an earlier item had the same key and other content
	TimesSent      int         // how often the partner sent it
	Fact           *order.Fact // nil when unmatched, or when the item is not a fact
	ReceivedAt     time.Time
	StateChangedAt time.Time // when it got its state

	// Sealed; set by Store.InboxItem only.
	Headers       map[string]string
	Body          []byte
	PartnerReason string // the partner's own words
}

const inboxItemColumns = `id, order_id, state, leg, variant, received_at, facts, partner, event_key,
	hash, kind, order_number, tracking, code, deliveries, state_at, account_id`

func scanInboxItem(row sqldb.Scanner) (out InboxItem, err error) {
	var r receivedItemRow
	var receivedAt, stateAt int64
	var facts string
	err = row.Scan(&r.ID, sqldb.EmptyIfNull(&r.OrderID), &r.State, &r.leg, &r.amendments, &receivedAt, &facts,
		&out.Partner, &out.DedupKey, &out.BodyHash, &out.Kind, &out.OrderNumber, &out.TrackingNumber, &out.ReasonCode,
		&out.TimesSent, &stateAt, sqldb.EmptyIfNull(&out.LabAccountID))
	if err != nil {
		return out, err
	}
	r.receivedAt = sqldb.FromMicros(receivedAt)
	if err := decodeJSON(facts, &r.facts); err != nil {
		return out, fmt.Errorf("reading the fact of inbox row %s: %w", r.ID, err)
	}
	out.ID, out.OrderID, out.State, out.Amendment = r.ID, r.OrderID, r.State, r.amendments > 0
	out.Fact, out.ReceivedAt, out.StateChangedAt = r.toReceivedItem().Fact, r.receivedAt, sqldb.FromMicros(stateAt)
	return out, nil
}

// listedInboxStates are the states of the index inbox_by_state. There are few items in them. Lists of the other states
// read the table.
var listedInboxStates = []string{InboxReceived, InboxParked, InboxRefused, InboxUnmatched, InboxIncomplete,
	InboxUnknown,
	InboxQuarantined, InboxReleased}

// InboxItems lists one page of items without their sealed parts, newest first, and returns how many there are in total.
// The replica may answer, a little late.
func (s *Store) InboxItems(ctx context.Context, by InboxQuery) (rows []InboxItem, total int, err error) {
	var where sqldb.Where
	switch {
	case slices.Contains(listedInboxStates, by.State): // as a literal: see the index inbox_by_state
		where.AndTerm("state = '" + by.State + "'")
	case by.State != "":
		where.And("state = ?", by.State)
	}
	where.AndIfSet("order_id = ?", by.OrderID)
	err = s.db.InRecentSnapshot(ctx, func(ctx context.Context, q sqldb.Querier) error {
		if total, err = countRows(ctx, q, "inbox", where); err != nil {
			return err
		}
		rows, err = sqldb.QueryAll(ctx, q, scanInboxItem,
			`SELECT `+inboxItemColumns+` FROM inbox`+where.String()+` ORDER BY received_at DESC, id DESC`+
				sqldb.LimitClause(by.Page,
					by.Size), where.Args...)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing the inbox: %w", err)
	}
	return rows, total, nil
}

// InboxItem reads one item with its sealed parts. The error is ErrNotFound when there is none.
func (s *Store) InboxItem(ctx context.Context, id string) (InboxItem, error) {
	var headers, body, reason []byte
	row, err := sqldb.QueryOne(ctx, s.db.Reader, func(r sqldb.Scanner) (InboxItem, error) {
		return scanInboxItem(withExtraDest(r, &headers, &body, &reason))
	}, `SELECT `+inboxItemColumns+`, headers, body, reason FROM inbox WHERE id = $1`, id)
	if err != nil {
		return row, fmt.Errorf("reading inbox row %s: %w", id, err)
	}
	if err := s.keys.OpenJSON(sealContext("inbox", id, "headers"), headers, &row.Headers); err != nil {
		return row, fmt.Errorf("opening the headers of inbox row %s: %w", id, err)
	}
	if row.Body, err = s.keys.Open(sealContext("inbox", id, "body"), body); err != nil {
		return row, fmt.Errorf("opening the body of inbox row %s: %w", id, err)
	}
	words, err := s.keys.Open(sealContext("inbox", id, "reason"), reason)
	if err != nil {
		return row, fmt.Errorf("opening the reason of inbox row %s: %w", id, err)
	}
	row.PartnerReason = string(words)
	return row, nil
}

// rowWithExtra is a row with more columns than its scan function reads.
type rowWithExtra struct {
	row   sqldb.Scanner
	extra []any
}

func withExtraDest(row sqldb.Scanner, more ...any) sqldb.Scanner { return rowWithExtra{row, more} }

func (l rowWithExtra) Scan(dest ...any) error { return l.row.Scan(append(dest, l.extra...)...) }
