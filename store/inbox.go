package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/order"
)

// The states of an inbox row. What became of a fact, in order.Outcome's words, is set by Record alone.
const (
	InboxReceived  = "received"  // its order's workflow is to be told
	InboxSignalled = "signalled" // the workflow has been told
	InboxApplied   = string(order.Applied)
	InboxLate      = string(order.Late)
	InboxParked    = string(order.Parked)
	InboxRefused   = string(order.Refused)

	InboxUnmatched   = "unmatched"   // no order has that number, or none yet
	InboxIncomplete  = "incomplete"  // authentic, and lacks what would make it a fact
	InboxUnknown     = "unknown"     // authentic, and of a kind that says nothing about an order
	InboxQuarantined = "quarantined" // unreadable
)

// maxQuarantined bounds what somebody who knows the password can fill the table with; the oldest go first.
const maxQuarantined = 1000

// Report is one delivery by a partner, as the adapter understood it.
type Report struct {
	Partner string
	Key     string // what the partner means by "the same report" (molecular-api#d16)
	Hash    string // of the canonical body
	Kind    string

	AccountID   string // a lab's reports: the account whose credentials came with it; empty: several accounts have them
	OrderNumber string // a lab's reports: the order's number
	Tracking    string // a courier's reports: the tracking number

	Fact   *order.Fact                  // nil when it is none, State then says why
	Legs   func(leg string) *order.Fact // couriers, instead of Fact: what the report means on a leg; nil: nothing
	State  string                       // incomplete, unknown or quarantined
	Reason string                       // the partner's own words

	Body       []byte
	Headers    map[string]string // without secrets
	ReceivedAt time.Time
}

// Received is an inbox row as far as its order's workflow is concerned.
type Received struct {
	ID        string
	OrderID   string // empty: unmatched
	State     string
	Duplicate bool        // the partner had sent the same before
	Fact      *order.Fact // nil: there is nothing to tell the workflow
}

// Receive keeps a report, once: the same key and content again is only counted. The same key with other content is an amendment
// (molecular-api#d17). When Receive returns without an error the report is safe, and the partner may be answered.
func (s *Store) Receive(ctx context.Context, r Report) (Received, error) {
	r = r.storable(s.now())
	var out Received
	receive := func(tx *sql.Tx) (err error) {
		out, err = s.receive(ctx, tx, r)
		return err
	}
	// Of two deliveries at once one finds the other's row when it looks again.
	const tries = 5
	var err error
	for range tries {
		if err = s.inTx(ctx, receive); !unique(err) {
			break
		}
	}
	if err != nil {
		return Received{}, fmt.Errorf("keeping a report of %s: %w", r.Partner, err)
	}
	return out, nil
}

// storable bounds what goes into clear columns. Two long keys stay two keys.
func (r Report) storable(now time.Time) Report {
	if len(r.Key) > maxPartnerText {
		sum := sha256.Sum256([]byte(r.Key))
		r.Key = "sha256:" + hex.EncodeToString(sum[:])
	}
	r.Key, r.Kind, r.OrderNumber = storable(r.Key), storable(r.Kind), storable(r.OrderNumber)
	r.Tracking = storable(couriers.Clean(r.Tracking))
	if r.ReceivedAt.IsZero() {
		r.ReceivedAt = now
	}
	return r
}

func (s *Store) receive(ctx context.Context, tx *sql.Tx, r Report) (Received, error) {
	earlier, err := one(ctx, tx, scanReceived,
		`SELECT `+receivedColumns+` FROM inbox WHERE partner = $1 AND event_key = $2 AND hash = $3`, r.Partner, r.Key, r.Hash)
	if err == nil {
		earlier.Duplicate = true
		_, err = tx.ExecContext(ctx, `UPDATE inbox SET deliveries = deliveries + 1 WHERE id = $1`, earlier.ID)
		return earlier, err
	}
	if !errors.Is(err, ErrNotFound) {
		return Received{}, err
	}
	row := inboxRow{facts: r.facts()}
	row.ID = newID()
	if row.OrderID, row.leg, err = findOrder(ctx, tx, r); err != nil {
		return Received{}, err
	}
	row.State = stateOf(r, row.OrderID, row.facts[row.leg])
	if err := s.insertInbox(ctx, tx, r, &row); err != nil {
		return Received{}, err
	}
	if err := s.lateForErased(ctx, tx, row.OrderID); err != nil {
		return Received{}, err
	}
	if row.State == InboxQuarantined {
		return row.received(), s.boundQuarantine(ctx, tx)
	}
	return row.received(), nil
}

