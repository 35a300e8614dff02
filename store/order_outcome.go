package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The causes, results and appointments that a recording names exist. If one is missing, the error must not be
// ErrNotFound, which would mean that the order does not exist.
var (
	errNoInboxRow = errors.New("the order has no such inbox row")
	errNoResult   = errors.New("the order has no such result")
	errOtherOrder = errors.New("it is another order's")
)

// recordCauseOutcome stores the outcome of a recording's fact and demands, the shipment data of the fact, and makes the
// recording's result version visible. It returns the unmatched items that were waiting for a tracking number.
func (s *Store) recordCauseOutcome(ctx context.Context, tx *sql.Tx, r order.Recording,
	now time.Time) (matched []ReceivedItem, err error) {
	if r.Fact != nil {
		if err := recordInboxOutcome(ctx, tx, r, now); err != nil {
			return nil, fmt.Errorf("recording the outcome of inbox item %s: %w", r.Fact.InboxID, err)
		}
		if r.Decision.StoreShipment {
			if matched, err = s.storeShipment(ctx, tx, r.OrderID, *r.Fact, r.Decision.Next.ShipmentAt, now); err != nil {
				return nil, err
			}
		}
	}
	if id := r.Decision.AbandonedDemandID; id != "" {
		if err := refuseDemand(ctx, tx, id, order.ReasonProviderUnanswered, now); err != nil {
			return nil, fmt.Errorf("refusing demand %s: %w", id, err)
		}
	}
	if r.DemandID != "" {
		if err := s.recordDemandOutcome(ctx, tx, r, now); err != nil {
			return nil, fmt.Errorf("recording the outcome of demand %s: %w", r.DemandID, err)
		}
	}
	if r.ResultID != "" {
		if err := s.publishResultVersion(ctx, tx, r.OrderID, r.ResultID); err != nil {
			return nil, err
		}
	}
	return matched, nil
}

// recordInboxOutcome stores the outcome of a fact. A fact that the order does not have is an error, unless the
// recording says that the order goes on without it.
func recordInboxOutcome(ctx context.Context, tx *sql.Tx, r order.Recording, now time.Time) error {
	n, err := sqldb.ExecCount(ctx, tx,
		`UPDATE inbox SET state = $1, code = $2, state_at = $3 WHERE id = $4 AND order_id = $5`,
		r.Decision.Outcome, r.Decision.Reason, sqldb.ToMicros(now), r.Fact.InboxID, r.OrderID)
	if err == nil && n == 0 && r.Decision.Reason != order.ReasonRecordingFailed {
		return errNoInboxRow
	}
	return err
}

// publishResultVersion makes a result version visible. The order's summary and search terms become those of the newest
// visible version.
func (s *Store) publishResultVersion(ctx context.Context, tx *sql.Tx, orderID, resultID string) error {
	err := s.setResultVisible(ctx, tx, orderID, resultID)
	if errors.Is(err, ErrNotFound) {
		return errNoResult
	}
	if err != nil {
		return err
	}
	summary, err := s.updateResultSummary(ctx, tx, orderID)
	if err != nil {
		return err
	}
	return s.replaceSearchTerms(ctx, tx, orderID,
		[]searchTerm{{searchInterpretation, string(summary.Interpretation)}}, searchInterpretation)
}

// updateResultSummary writes the order's summary of its newest visible result version.
func (s *Store) updateResultSummary(ctx context.Context, tx *sql.Tx, orderID string) (order.ResultSummary, error) {
	v, err := s.newestResult(ctx, tx, orderID, true)
	if err != nil {
		return order.ResultSummary{}, fmt.Errorf("reading the results of order %s: %w", orderID, err)
	}
	summary := order.ResultSummary{
		Version: v.Version, Interpretation: v.Report.Interpretation, HasMissing: len(v.Report.Missing) > 0,
	}
	if err := s.updateSealedColumn(ctx, tx, orderID, "results", summary); err != nil {
		return order.ResultSummary{}, fmt.Errorf("writing the result summary of order %s: %w", orderID, err)
	}
	return summary, nil
}
