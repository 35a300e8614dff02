package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// ErrAcceptanceInProgress means that the workflow of another order is being asked to accept the lab report. Its answer
// decides the match review.
var ErrAcceptanceInProgress = errors.New("the lab report is being accepted for another order")

// decidableReviewFilter returns the condition of a match review that may be decided. With a teamID the review has to
// belong to that team and must not be left to operations.
func decidableReviewFilter(teamID, id string) (f sqldb.Where) {
	f.And("id = ?", id)
	if teamID != "" {
		f.And("team_id = ?", teamID)
		f.And("status = ?", order.MatchReviewPendingCustomer)
		return f
	}
	f.AndTerm(fmt.Sprintf("status IN ('%s', '%s')", order.MatchReviewPendingCustomer, order.MatchReviewPendingOps))
	return f
}

// AcceptanceDemand is the demand that asks an order's workflow to accept a reviewed lab report as its result.
type AcceptanceDemand struct {
	DemandID string
	IsRetry  bool // the same demand may have been made before
	Fetched  order.FetchOutcome
}

// PrepareReviewAcceptance prepares the acceptance of a reviewed lab report: the report becomes a result version of the
// order that is not visible yet. From then on the review can only be accepted for this order, by the same demand, until
// CancelReviewAcceptance. The error is ErrNotFound when there is no such open review (of the team, if one is given), or
// ErrAcceptanceInProgress when another order has been asked.
func (s *Store) PrepareReviewAcceptance(ctx context.Context, teamID, id, orderID string) (AcceptanceDemand, error) {
	var out AcceptanceDemand
	var err error
	for range maxVersionTries {
		err = s.db.InTx(ctx, func(tx *sql.Tx) error {
			out, err = s.prepareReviewAcceptance(ctx, tx, decidableReviewFilter(teamID, id), orderID)
			return err
		})
		if !sqldb.IsUniqueViolation(err) {
			break
		}
	}
	if err != nil {
		return AcceptanceDemand{}, fmt.Errorf("accepting the lab report of review %s for order %s: %w", id, orderID, err)
	}
	return out, nil
}

func (s *Store) prepareReviewAcceptance(ctx context.Context, tx *sql.Tx, open sqldb.Where,
	orderID string) (AcceptanceDemand, error) {
	held, err := s.lockReviewReport(ctx, tx, open)
	if err != nil {
		return AcceptanceDemand{}, err
	}
	out := AcceptanceDemand{DemandID: held.demandID, IsRetry: held.accepting == orderID}
	switch {
	case out.IsRetry:
	case held.accepting != "":
		return out, ErrAcceptanceInProgress
	default:
		out.DemandID = sqldb.NewID()
		_, err := tx.ExecContext(ctx, `UPDATE reviews SET accepting = $1, demand_id = $2 WHERE id = $3`, orderID,
			out.DemandID, held.id)
		if err != nil {
			return out, err
		}
	}
	held.OrderID = orderID
	changed, err := s.storeLabReport(ctx, tx, &held.labReportRow)
	out.Fetched = toFetchOutcome(held.ResultVersion, changed)
	out.Fetched.HeldID = held.resultID
	return out, err
}

// toFetchOutcome returns the part of a lab report that decisions depend on.
func toFetchOutcome(v order.ResultVersion, changed bool) order.FetchOutcome {
	f := order.FetchOutcome{
		ResultID: v.ID, Changed: changed, Partial: v.Report.Status == "partial",
		Critical:          changed && v.Report.Interpretation == order.InterpretationCritical,
		MissingByLabFault: len(v.Report.MissingByLabFault()) > 0,
	}
	if v.Report.CollectedAt != nil {
		f.CollectedAt = v.Report.CollectedAt.UTC()
	}
	return f
}

// lockedReviewReport is the lab report of a locked match review.
type lockedReviewReport struct {
	labReportRow
	id        string // of the review
	accepting string // id of the order that is being asked
	demandID  string // the demand that asks it
	resultID  string // the held result version; empty when the review belongs to no order
}

