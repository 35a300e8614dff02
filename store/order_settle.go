package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Settled is what the store did about a cause.
type Settled struct {
	RecordResult
	Decided *order.Recording    // what was recorded now; nil: nothing
	From    lifecycle.LowStatus // the order's status before the decision; '': there is none
	// SettledDemandID is the demand that has its outcome now, or had it before (Duplicate); empty: none.
	SettledDemandID string
	State           order.State  // as stored, after the decision
	Received        []order.Fact // of the order, without an outcome, in order of arrival
	// ParkedMayApply reports whether parked facts may be applicable now: the status moved, or a booking ended.
	ParkedMayApply bool
}

// SettleCause decides on a cause and records the decision, in one transaction that holds the order. So the decision is
// made from the state as stored, whatever the caller knows, and of two callers one waits. A cause is recorded once. A
// fact or demand again changes nothing and returns the earlier result, with Duplicate set. A deadline or call again
// changes nothing. now is the time by which rules judge.
//
// The error is ErrNotFound when there is no such order, and ErrUnsettleable when repeating cannot help.
func (s *Store) SettleCause(ctx context.Context, orderID string, c order.Cause, now time.Time) (Settled, error) {
	return s.settleBy(ctx, orderID, c, func(state order.State) *order.Recording { return state.Decide(c, now) }, now)
}

// SettleFailedCause records that a cause cannot be settled, so that the order goes on without it
// (order.State.DecideFailed). Otherwise it is like SettleCause.
func (s *Store) SettleFailedCause(ctx context.Context, orderID string, c order.Cause, now time.Time) (Settled, error) {
	out, err := s.settleBy(ctx, orderID, c,
		func(state order.State) *order.Recording { return state.DecideFailed(c, now) }, now)
	if errors.Is(err, errRulePanicked) {
		return s.settleBy(ctx, orderID, c,
			func(state order.State) *order.Recording { return state.DecideDropped(c, now) }, now)
	}
	return out, err
}

func (s *Store) settleBy(ctx context.Context, orderID string, c order.Cause,
	decide func(order.State) *order.Recording, now time.Time) (Settled, error) {
	var out Settled
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		out, err = s.settleInTx(ctx, tx, orderID, c, decide, now)
		return err
	})
	if err != nil {
		return Settled{}, fmt.Errorf("settling %s of order %s: %w", c.ID(), orderID, unsettleable(err))
	}
	return out, nil
}

func (s *Store) settleInTx(ctx context.Context, tx *sql.Tx, orderID string, c order.Cause,
	decide func(order.State) *order.Recording, now time.Time) (Settled, error) {
	before, err := s.lockOrder(ctx, tx, orderID)
	if err != nil {
		return Settled{}, err
	}
	out := Settled{State: before.state}
	if out.State.ParkedFacts, out.Received, err = waitingFacts(ctx, tx, orderID); err != nil {
		return Settled{}, err
	}
	earlier, found, err := settledBefore(ctx, tx, orderID, c)
	if err != nil {
		return Settled{}, err
	}
	if found {
		out.RecordResult, out.From = RecordResult{RecordingResult: earlier.result}, earlier.from
		out.SettledDemandID = c.DemandID()
		return out, nil
	}
	rec, err := decideSafely(decide, out.State)
	if rec == nil || err != nil {
		return out, err
	}
	rec.OrderID, rec.Revision, rec.At = orderID, out.State.Revision, now
	if out.RecordResult, err = s.record(ctx, tx, *rec, before); err != nil {
		return Settled{}, err
	}
	out.From, out.SettledDemandID = rec.Decision.From, rec.DemandID
	if out.Duplicate { // recorded before under the id of a part of the cause, such as "the lab was asked"
		return out, nil
	}
	out.Decided = rec
	return out, completeSettled(ctx, tx, &out, rec.Decision)
}

// completeSettled completes what is returned after a decision was recorded.
func completeSettled(ctx context.Context, tx *sql.Tx, out *Settled, d order.Decision) error {
	wasBooking := out.State.PendingBooking != nil
	orderID := out.State.OrderID
	out.State = d.Next
	out.State.Revision, out.State.Sequence = out.Revision, out.Sequence
	var err error
	if out.State.ParkedFacts, out.Received, err = waitingFacts(ctx, tx, orderID); err != nil {
		return err
	}
	out.ParkedMayApply = len(d.Steps) > 0 || wasBooking && out.State.PendingBooking == nil
	return nil
}

// settledBefore returns the earlier decision on a fact or a demand. A parked fact has none yet. What happened to the
// order since must not lead to another decision. Deadlines and calls are judged by the state.
func settledBefore(ctx context.Context, tx *sql.Tx, orderID string,
	c order.Cause) (d settledDecision, found bool, err error) {
	if c.Fact == nil && c.DemandID() == "" {
		return d, false, nil
	}
	d, err = previousDecision(ctx, tx, orderID, c.ID())
	if errors.Is(err, ErrNotFound) {
		return d, false, nil
	}
	d.result.Duplicate = true
	return d, err == nil, err
}

// openState decodes a state and adds the parked facts. It also returns the facts that have no outcome yet.
func (s *Store) openState(ctx context.Context, q sqldb.Querier, orderID, text string) (state order.State,
	received []order.Fact, err error) {
	if state, err = s.decodeState(text); err != nil {
		return state, nil, err
	}
	state.ParkedFacts, received, err = waitingFacts(ctx, q, orderID)
	return state, received, err
}

// waitingFacts lists the parked facts of an order, and those without an outcome, each in order of arrival.
func waitingFacts(ctx context.Context, q sqldb.Querier, orderID string) (parked, received []order.Fact, err error) {
	rows, err := sqldb.QueryAll(ctx, q, scanReceivedItem, `SELECT `+receivedItemColumns+` FROM inbox
		WHERE order_id = $1 AND state IN ($2, $3) ORDER BY received_at, id`, orderID, InboxParked, InboxReceived)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the order's inbox: %w", err)
	}
	for _, r := range rows {
		switch {
		case r.Fact == nil:
		case r.State == InboxParked:
			parked = append(parked, *r.Fact)
		default:
			received = append(received, *r.Fact)
		}
	}
	return parked, received, nil
}
