package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// reviewedReport is a lab report that somebody has to decide about.
type reviewedReport struct {
	subject     string // there is one review per subject
	teamID      string // empty: the lab account is for all teams
	accountID   string
	labSlug     string
	orderNumber string // as the lab reported it
	orderID     string // the order that has ended otherwise; empty: no order was found
	resultID    string // the order's held result version
	shown       bool   // the client already sees this content as the order's results
	hash        string
	report      order.LabReport
	raw, pdf    []byte
	terms       []searchTerm
	match       order.Match
}

// initialStatus says who decides first.
func (r reviewedReport) initialStatus() order.MatchReviewStatus {
	if r.teamID == "" {
		return order.MatchReviewPendingOps
	}
	return order.MatchReviewPendingCustomer
}

// openOrUpdateReview opens the match review of a lab report, or updates it. A later version of the report reopens a
// decided review. The same version changes nothing, and neither does a version with the content that was decided
// before. It returns the endpoints to nudge.
func (s *Store) openOrUpdateReview(ctx context.Context, tx *sql.Tx, r reviewedReport) ([]string, error) {
	var id, hash string
	var status order.MatchReviewStatus
	err := tx.QueryRowContext(ctx, `SELECT id, hash, status FROM reviews WHERE subject = $1`, r.subject).
		Scan(&id, &hash, &status)
	event := webhooks.MatchReviewUpdated
	switch {
	case errors.Is(err, sql.ErrNoRows):
		id, event = sqldb.NewID(), webhooks.MatchReviewCreated
		err = s.insertReview(ctx, tx, id, r)
	case err != nil:
	case hash == r.hash, r.shown && !status.Open():
		return nil, nil
	default:
		err = s.updateReview(ctx, tx, id, r)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the review: %w", err)
	}
	if err := s.insertReviewSearchTerms(ctx, tx, id, r.terms); err != nil {
		return nil, err
	}
	return s.enqueueReviewWebhook(ctx, tx, id, event)
}

func (s *Store) insertReview(ctx context.Context, tx *sql.Tx, id string, r reviewedReport) error {
	sealed, err := s.sealReview(id, r)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx,
		`INSERT INTO reviews (id, subject, team_id, lab_account_id, lab_slug, order_number, order_id, result_id,
			status, decision_code, matching, hash, report, raw, pdf, resolution_action, accepting, demand_id,
			resolved_user_id, resolved_order_id, created_at, updated_at, reviewed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, '', NULL, NULL, NULL, NULL, $16, $16, 0)`,
		id, r.subject, sqldb.IDOrNull(r.teamID), r.accountID, r.labSlug, r.orderNumber, sqldb.IDOrNull(r.orderID),
		sqldb.IDOrNull(r.resultID),
		r.initialStatus(), r.match.Code, sealed.matching, r.hash, sealed.report, sealed.raw, sealed.pdf,
		sqldb.ToMicros(s.now()))
	return err
}

func (s *Store) updateReview(ctx context.Context, tx *sql.Tx, id string, r reviewedReport) error {
	sealed, err := s.sealReview(id, r)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx,
		`UPDATE reviews SET team_id = $1, result_id = $2, status = $3, decision_code = $4, matching = $5,
			hash = $6, report = $7, raw = $8, pdf = $9, note = NULL, resolution_action = '', accepting = NULL, demand_id = NULL,
			resolved_user_id = NULL, resolved_order_id = NULL, updated_at = $10, reviewed_at = 0
		WHERE id = $11`,
		sqldb.IDOrNull(r.teamID), sqldb.IDOrNull(r.resultID), r.initialStatus(), r.match.Code, sealed.matching,
		r.hash, sealed.report, sealed.raw, sealed.pdf, sqldb.ToMicros(s.now()), id)
	return err
}

// sealedReview is the sealed part of a match review: the lab report and the match.
type sealedReview struct {
	matching         string
	report, raw, pdf []byte
}

func (s *Store) sealReview(id string, r reviewedReport) (out sealedReview, err error) {
	if out.matching, err = encodeJSON(r.match); err != nil {
		return out, err
	}
	out.raw, out.pdf = s.sealBytes(sealContext("reviews", id, "raw"), r.raw),
		s.sealBytes(sealContext("reviews", id, "pdf"), r.pdf)
	out.report, err = s.keys.SealJSON(sealContext("reviews", id, "report"), r.report)
	return out, err
}

// insertReviewSearchTerms adds the search terms of the tested patient to a review.
func (s *Store) insertReviewSearchTerms(ctx context.Context, tx *sql.Tx, id string, terms []searchTerm) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM review_search WHERE review_id = $1`, id); err != nil {
		return fmt.Errorf("removing search terms of review %s: %w", id, err)
	}
	for _, t := range terms {
		_, err := tx.ExecContext(ctx,
			`INSERT INTO review_search (review_id, field, hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			id, t.field, s.keys.SearchHash(t.field, t.value))
		if err != nil {
			return fmt.Errorf("writing search terms of review %s: %w", id, err)
		}
	}
	return nil
}

// enqueueReviewWebhook enqueues a webhook message with the current state of the review, and returns the endpoints to
// nudge. A review through a lab account for all teams belongs to no team before it is accepted, so there is no message.
func (s *Store) enqueueReviewWebhook(ctx context.Context, tx *sql.Tx, id, eventType string) ([]string, error) {
	r, err := s.reviewByID(ctx, tx, id)
	if err != nil || r.TeamID == "" {
		return nil, err
	}
	data, err := junction.RenderMatchReview(r)
	if err != nil {
		return nil, err
	}
	envelope := webhooks.Envelope{EventType: eventType, TeamID: r.TeamID, Data: data}
	about := r.OrderID
	if r.ResolvedOrderID != "" {
		about = r.ResolvedOrderID
	}
	if about != "" {
		err = tx.QueryRowContext(ctx, `SELECT user_id, client_user_id FROM orders WHERE id = $1`, about).
			Scan(&envelope.UserID, &envelope.ClientUserID)
		if err != nil {
			return nil, fmt.Errorf("reading the user of review %s: %w", id, err)
		}
	}
	body, err := webhooks.Render(envelope)
	if err != nil {
		return nil, fmt.Errorf("rendering a message of review %s: %w", id, err)
	}
	return s.enqueueWebhookMessage(ctx, tx, WebhookMessage{ID: sqldb.NewIDAt(s.now()), TeamID: r.TeamID, OrderID: about,
		EventType: eventType, Body: body})
}

// testedPatientTerms returns the search terms of the patient that the lab names. They are empty when the lab gives no
// name or no date of birth.
func testedPatientTerms(t *order.TestedPatient) []searchTerm {
	if t == nil {
		return nil
	}
	full := normaliseName(t.FirstName + " " + t.LastName)
	born, err := order.ParseDate(t.DOB)
	if full == "" || err != nil {
		return nil
	}
	terms := []searchTerm{{searchFullName, full}, {searchBirthDate, born.String()}}
	for _, word := range nameWords(full) {
		terms = append(terms, searchTerm{searchName, word})
	}
	return terms
}
