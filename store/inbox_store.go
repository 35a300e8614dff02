package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The states of an inbox item. Besides these an item has the outcome of its fact (order.Outcome) as its state, which
// only Record sets.
const (
	InboxReceived = "received" // the order's workflow has to settle it
	InboxApplied  = string(order.OutcomeApplied)
	InboxLate     = string(order.OutcomeLate)
	InboxParked   = string(order.OutcomeParked)
	InboxRefused  = string(order.OutcomeRefused)

	InboxUnmatched   = "unmatched"   // no order has that number, or not yet
	InboxIncomplete  = "incomplete"  // authentic, but not complete enough for a fact
	InboxUnknown     = "unknown"     // authentic, but of a kind that says nothing about an order
	InboxQuarantined = "quarantined" // unreadable, or of a sender that the order does not know
	InboxReleased    = "released"    // it was quarantined, and somebody has looked at it
)

// NewInboxItem is one inbound message of a partner, as its adapter understood it.
type NewInboxItem struct {
	Partner  string
	DedupKey string // equal for two items that the partner means as the same (molecular-api#d16)
	BodyHash string // of the canonical body
	Kind     string

	LabAccountID   string // labs: the account whose credentials came with it; empty: several accounts have them
	OrderNumber    string // labs: the order's number
	TrackingNumber string // couriers: the tracking number

	Fact          *order.Fact                  // nil when it is not a fact; State says why
	FactByLeg     func(leg string) *order.Fact // couriers, instead of Fact: the fact on a leg; nil: none
	State         string                       // incomplete, unknown or quarantined
	PartnerReason string                       // the partner's own words

	Body       []byte
	Headers    map[string]string // without secrets
	ReceivedAt time.Time
}

// ReceivedItem is what an order's workflow needs to know of an inbox item.
type ReceivedItem struct {
	ID        string
	OrderID   string // empty: unmatched
	State     string
	Duplicate bool        // the partner had sent the same before
	Fact      *order.Fact // nil: the workflow need not be woken
}

// StoreInboxItem stores an inbox item once. The same key with the same content again is only counted. The same key with
// other content is an amendment (molecular-api#d17). When it returns without an error, the item is committed, and the
// partner's request may be acknowledged. The error is ErrQuarantineFull when the item is not stored for that reason.
func (s *Store) StoreInboxItem(ctx context.Context, r NewInboxItem) (ReceivedItem, error) {
	r = r.withStorableTexts(s.now())
	var out ReceivedItem
	receive := func(tx *sql.Tx) (err error) {
		out, err = s.storeInboxItem(ctx, tx, r)
		return err
	}
	// Of two concurrent calls with the same item, one gets a conflict and finds the other's row when it tries again.
	const tries = 5
	var err error
	for range tries {
		if err = s.db.InTx(ctx, receive); !sqldb.IsUniqueViolation(err) {
			break
		}
	}
	if err != nil {
		return ReceivedItem{}, fmt.Errorf("storing an inbox item of %s: %w", r.Partner, err)
	}
	return out, nil
}

// withStorableTexts limits the length of texts in columns that are not sealed. Different long keys stay different.
func (r NewInboxItem) withStorableTexts(now time.Time) NewInboxItem {
	if len(r.DedupKey) > maxPartnerText {
		sum := sha256.Sum256([]byte(r.DedupKey))
		r.DedupKey = "sha256:" + hex.EncodeToString(sum[:])
	}
	r.DedupKey, r.Kind, r.OrderNumber = storableText(r.DedupKey), storableText(r.Kind), storableText(r.OrderNumber)
	r.TrackingNumber = storableText(couriers.PrintedNumber(r.TrackingNumber))
	if r.ReceivedAt.IsZero() {
		r.ReceivedAt = now
	}
	return r
}

func (s *Store) storeInboxItem(ctx context.Context, tx *sql.Tx, r NewInboxItem) (ReceivedItem, error) {
	earlier, err := sqldb.QueryOne(ctx, tx, scanReceivedItem, selectSameItem, r.Partner, r.DedupKey, r.BodyHash)
	if err == nil {
		earlier.Duplicate = true
		_, err = tx.ExecContext(ctx, `UPDATE inbox SET deliveries = deliveries + 1 WHERE id = $1`, earlier.ID)
		return earlier, err
	}
	if !errors.Is(err, ErrNotFound) {
		return ReceivedItem{}, err
	}
	row := receivedItemRow{facts: r.factsByLeg()}
	row.ID = sqldb.NewID()
	if row.OrderID, row.leg, err = findOrderOfItem(ctx, tx, r); err != nil {
		return ReceivedItem{}, err
	}
	row.State = initialInboxState(r, row.OrderID, row.facts[row.leg])
	if row.State == InboxQuarantined {
		if err := s.checkQuarantineQuota(ctx, tx, r.Partner, r.LabAccountID); err != nil {
			return ReceivedItem{}, err
		}
	}
	if err := s.insertInboxItem(ctx, tx, r, &row); err != nil {
		return ReceivedItem{}, err
	}
	return row.toReceivedItem(), s.rescheduleErasure(ctx, tx, row.OrderID)
}

