package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Causes and results that a recording names always have rows. An order without them is not an unknown order.
var (
	errNoInboxRow = errors.New("the order has no such inbox row")
	errNoResult   = errors.New("the order has no such result")
)

// settle notes what became of the cause and keeps what it carries. It returns the reports that waited for a tracking number.
func (s *Store) settle(ctx context.Context, tx *sql.Tx, r order.Recording, now time.Time) (matched []Received, err error) {
	if r.Fact != nil {
		if err := settleInbox(ctx, tx, r, now); err != nil {
			return nil, fmt.Errorf("settling inbox row %s: %w", r.Fact.InboxID, err)
		}
		if r.Decision.Ship {
			if matched, err = s.ship(ctx, tx, r.OrderID, *r.Fact, r.Decision.Next.ShipmentAt, now); err != nil {
				return nil, err
			}
		}
	}
	if r.DemandID != "" {
		if err := s.settleDemand(ctx, tx, r, now); err != nil {
			return nil, fmt.Errorf("settling demand %s: %w", r.DemandID, err)
		}
	}
	if r.ResultID != "" {
		if err := s.showResult(ctx, tx, r.OrderID, r.ResultID); err != nil {
			return nil, err
		}
	}
	return matched, nil
}

func settleInbox(ctx context.Context, tx *sql.Tx, r order.Recording, now time.Time) error {
	n, err := change(ctx, tx, `UPDATE inbox SET state = $1, code = $2, state_at = $3 WHERE id = $4 AND order_id = $5`,
		r.Decision.Outcome, r.Decision.Reason, micros(now), r.Fact.InboxID, r.OrderID)
	if err == nil && n == 0 {
		return errNoInboxRow
	}
	return err
}

// showResult makes a version of the results visible, and the order's summary that of the newest visible one.
func (s *Store) showResult(ctx context.Context, tx *sql.Tx, orderID, resultID string) error {
	err := s.setVisibleTx(ctx, tx, orderID, resultID)
	if errors.Is(err, ErrNotFound) {
		return errNoResult
	}
	if err != nil {
		return err
	}
	v, err := s.newestResult(ctx, tx, orderID, true)
	if err != nil {
		return fmt.Errorf("reading the results of order %s: %w", orderID, err)
	}
	summary := order.ResultSummary{
		Version: v.Version, Interpretation: v.Report.Interpretation, HasMissing: len(v.Report.Missing) > 0,
	}
	if err := s.correct(ctx, tx, orderID, "results", summary); err != nil {
		return fmt.Errorf("writing the result summary of order %s: %w", orderID, err)
	}
	return s.reindex(ctx, tx, orderID,
		[]searchTerm{{searchInterpretation, string(summary.Interpretation)}}, searchInterpretation)
}

// announce creates the replacement, if there is to be one, and enqueues the messages of all new events.
func (s *Store) announce(ctx context.Context, tx *sql.Tx, r order.Recording, d order.Recorded) ([]string, error) {
	steps := len(r.Decision.Steps)
	if steps == 0 && !r.Decision.Replace {
		return nil, nil
	}
	o, err := s.order(ctx, tx, "", r.OrderID)
	if err != nil {
		return nil, err
	}
	var endpoints []string
	if r.Decision.Replace {
		if endpoints, err = s.replace(ctx, tx, *o, d.ChildID); err != nil {
			return nil, err
		}
		if o, err = s.order(ctx, tx, "", r.OrderID); err != nil {
			return nil, err
		}
	}
	more, err := s.tellEach(ctx, tx, *o, steps)
	return unrepeated(append(endpoints, more...)), err
}

// childID is the id of the order that replaces this one: of the one that exists, or a new one. It is empty when the decision asks
// for none.
func childID(ctx context.Context, tx *sql.Tx, r order.Recording) (string, error) {
	if !r.Decision.Replace {
		return "", nil
	}
	id, err := one(ctx, tx, scanText, `SELECT id FROM orders WHERE parent_id = $1`, r.OrderID)
	if errors.Is(err, ErrNotFound) {
		return newID(), nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for a replacement of order %s: %w", r.OrderID, err)
	}
	return id, nil
}

// replace creates the order that replaces a failed one, in the same order transaction, unless it exists.
func (s *Store) replace(ctx context.Context, tx *sql.Tx, parent order.Order, childID string) ([]string, error) {
	for _, o := range parent.Transaction.Orders {
		if o.ID == childID {
			return nil, nil
		}
	}
	c, err := s.openOrder(ctx, tx, replacement(parent, childID, s.now()), "parent:"+parent.ID)
	if err != nil {
		return nil, fmt.Errorf("creating the replacement of order %s: %w", parent.ID, err)
	}
	return c.Endpoints, nil
}

// replacement is a fresh order for the same patient, test and policy. A kit that was registered is replaced by one that needs no
// registration (the lifecycle contract).
func replacement(parent order.Order, id string, now time.Time) order.Order {
	o := parent
	NewOrderIDs(&o)
	o.ID, o.ParentID, o.Origin, o.Depth = id, parent.ID, order.OriginRecreation, parent.Depth+1
	o.Registrable, o.Registered = parent.Registrable && !parent.Registered, false
	o.Accession, o.SampleID, o.Detail, o.ActivateBy = "", "", "", nil
	o.Status = lifecycle.Ordered
	o.Shipment, o.Events, o.Results = nil, nil, nil
	o.CreatedAt = now
	o.State = order.Begin(&o, parent.State.Policy, time.Time{})
	return o
}