// facts is what the report means, by the leg that it turns out to be about. A lab's report names the order; where it tells of a
// courier's, its fact names the leg too.
func (r Report) facts() map[string]*order.Fact {
	legs := []couriers.Leg{couriers.Outbound, couriers.Inbound}
	if r.OrderNumber != "" {
		legs = []couriers.Leg{""}
	}
	facts := map[string]*order.Fact{}
	for _, leg := range legs {
		f := r.Fact
		if r.Legs != nil {
			f = r.Legs(string(leg))
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

func stateOf(r Report, orderID string, f *order.Fact) string {
	switch {
	case r.Fact == nil && r.Legs == nil:
		return r.State
	case orderID == "":
		return InboxUnmatched
	case f == nil:
		return InboxUnknown
	default:
		return InboxReceived
	}
}

// insertInbox writes the row. Its variant counts the amendments of its key.
func (s *Store) insertInbox(ctx context.Context, tx *sql.Tx, r Report, row *inboxRow) error {
	facts, err := encode(row.facts)
	if err != nil {
		return err
	}
	headers, err := s.keys.sealJSON(place("inbox", row.ID, "headers"), r.Headers)
	if err != nil {
		return err
	}
	row.receivedAt = r.ReceivedAt.UTC().Truncate(time.Microsecond)
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(variant) + 1, 0) FROM inbox WHERE partner = $1 AND event_key = $2`,
		r.Partner, r.Key).Scan(&row.variant)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO inbox (id, partner, event_key, variant, hash, kind, order_number, tracking, order_id, leg,
			facts, state, code, deliveries, headers, body, reason, received_at, state_at, account_id, fetch_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', 1, $13, $14, $15, $16, $17, $18, $19)`,
		row.ID, r.Partner, r.Key, row.variant, r.Hash, r.Kind, r.OrderNumber, r.Tracking, nullable(row.OrderID), row.leg,
		facts, row.State, headers, s.keys.Seal(place("inbox", row.ID, "body"), r.Body),
		s.keys.Seal(place("inbox", row.ID, "reason"), []byte(r.Reason)), micros(row.receivedAt), micros(s.now()),
		r.AccountID, micros(row.fetchAt(r)))
	return err
}

// fetchAt is the time of a report that announces results of an order that nobody knows: they are asked for by the account that it
// came through. It is zero for any other.
func (r inboxRow) fetchAt(in Report) time.Time {
	if r.State != InboxUnmatched || in.AccountID == "" || in.Fact == nil || in.Fact.Kind != order.ReportReady {
		return time.Time{}
	}
	return r.receivedAt
}

func (s *Store) boundQuarantine(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM inbox WHERE state = $1 AND id NOT IN (
		SELECT id FROM inbox WHERE state = $1 ORDER BY state_at DESC, id DESC LIMIT $2)`, InboxQuarantined, maxQuarantined)
	return err
}

// MarkSignalled notes that a received row's workflow has been told. A row that has gone further stays as it is.
func (s *Store) MarkSignalled(ctx context.Context, id string) error {
	_, err := s.write.ExecContext(ctx, `UPDATE inbox SET state = $1, state_at = $2 WHERE id = $3 AND state = $4`,
		InboxSignalled, micros(s.now()), id, InboxReceived)
	if err != nil {
		return fmt.Errorf("marking inbox row %s as signalled: %w", id, err)
	}
	return nil
}

// UnsettledInbox lists rows, longest waiting first, whose workflow was not told of them before the one time, or was told before the
// other and has recorded nothing.
func (s *Store) UnsettledInbox(ctx context.Context, receivedBefore, signalledBefore time.Time, limit int) ([]Received, error) {
	rows, err := collect(ctx, s.read, scanReceived, `SELECT `+receivedColumns+` FROM inbox
		WHERE (state = $1 AND state_at < $2) OR (state = $3 AND state_at < $4) ORDER BY state_at, id LIMIT $5`,
		InboxReceived, micros(receivedBefore), InboxSignalled, micros(signalledBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing unsettled inbox rows: %w", err)
	}
	return rows, nil
}