// factsByLeg returns the facts of the item by the leg that it may be about. A fact of a lab does not depend on the leg.
// If it is a courier's fact that the lab passes on, it names the leg itself.
func (r NewInboxItem) factsByLeg() map[string]*order.Fact {
	legs := []couriers.Leg{couriers.Outbound, couriers.Inbound}
	if r.OrderNumber != "" {
		legs = []couriers.Leg{""}
	}
	facts := map[string]*order.Fact{}
	for _, leg := range legs {
		f := r.Fact
		if r.FactByLeg != nil {
			f = r.FactByLeg(string(leg))
		}
		if f != nil {
			fact := *f
			if leg != "" {
				fact.Leg = string(leg)
			}
			facts[string(leg)] = &fact
		}
	}
	return facts
}

func initialInboxState(r NewInboxItem, orderID string, f *order.Fact) string {
	switch {
	case r.Fact == nil && r.FactByLeg == nil:
		return r.State
	case orderID == "":
		return InboxUnmatched
	case f == nil:
		return InboxUnknown
	default:
		return InboxReceived
	}
}

// insertInboxItem writes the row. The column variant numbers the amendments of a key.
func (s *Store) insertInboxItem(ctx context.Context, tx *sql.Tx, r NewInboxItem, row *receivedItemRow) error {
	facts, err := encodeJSON(row.facts)
	if err != nil {
		return err
	}
	headers, err := s.keys.SealJSON(sealContext("inbox", row.ID, "headers"), r.Headers)
	if err != nil {
		return err
	}
	row.receivedAt = r.ReceivedAt.UTC().Truncate(time.Microsecond)
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(variant) + 1, 0) FROM inbox_keys
		WHERE partner = $1 AND event_key = $2`, r.Partner, r.DedupKey).Scan(&row.amendments)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx,
		`INSERT INTO inbox (id, partner, event_key, variant, hash, kind, order_number, tracking, order_id, leg,
			facts, state, code, deliveries, headers, body, reason, received_at, state_at, account_id, fetch_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', 1, $13, $14, $15, $16, $17, $18, $19)`,
		row.ID, r.Partner, r.DedupKey, row.amendments, r.BodyHash, r.Kind, r.OrderNumber, r.TrackingNumber,
		sqldb.IDOrNull(row.OrderID), row.leg,
		facts, row.State, headers, s.keys.Seal(sealContext("inbox", row.ID, "body"), r.Body),
		s.keys.Seal(sealContext("inbox", row.ID, "reason"), []byte(r.PartnerReason)), sqldb.ToMicros(row.receivedAt),
		sqldb.ToMicros(s.now()),
		sqldb.IDOrNull(r.LabAccountID), sqldb.ToMicros(row.firstFetchAt(r)))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO inbox_keys (partner, event_key, hash, variant, inbox_id)
		VALUES ($1, $2, $3, $4, $5)`, r.Partner, r.DedupKey, r.BodyHash, row.amendments, row.ID)
	return err
}

// selectSameItem selects the item of a partner with the same key and content.
const selectSameItem = `SELECT ` + receivedItemColumns + ` FROM inbox WHERE id = (
	SELECT inbox_id FROM inbox_keys WHERE partner = $1 AND event_key = $2 AND hash = $3)`

// firstFetchAt is the time of an item that announces a lab report for an unknown order. The lab report is then fetched
// through the lab account of the item. It is zero for any other item.
func (r receivedItemRow) firstFetchAt(in NewInboxItem) time.Time {
	if r.State != InboxUnmatched || in.LabAccountID == "" || in.Fact == nil || in.Fact.Kind != order.FactReportReady {
		return time.Time{}
	}
	return r.receivedAt
}

// maxPartnerText limits the length of a partner's text in a column that is not sealed. Some of these columns are
// indexed.
const maxPartnerText = 200

// storableText makes a partner's text storable: PostgreSQL refuses zero bytes and invalid UTF-8, and an inbox item must
// not be lost for that reason. The sealed body has the text as sent.
func storableText(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if len(text) > maxPartnerText {
		text = strings.ToValidUTF8(text[:maxPartnerText], "")
	}
	return text
}