// lockReviewReport reads the lab report of a review and locks the review's row, where the database has row locks.
func (s *Store) lockReviewReport(ctx context.Context, tx *sql.Tx, open sqldb.Where) (lockedReviewReport, error) {
	var h lockedReviewReport
	var report, raw, pdf []byte
	err := tx.QueryRowContext(ctx, `UPDATE reviews SET accepting = accepting`+open.String()+
		` RETURNING id, accepting, demand_id, result_id, hash, report, raw, pdf`, open.Args...).
		Scan(&h.id, sqldb.EmptyIfNull(&h.accepting), sqldb.EmptyIfNull(&h.demandID), sqldb.EmptyIfNull(&h.resultID),
			&h.Hash, &report, &raw, &pdf)
	if errors.Is(err, sql.ErrNoRows) {
		return h, ErrNotFound
	}
	if err != nil {
		return h, err
	}
	if err := s.keys.OpenJSON(sealContext("reviews", h.id, "report"), report, &h.Report); err != nil {
		return h, err
	}
	table, id := "reviews", h.id
	if h.resultID != "" { // the result version has the other columns
		table, id = "results", h.resultID
		err := tx.QueryRowContext(ctx, `SELECT raw, pdf FROM results WHERE id = $1`, id).Scan(&raw, &pdf)
		if err != nil {
			return h, fmt.Errorf("reading result %s: %w", id, err)
		}
	}
	if h.raw, err = s.keys.Open(sealContext(table, id, "raw"), raw); err != nil {
		return h, err
	}
	h.pdf, err = s.keys.Open(sealContext(table, id, "pdf"), pdf)
	return h, err
}

// CancelReviewAcceptance records that the order refused the lab report, so that the review can be decided otherwise.
func (s *Store) CancelReviewAcceptance(ctx context.Context, id, orderID string) error {
	_, err := s.db.Writer.ExecContext(ctx,
		`UPDATE reviews SET accepting = NULL, demand_id = NULL WHERE id = $1 AND accepting = $2`, id, orderID)
	if err != nil {
		return fmt.Errorf("releasing review %s: %w", id, err)
	}
	return nil
}

// resolveAcceptedReview resolves the review whose lab report an order has accepted, in the transaction that records it.
// The review's team is the order's from then on. A later version that came meanwhile is still to be decided about. It
// returns the endpoints to nudge.
func (s *Store) resolveAcceptedReview(ctx context.Context, tx *sql.Tx, r order.Recording) ([]string, error) {
	if r.DemandID == "" {
		return nil, nil
	}
	endpoints, err := s.resolveReviewOfDemand(ctx, tx, r)
	if err != nil {
		return nil, fmt.Errorf("resolving the review of demand %s: %w", r.DemandID, err)
	}
	return endpoints, nil
}

func (s *Store) resolveReviewOfDemand(ctx context.Context, tx *sql.Tx, r order.Recording) ([]string, error) {
	kind, err := sqldb.QueryOne(ctx, tx, sqldb.ScanText, `SELECT kind FROM demands WHERE id = $1 AND order_id = $2`,
		r.DemandID,
		r.OrderID)
	if errors.Is(err, ErrNotFound) || err == nil && order.DemandKind(kind) != order.DemandAcceptResults {
		return nil, nil
	}
	if err != nil || r.Decision.Outcome != order.OutcomeApplied {
		return nil, err
	}
	body, err := s.demandBody(ctx, tx, r.DemandID)
	if err != nil || body == nil { // no review has held these results
		return nil, err
	}
	var a order.MatchReviewAcceptance
	if err := keyring.DecodeOpened(body, &a); err != nil {
		return nil, err
	}
	// The note is stored with the review.
	if _, err := tx.ExecContext(ctx, `UPDATE demands SET body = NULL WHERE id = $1`, r.DemandID); err != nil {
		return nil, err
	}
	n, err := sqldb.ExecCount(ctx, tx,
		`UPDATE reviews SET status = $1, resolution_action = $2, resolved_order_id = $3, accepting = NULL,
			team_id = (SELECT team_id FROM orders WHERE id = $3), resolved_user_id = (SELECT user_id FROM orders WHERE id = $3),
			note = $4, updated_at = $5, reviewed_at = $5
		WHERE id = $6 AND status <> $1 AND hash = (SELECT hash FROM results WHERE id = $7)`,
		order.MatchReviewResolved, order.MatchReviewAccept, r.OrderID, s.sealReviewNote(a.ReviewID, a.Note),
		sqldb.ToMicros(s.now()), a.ReviewID, r.ResultID)
	if err != nil || n == 0 {
		return nil, err
	}
	return s.enqueueReviewWebhook(ctx, tx, a.ReviewID, webhooks.MatchReviewUpdated)
}

