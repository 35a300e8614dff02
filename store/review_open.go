package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// openReviewOfHeldResult opens the review of the result version that a recording holds, because its order has ended
// otherwise or because it names somebody else. It returns the endpoints to nudge.
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
		subject: orderReviewSubject(orderID), teamID: o.TeamID, accountID: o.LabAccountID, labSlug: m.LabSlug,
		orderNumber: o.Number,
		orderID:     orderID, resultID: resultID, shown: seen.Version > 0 && seen.Hash == v.Hash,
		hash: v.Hash, report: v.Report, terms: terms,
		match: order.MatchLabReport(v.Report, o.LabAccountID, m.LabSlug, []order.MatchableOrder{m}),
	})
}

// closeReplacedReview ends the open review of a report that named somebody else, when a later report about the patient
// of the order is shown. It returns the endpoints to nudge.
func (s *Store) closeReplacedReview(ctx context.Context, tx *sql.Tx, r order.Recording) ([]string, error) {
	if r.ResultID == "" || r.DemandID != "" {
		return nil, nil
	}
	ids, err := sqldb.QueryAll(ctx, tx, sqldb.ScanText, `UPDATE reviews SET status = $1, updated_at = $2
		WHERE subject = $3 AND decision_code = $4 AND status IN ($5, $6) AND accepting IS NULL AND result_id <> $7
		RETURNING id`, order.MatchReviewMatched, sqldb.ToMicros(s.now()), orderReviewSubject(r.OrderID),
		order.MatchOtherPatient, order.MatchReviewPendingCustomer, order.MatchReviewPendingOps, r.ResultID)
	if err != nil {
		return nil, fmt.Errorf("closing the review of order %s: %w", r.OrderID, err)
	}
	var endpoints []string
	for _, id := range ids {
		more, err := s.enqueueReviewWebhook(ctx, tx, id, webhooks.MatchReviewUpdated)
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, more...)
	}
	return endpoints, nil
}

// orderReviewSubject is the subject of the review of reports that an order holds.
func orderReviewSubject(orderID string) string { return "order:" + orderID }

// UnmatchedResultFetch is a lab report to fetch that was announced for an unknown order.
type UnmatchedResultFetch struct {
	InboxID     string
	AccountID   string
	OrderNumber string // as the lab reported it
	Tries       int    // how often the lab has been asked
}

// DueUnmatchedResultFetches lists the fetches of items that were received before the first time and are due at the
// second, longest waiting first.
func (s *Store) DueUnmatchedResultFetches(ctx context.Context, receivedBefore, now time.Time,
	limit int) ([]UnmatchedResultFetch, error) {
	rows, err := sqldb.QueryAll(ctx, s.db.Reader, func(row sqldb.Scanner) (r UnmatchedResultFetch, err error) {
		err = row.Scan(&r.InboxID, sqldb.EmptyIfNull(&r.AccountID), &r.OrderNumber, &r.Tries)
		return r, err
	}, `SELECT id, account_id, order_number, fetch_tries FROM inbox
		WHERE state = '`+InboxUnmatched+`' AND fetch_at > 0 AND fetch_at <= $1 AND received_at < $2
		ORDER BY fetch_at, id LIMIT $3`, sqldb.ToMicros(now), sqldb.ToMicros(receivedBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing lab reports to fetch for unknown orders: %w", err)
	}
	return rows, nil
}

// codeReportNotFound is the reason code of an announced lab report that is no longer fetched.
const codeReportNotFound = "report_not_found"

// RescheduleUnmatchedResultFetch records that the lab did not return the lab report, and when to ask again; a zero time
// means never.
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

// DelayUnmatchedResultFetch records when to ask the lab for the lab report, without counting an attempt.
func (s *Store) DelayUnmatchedResultFetch(ctx context.Context, inboxID string, next time.Time) error {
	_, err := s.db.Writer.ExecContext(ctx, `UPDATE inbox SET fetch_at = $1 WHERE id = $2 AND state = $3`,
		sqldb.ToMicros(next), inboxID, InboxUnmatched)
	if err != nil {
		return fmt.Errorf("delaying inbox row %s: %w", inboxID, err)
	}
	return nil
}

// FetchedUnmatchedReport is a lab report that was fetched for an unknown order.
type FetchedUnmatchedReport struct {
	InboxID string // the item that announced it
	Report  order.LabReport
	Hash    string
	Raw     []byte // verbatim
	PDF     []byte // nil: none
}

// OpenUnmatchedReportReview opens a match review of such a lab report, or updates the existing review of the same
// subject. It returns the endpoints to nudge. When the order exists meanwhile, it opens no review.
func (s *Store) OpenUnmatchedReportReview(ctx context.Context,
	in FetchedUnmatchedReport) (endpoints []string, err error) {
	const tries = 5 // a concurrent call may have opened the review; the next try finds it
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
		in.InboxID, InboxUnmatched).Scan(sqldb.EmptyIfNull(&r.accountID), &r.orderNumber, &facts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = tx.QueryRowContext(ctx, `SELECT team_id, lab_slug FROM lab_accounts WHERE id = $1`, r.accountID).
		Scan(sqldb.EmptyIfNull(&r.teamID), &r.labSlug)
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

// reportedNumbers returns the numbers that came with a lab report: the order's, and the lab's own.
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
