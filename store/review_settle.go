package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// ErrAccepting means that another order's workflow is being asked to take the report; what becomes of that decides the review.
var ErrAccepting = errors.New("the report is being accepted onto another order")

// openTo is the condition of a review that somebody may decide about: with a team, of that team and not in the hands of operations.
func openTo(teamID, id string) (f filter) {
	f.and("id = ?", id)
	if teamID != "" {
		f.and("team_id = ?", teamID)
		f.and("status = ?", order.ReviewCustomer)
		return f
	}
	f.with(fmt.Sprintf("status IN ('%s', '%s')", order.ReviewCustomer, order.ReviewOps))
	return f
}

// AcceptanceDemand is what an order's workflow is asked for when a reviewed report is to be its result.
type AcceptanceDemand struct {
	DemandID string
	Again    bool // it may have been asked before, by the same demand
	Fetched  order.Fetched
}

// AcceptReview prepares that: the report becomes a version of the order's results, which nobody is shown yet. From then on the
// review can only be accepted onto this order, by the same demand, until ReleaseReview. The error is ErrNotFound when the team, if
// one is given, has no such review that waits for it, and ErrAccepting when another order has been asked.
func (s *Store) AcceptReview(ctx context.Context, teamID, id, orderID string) (AcceptanceDemand, error) {
	var out AcceptanceDemand
	var err error
	for range versionTries {
		err = s.inTx(ctx, func(tx *sql.Tx) error {
			out, err = s.acceptReview(ctx, tx, openTo(teamID, id), orderID)
			return err
		})
		if !unique(err) {
			break
		}
	}
	if err != nil {
		return AcceptanceDemand{}, fmt.Errorf("accepting review %s onto order %s: %w", id, orderID, err)
	}
	return out, nil
}

func (s *Store) acceptReview(ctx context.Context, tx *sql.Tx, open filter, orderID string) (AcceptanceDemand, error) {
	held, err := s.heldBy(ctx, tx, open)
	if err != nil {
		return AcceptanceDemand{}, err
	}
	out := AcceptanceDemand{DemandID: held.demandID, Again: held.accepting == orderID}
	switch {
	case out.Again:
	case held.accepting != "":
		return out, ErrAccepting
	default:
		out.DemandID = newID()
		_, err := tx.ExecContext(ctx, `UPDATE reviews SET accepting = $1, demand_id = $2 WHERE id = $3`, orderID, out.DemandID, held.id)
		if err != nil {
			return out, err
		}
	}
	held.OrderID = orderID
	changed, err := s.storeReport(ctx, tx, &held.storedReport)
	out.Fetched = fetched(held.ResultVersion, changed)
	out.Fetched.HeldID = held.resultID
	return out, err
}

// fetched is what decides of a report.
func fetched(v order.ResultVersion, changed bool) order.Fetched {
	f := order.Fetched{
		ResultID: v.ID, Changed: changed, Partial: v.Report.Status == "partial",
		Critical: changed && v.Report.Interpretation == order.Critical, LabMissing: len(v.Report.Redrawable()) > 0,
	}
	if v.Report.CollectedAt != nil {
		f.CollectedAt = v.Report.CollectedAt.UTC()
	}
	return f
}

// heldReport is the report of a review, on its way to an order.
type heldReport struct {
	storedReport
	id        string // the review's
	accepting string // the order that is being asked
	demandID  string // by this
	resultID  string // the version that is held back; empty: no order's
}

// heldBy reads the report, and locks its review where the database locks rows.
func (s *Store) heldBy(ctx context.Context, tx *sql.Tx, open filter) (heldReport, error) {
	var h heldReport
	var report, raw, pdf []byte
	err := tx.QueryRowContext(ctx, `UPDATE reviews SET accepting = accepting`+open.String()+
		` RETURNING id, accepting, demand_id, result_id, hash, report, raw, pdf`, open.args...).
		Scan(&h.id, &h.accepting, &h.demandID, &h.resultID, &h.Hash, &report, &raw, &pdf)
	if errors.Is(err, sql.ErrNoRows) {
		return h, ErrNotFound
	}
	if err != nil {
		return h, err
	}
	if err := s.keys.openJSON(place("reviews", h.id, "report"), report, &h.Report); err != nil {
		return h, err
	}
	table, id := "reviews", h.id
	if h.resultID != "" { // an order's own version has the rest
		table, id = "results", h.resultID
		err := tx.QueryRowContext(ctx, `SELECT raw, pdf FROM results WHERE id = $1`, id).Scan(&raw, &pdf)
		if err != nil {
			return h, fmt.Errorf("reading result %s: %w", id, err)
		}
	}
	if h.raw, err = s.keys.Open(place(table, id, "raw"), raw); err != nil {
		return h, err
	}
	h.pdf, err = s.keys.Open(place(table, id, "pdf"), pdf)
	return h, err
}

