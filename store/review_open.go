package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// review opens the review of results that a recording holds back, or settles the one whose report it has taken. It returns the
// endpoints to nudge.
func (s *Store) review(ctx context.Context, tx *sql.Tx, r order.Recording) ([]string, error) {
	var endpoints []string
	if r.HeldID != "" {
		opened, err := s.openHeld(ctx, tx, r.OrderID, r.HeldID)
		if err != nil {
			return nil, fmt.Errorf("opening a review of result %s: %w", r.HeldID, err)
		}
		endpoints = opened
	}
	if r.DemandID == "" {
		return endpoints, nil
	}
	settled, err := s.settleReview(ctx, tx, r)
	if err != nil {
		return nil, fmt.Errorf("settling the review of demand %s: %w", r.DemandID, err)
	}
	return append(endpoints, settled...), nil
}

// openHeld opens the review of results of an order that ended otherwise.
func (s *Store) openHeld(ctx context.Context, tx *sql.Tx, orderID, resultID string) ([]string, error) {
	v, err := one(ctx, tx, s.scanResult, `SELECT `+resultColumns+` FROM results r WHERE r.id = $1 AND r.order_id = $2`, resultID, orderID)
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
	o, err := s.order(ctx, tx, "", orderID)
	if err != nil {
		return nil, err
	}
	m, err := s.matchable(ctx, tx, o, v.Report.Patient)
	if err != nil {
		return nil, err
	}
	m.ByNumber = true
	terms := testedTerms(v.Report.Patient)
	if len(terms) == 0 {
		terms = patientTerms(o.Patient)
	}
	return s.openReview(ctx, tx, reviewable{
		subject: "order:" + orderID, teamID: o.TeamID, accountID: o.LabAccountID, labSlug: m.LabSlug, number: o.Number,
		orderID: orderID, resultID: resultID, shown: seen.Version > 0 && seen.Hash == v.Hash,
		hash: v.Hash, report: v.Report, terms: terms,
		match: order.MatchReport(v.Report, o.LabAccountID, m.LabSlug, []order.Matchable{m}),
	})
}

// UnmatchedReport is a report that was announced for an order that nobody knows.
type UnmatchedReport struct {
	InboxID   string
	AccountID string
	Number    string // of the order, as reported
	Tries     int    // how often its results have been asked for
}

// UnmatchedReports lists those whose results are to be asked for, because they were received before the one time and are due at the
// other; longest waiting first.
func (s *Store) UnmatchedReports(ctx context.Context, receivedBefore, now time.Time, limit int) ([]UnmatchedReport, error) {
	rows, err := collect(ctx, s.read, func(row scanner) (r UnmatchedReport, err error) {
		err = row.Scan(&r.InboxID, &r.AccountID, &r.Number, &r.Tries)
		return r, err
	}, `SELECT id, account_id, order_number, fetch_tries FROM inbox
		WHERE state = $1 AND fetch_at > 0 AND fetch_at <= $2 AND received_at < $3 ORDER BY fetch_at, id LIMIT $4`,
		InboxUnmatched, micros(now), micros(receivedBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing announced reports without an order: %w", err)
	}
	return rows, nil
}

// codeNoReport is why nobody asks any more for the results that an unmatched report announced.
const codeNoReport = "report_not_found"

// PostponeReport notes that the lab did not give the results, and when it is asked again; a zero time means never.
func (s *Store) PostponeReport(ctx context.Context, inboxID string, next time.Time) error {
	code := ""
	if next.IsZero() {
		code = codeNoReport
	}
	_, err := s.write.ExecContext(ctx, `UPDATE inbox SET fetch_at = $1, fetch_tries = fetch_tries + 1, code = $2 WHERE id = $3 AND state = $4`,
		micros(next), code, inboxID, InboxUnmatched)
	if err != nil {
		return fmt.Errorf("postponing inbox row %s: %w", inboxID, err)
	}
	return nil
}

// FetchedReport is what a lab had on an order that nobody knows.
type FetchedReport struct {
	InboxID string // the report that announced it
	Report  order.Report
	Hash    string
	Raw     []byte // verbatim
	PDF     []byte // nil: none
}

// ReviewReport opens the review of such a report, or updates the one that its subject has. It returns the endpoints to nudge. When
// the order has turned up meanwhile there is nothing to review.
func (s *Store) ReviewReport(ctx context.Context, in FetchedReport) (endpoints []string, err error) {
	const tries = 5 // of two at once one finds the other's review when it looks again
	for range tries {
		err = s.inTx(ctx, func(tx *sql.Tx) error {
			endpoints, err = s.reviewReport(ctx, tx, in)
			return err
		})
		if !unique(err) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening a review of inbox row %s: %w", in.InboxID, err)
	}
	return endpoints, nil
}

func (s *Store) reviewReport(ctx context.Context, tx *sql.Tx, in FetchedReport) ([]string, error) {
	r := reviewable{hash: in.Hash, report: in.Report, raw: in.Raw, pdf: in.PDF, terms: testedTerms(in.Report.Patient)}
	var facts string
	err := tx.QueryRowContext(ctx, `UPDATE inbox SET fetch_at = 0 WHERE id = $1 AND state = $2 RETURNING account_id, order_number, facts`,
		in.InboxID, InboxUnmatched).Scan(&r.accountID, &r.number, &facts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = tx.QueryRowContext(ctx, `SELECT team_id, lab_slug FROM lab_accounts WHERE id = $1`, r.accountID).Scan(&r.teamID, &r.labSlug)
	if err != nil {
		return nil, fmt.Errorf("reading lab account %s: %w", r.accountID, err)
	}
	numbers, err := numbersIn(r.number, facts)
	if err != nil {
		return nil, err
	}
	if r.match, err = s.matchReport(ctx, tx, r, numbers); err != nil {
		return nil, err
	}
	r.subject = reportSubject(r.accountID, r.number)
	return s.openReview(ctx, tx, r)
}

func reportSubject(accountID, number string) string { return "report:" + accountID + ":" + number }

// numbersIn are the numbers that came with a lab's report: the order's, and the lab's own.
func numbersIn(number, facts string) ([]string, error) {
	var byLeg map[string]*order.Fact
	if err := decode(facts, &byLeg); err != nil {
		return nil, err
	}
	numbers := []string{number}
	if f := byLeg[""]; f != nil && f.Accession != "" {
		numbers = append(numbers, f.Accession)
	}
	return numbers, nil
}
