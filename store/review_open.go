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

// openReviewOfHeldResult opens the review of the result version that a recording holds, because its order has ended
// otherwise. It returns the endpoints to nudge.
func (s *Store) openReviewOfHeldResult(ctx context.Context, tx *sql.Tx, r order.Recording) ([]string, error) {
	if r.HeldResultID == "" {
		return nil, nil
	}
	endpoints, err := s.openReviewOfResult(ctx, tx, r.OrderID, r.HeldResultID)
	if err != nil {
		return nil, fmt.Errorf("opening a review of result %s: %w", r.HeldResultID, err)
	}
	return endpoints, nil
}

func (s *Store) openReviewOfResult(ctx context.Context, tx *sql.Tx, orderID, resultID string) ([]string, error) {
	v, err := sqldb.QueryOne(ctx, tx, s.scanResult,
		`SELECT `+resultColumns+` FROM results r WHERE r.id = $1 AND r.order_id = $2`, resultID, orderID)
	if errors.Is(err, ErrNotFound) {
		return nil, errNoResult
	}
	if err != nil {
		return nil, err
	}
	seen, err := s.newestResult(ctx, tx, orderID, true)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	o, err := s.loadOrder(ctx, tx, "", orderID)
	if err != nil {
		return nil, err
	}
	m, err := s.toMatchable(ctx, tx, o, v.Report.Patient)
	if err != nil {
		return nil, err
	}
	m.NamedByNumber = true
	terms := testedPatientTerms(v.Report.Patient)
	if len(terms) == 0 {
		terms = patientTerms(o.Patient)
	}
	return s.openOrUpdateReview(ctx, tx, reviewedReport{
		subject: "order:" + orderID, teamID: o.TeamID, accountID: o.LabAccountID, labSlug: m.LabSlug, orderNumber: o.Number,
		orderID: orderID, resultID: resultID, shown: seen.Version > 0 && seen.Hash == v.Hash,
		hash: v.Hash, report: v.Report, terms: terms,
		match: order.MatchLabReport(v.Report, o.LabAccountID, m.LabSlug, []order.MatchableOrder{m}),
	})
}

// UnmatchedResultFetch is a report that was announced for an order that nobody knows.
type UnmatchedResultFetch struct {
	InboxID     string
	AccountID   string
	OrderNumber string // of the order, as reported
	Tries       int    // how often its results have been asked for
}

// DueUnmatchedResultFetches lists those whose results are to be asked for, because they were received before the one time and are due at the
// other; longest waiting first.
func (s *Store) DueUnmatchedResultFetches(ctx context.Context, receivedBefore, now time.Time,
	limit int) ([]UnmatchedResultFetch, error) {
	rows, err := sqldb.QueryAll(ctx, s.db.Reader, func(row sqldb.Scanner) (r UnmatchedResultFetch, err error) {
		err = row.Scan(&r.InboxID, &r.AccountID, &r.OrderNumber, &r.Tries)
		return r, err
	}, `SELECT id, account_id, order_number, fetch_tries FROM inbox
		WHERE state = $1 AND fetch_at > 0 AND fetch_at <= $2 AND received_at < $3 ORDER BY fetch_at, id LIMIT $4`,
		InboxUnmatched, sqldb.ToMicros(now), sqldb.ToMicros(receivedBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing announced reports without an order: %w", err)
	}
	return rows, nil
}

// codeReportNotFound is why nobody asks any more for the results that an unmatched report announced.
const codeReportNotFound = "report_not_found"

// RescheduleUnmatchedResultFetch notes that the lab did not give the results, and when it is asked again; a zero time means never.
func (s *Store) RescheduleUnmatchedResultFetch(ctx context.Context, inboxID string, next time.Time) error {
	code := ""
	if next.IsZero() {
		code = codeReportNotFound
	}
	_, err := s.db.Writer.ExecContext(ctx,
		`UPDATE inbox SET fetch_at = $1, fetch_tries = fetch_tries + 1, code = $2 WHERE id = $3 AND state = $4`,
		sqldb.ToMicros(next), code, inboxID, InboxUnmatched)
	if err != nil {
		return fmt.Errorf("postponing inbox row %s: %w", inboxID, err)
	}
	return nil
}

// FetchedUnmatchedReport is what a lab had on an order that nobody knows.
type FetchedUnmatchedReport struct {
	InboxID string // the report that announced it
	Report  order.LabReport
	Hash    string
	Raw     []byte // verbatim
	PDF     []byte // nil: none
}

// OpenUnmatchedReportReview opens the review of such a report, or updates the one that its subject has. It returns the endpoints to nudge. When
// the order has turned up meanwhile there is nothing to review.
func (s *Store) OpenUnmatchedReportReview(ctx context.Context,
	in FetchedUnmatchedReport) (endpoints []string, err error) {
	const tries = 5 // of two at once one finds the other's review when it looks again
	for range tries {
		err = s.db.InTx(ctx, func(tx *sql.Tx) error {
			endpoints, err = s.openUnmatchedReportReview(ctx, tx, in)
			return err
		})
		if !sqldb.IsUniqueViolation(err) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening a review of inbox row %s: %w", in.InboxID, err)
	}
	return endpoints, nil
}

func (s *Store) openUnmatchedReportReview(ctx context.Context, tx *sql.Tx,
	in FetchedUnmatchedReport) ([]string, error) {
	r := reviewedReport{hash: in.Hash, report: in.Report, raw: in.Raw, pdf: in.PDF,
		terms: testedPatientTerms(in.Report.Patient)}
	var facts string
	err := tx.QueryRowContext(ctx,
		`UPDATE inbox SET fetch_at = 0 WHERE id = $1 AND state = $2 RETURNING account_id, order_number, facts`,
		in.InboxID, InboxUnmatched).Scan(&r.accountID, &r.orderNumber, &facts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = tx.QueryRowContext(ctx, `SELECT team_id, lab_slug FROM lab_accounts WHERE id = $1`, r.accountID).Scan(&r.teamID,
		&r.labSlug)
	if err != nil {
		return nil, fmt.Errorf("reading lab account %s: %w", r.accountID, err)
	}
	numbers, err := reportedNumbers(r.orderNumber, facts)
	if err != nil {
		return nil, err
	}
	if r.match, err = s.matchLabReport(ctx, tx, r, numbers); err != nil {
		return nil, err
	}
	r.subject = unmatchedReviewSubject(r.accountID, r.orderNumber)
	return s.openOrUpdateReview(ctx, tx, r)
}

func unmatchedReviewSubject(accountID, number string) string {
	return "report:" + accountID + ":" + number
}

// reportedNumbers are the numbers that came with a lab's report: the order's, and the lab's own.
func reportedNumbers(number, facts string) ([]string, error) {
	var byLeg map[string]*order.Fact
	if err := decodeJSON(facts, &byLeg); err != nil {
		return nil, err
	}
	numbers := []string{number}
	if f := byLeg[""]; f != nil && f.Accession != "" {
		numbers = append(numbers, f.Accession)
	}
	return numbers, nil
}