// ReleaseReview notes that the order has refused the report, so that the review may be decided otherwise.
func (s *Store) ReleaseReview(ctx context.Context, id, orderID string) error {
	_, err := s.write.ExecContext(ctx, `UPDATE reviews SET accepting = '', demand_id = '' WHERE id = $1 AND accepting = $2`, id, orderID)
	if err != nil {
		return fmt.Errorf("releasing review %s: %w", id, err)
	}
	return nil
}

// settleReview resolves the review whose report an order has taken, in the transaction that records it. The order's team is the
// review's from then on. Where a later version has come meanwhile, that is still to be decided about.
func (s *Store) settleReview(ctx context.Context, tx *sql.Tx, r order.Recording) ([]string, error) {
	kind, err := one(ctx, tx, scanText, `SELECT kind FROM demands WHERE id = $1 AND order_id = $2`, r.DemandID, r.OrderID)
	if errors.Is(err, ErrNotFound) || err == nil && order.DemandKind(kind) != order.DemandAccept {
		return nil, nil
	}
	if err != nil || r.Decision.Outcome != order.Applied {
		return nil, err
	}
	body, err := s.demandBody(ctx, tx, r.DemandID)
	if err != nil || body == nil { // results that no review has held back
		return nil, err
	}
	var a order.Acceptance
	if err := decodeSealed(body, &a); err != nil {
		return nil, err
	}
	// The note has its place with the review.
	if _, err := tx.ExecContext(ctx, `UPDATE demands SET body = NULL WHERE id = $1`, r.DemandID); err != nil {
		return nil, err
	}
	n, err := change(ctx, tx, `UPDATE reviews SET status = $1, resolution_action = $2, resolved_order_id = $3, accepting = '',
			team_id = (SELECT team_id FROM orders WHERE id = $3), resolved_user_id = (SELECT user_id FROM orders WHERE id = $3),
			note = $4, updated_at = $5, reviewed_at = $5
		WHERE id = $6 AND status <> $1 AND hash = (SELECT hash FROM results WHERE id = $7)`,
		order.ReviewResolved, order.ReviewAccept, r.OrderID, s.sealNote(a.ReviewID, a.Note), micros(s.now()), a.ReviewID, r.ResultID)
	if err != nil || n == 0 {
		return nil, err
	}
	return s.tellReview(ctx, tx, a.ReviewID, webhooks.MatchReviewUpdated)
}

func (s *Store) sealNote(reviewID, note string) []byte {
	if note == "" {
		return nil
	}
	return s.keys.Seal(place("reviews", reviewID, "note"), []byte(note))
}

// ResolveReview notes that somebody has rejected the report, or is not sure and leaves it to operations. It returns the review as
// it is then, and the endpoints to nudge. The errors are those of AcceptReview.
func (s *Store) ResolveReview(ctx context.Context, teamID, id string, action order.ReviewAction, note string) (r order.Review, endpoints []string, err error) {
	status := order.ReviewResolved
	if action == order.ReviewUnsure {
		status = order.ReviewOps
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		held, err := s.heldBy(ctx, tx, openTo(teamID, id))
		if err != nil {
			return err
		}
		if held.accepting != "" {
			return ErrAccepting
		}
		_, err = tx.ExecContext(ctx, `UPDATE reviews SET status = $1, resolution_action = $2, note = COALESCE($3, note), updated_at = $4,
				reviewed_at = $4 WHERE id = $5`,
			status, action, s.sealNote(id, note), micros(s.now()), id)
		if err != nil {
			return err
		}
		if endpoints, err = s.tellReview(ctx, tx, id, webhooks.MatchReviewUpdated); err != nil {
			return err
		}
		r, err = s.reviewByID(ctx, tx, id)
		return err
	})
	if err != nil {
		return order.Review{}, nil, fmt.Errorf("resolving review %s: %w", id, err)
	}
	return r, endpoints, nil
}

// sameSubject is the condition that a review v is of what an inbox row i announced; see reportSubject.
const sameSubject = `v.subject = 'report:' || i.account_id || ':' || i.order_number`

// closeMatched ends the open review of a report whose order has turned up by itself: its workflow gets the results.
func (s *Store) closeMatched(ctx context.Context, tx *sql.Tx, inboxID string) error {
	id, err := one(ctx, tx, scanText, `SELECT v.id FROM reviews v JOIN inbox i ON `+sameSubject+`
		WHERE i.id = $1 AND v.status IN ($2, $3) AND v.accepting = ''`, inboxID, order.ReviewCustomer, order.ReviewOps)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding the review of inbox row %s: %w", inboxID, err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE reviews SET status = $1, updated_at = $2 WHERE id = $3`, order.ReviewMatched, micros(s.now()), id)
	if err != nil {
		return fmt.Errorf("closing review %s: %w", id, err)
	}
	_, err = s.tellReview(ctx, tx, id, webhooks.MatchReviewUpdated) // the reconciler finds what nobody nudges
	return err
}