func (s *Store) sealReviewNote(reviewID, note string) []byte {
	if note == "" {
		return nil
	}
	return s.keys.Seal(sealContext("reviews", reviewID, "note"), []byte(note))
}

// ResolveMatchReview records that a reviewer rejects the lab report, or is unsure and leaves the review to operations.
// It returns the review as it is then, and the endpoints to nudge. The errors are those of PrepareReviewAcceptance.
func (s *Store) ResolveMatchReview(ctx context.Context, teamID, id string, action order.MatchReviewAction,
	note string) (r order.MatchReview, endpoints []string, err error) {
	status := order.MatchReviewResolved
	if action == order.MatchReviewUnsure {
		status = order.MatchReviewPendingOps
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		held, err := s.lockReviewReport(ctx, tx, decidableReviewFilter(teamID, id))
		if err != nil {
			return err
		}
		if held.accepting != "" {
			return ErrAcceptanceInProgress
		}
		_, err = tx.ExecContext(ctx,
			`UPDATE reviews SET status = $1, resolution_action = $2, note = COALESCE($3, note), updated_at = $4,
				reviewed_at = $4 WHERE id = $5`,
			status, action, s.sealReviewNote(id, note), sqldb.ToMicros(s.now()), id)
		if err != nil {
			return err
		}
		if endpoints, err = s.enqueueReviewWebhook(ctx, tx, id, webhooks.MatchReviewUpdated); err != nil {
			return err
		}
		r, err = s.reviewByID(ctx, tx, id)
		return err
	})
	if err != nil {
		return order.MatchReview{}, nil, fmt.Errorf("resolving review %s: %w", id, err)
	}
	return r, endpoints, nil
}

// reviewOfInboxItemCondition is the condition that a review v is about the lab report that an inbox item i announced;
// see unmatchedReviewSubject.
const reviewOfInboxItemCondition = `v.subject = 'report:' || CAST(i.account_id AS TEXT) || ':' || i.order_number`

// closeReviewOfMatchedItem ends the open review of a lab report whose order exists by now. The order's workflow fetches
// the results.
func (s *Store) closeReviewOfMatchedItem(ctx context.Context, tx *sql.Tx, inboxID string) error {
	id, err := sqldb.QueryOne(ctx, tx, sqldb.ScanText,
		`SELECT v.id FROM reviews v JOIN inbox i ON `+reviewOfInboxItemCondition+`
		WHERE i.id = $1 AND v.status IN ($2, $3) AND v.accepting IS NULL`,
		inboxID, order.MatchReviewPendingCustomer, order.MatchReviewPendingOps)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding the review of inbox row %s: %w", inboxID, err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE reviews SET status = $1, updated_at = $2 WHERE id = $3`, order.MatchReviewMatched,
		sqldb.ToMicros(s.now()), id)
	if err != nil {
		return fmt.Errorf("closing review %s: %w", id, err)
	}
	_, err = s.enqueueReviewWebhook(ctx, tx, id, webhooks.MatchReviewUpdated) // the reconciler nudges the endpoints
	return err
}
