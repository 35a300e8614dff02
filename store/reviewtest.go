package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// The states of a run of the test of unmatched results (client-api#17-enums).
const (
	TestQueued    = "queued"
	TestRunning   = "running"
	TestSucceeded = "succeeded"
	TestFailed    = "failed"
)

// The stages of a run, one after the other (the same section); it ends in TestSucceeded or TestFailed.
const (
	StageValidating    = "validating"
	StageSelecting     = "selecting_configuration"
	StageCreating      = "creating_orders"
	StageTransitioning = "transitioning_orders"
)

// ReviewTestRequest is what was asked for. It names orders and tests only.
type ReviewTestRequest struct {
	Case           order.MatchCode      `json:"case"`
	Source         string               `json:"order_source"`
	ResultStatus   string               `json:"result_status"`
	Interpretation order.Interpretation `json:"interpretation"`
	Orders         map[string]string    `json:"orders,omitempty"`
	LabTestID      string               `json:"lab_test_id,omitempty"`
	WrongLabTestID string               `json:"wrong_lab_test_id,omitempty"`
}

// ReviewTestRun is a run.
type ReviewTestRun struct {
	ID          string
	TeamID      string
	Request     ReviewTestRequest
	Status      string
	Stage       string
	Orders      map[string]string // ids by role
	Account     string            // that the result comes through
	LabTest     string            // that the result is of
	ReviewID    string
	ErrorCode   string
	Error       string
	LeaseUntil  time.Time // somebody works on it before this
	CreatedAt   time.Time
	UpdatedAt   time.Time
	StartedAt   time.Time
	CompletedAt time.Time
}

// testPatience is how long orders may take to stand as a test needs them.
const testPatience = 10 * time.Minute

// runDocument is what of a run is in its column of orders.
type runDocument struct {
	Orders  map[string]string `json:"orders"`
	Account string            `json:"account"`
	LabTest string            `json:"lab_test"`
}

// BeginReviewTest stores a run under a team's idempotency key, leased until a time. When the key has a run of the same request, that is
// returned and false; the error is ErrConflict when it is of another request.
func (s *Store) BeginReviewTest(ctx context.Context, run ReviewTestRun, key string) (ReviewTestRun, bool, error) {
	request, err := encode(run.Request)
	if err != nil {
		return run, false, err
	}
	hash := digest(request)
	n, err := change(ctx, s.write, `INSERT INTO unmatched_tests (id, team_id, key_hash, request_hash, request, status, stage, orders,
			raw_result_id, error_code, error_message, lease_until, created_at, updated_at, started_at, completed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', '', '', '', $8, $9, $9, 0, 0) ON CONFLICT (team_id, key_hash) DO NOTHING`,
		run.ID, run.TeamID, digest(key), hash, request, TestQueued, TestQueued, micros(run.LeaseUntil), micros(run.CreatedAt))
	if err != nil {
		return run, false, exists(err, "test", run.ID)
	}
	var id, before string
	err = s.read.QueryRowContext(ctx, `SELECT id, request_hash FROM unmatched_tests WHERE team_id = $1 AND key_hash = $2`, run.TeamID, digest(key)).
		Scan(&id, &before)
	if err != nil {
		return run, false, fmt.Errorf("reading a test of team %s: %w", run.TeamID, err)
	}
	if before != hash {
		return run, false, fmt.Errorf("beginning a test of team %s: %w", run.TeamID, ErrConflict)
	}
	stored, err := s.ReviewTest(ctx, run.TeamID, id)
	return stored, n == 1, err
}

// ReviewTest reads a run of a team. The error is ErrNotFound when there is none.
func (s *Store) ReviewTest(ctx context.Context, teamID, id string) (ReviewTestRun, error) {
	run, err := one(ctx, s.read, scanReviewTest, `SELECT `+reviewTestColumns+` FROM unmatched_tests WHERE id = $1 AND team_id = $2`, id, teamID)
	if err != nil {
		return run, fmt.Errorf("reading test %s: %w", id, err)
	}
	return run, nil
}

// OpenReviewTests lists runs that have not ended, oldest first.
func (s *Store) OpenReviewTests(ctx context.Context, limit int) ([]ReviewTestRun, error) {
	all, err := collect(ctx, s.read, scanReviewTest,
		`SELECT `+reviewTestColumns+` FROM unmatched_tests WHERE completed_at = 0 ORDER BY created_at, id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("listing tests: %w", err)
	}
	return all, nil
}

// PutReviewTest writes how far a run has come. One that has ended stays as it is.
func (s *Store) PutReviewTest(ctx context.Context, run ReviewTestRun) error {
	if _, err := s.putReviewTest(ctx, s.write, run); err != nil {
		return fmt.Errorf("writing test %s: %w", run.ID, err)
	}
	return nil
}

func (s *Store) putReviewTest(ctx context.Context, e querier, run ReviewTestRun) (int64, error) {
	document, err := encode(runDocument{run.Orders, run.Account, run.LabTest})
	if err != nil {
		return 0, err
	}
	return change(ctx, e, `UPDATE unmatched_tests SET status = $1, stage = $2, orders = $3, raw_result_id = $4, error_code = $5,
			error_message = $6, lease_until = $7, updated_at = $8, started_at = $9, completed_at = $10
		WHERE id = $11 AND completed_at = 0`,
		run.Status, run.Stage, document, run.ReviewID, run.ErrorCode, run.Error, micros(run.LeaseUntil), micros(s.now()),
		micros(run.StartedAt), micros(run.CompletedAt), run.ID)
}

// EndReviewTest ends a run without a result.
func (s *Store) EndReviewTest(ctx context.Context, run ReviewTestRun, code, why string) error {
	run.Status, run.Stage, run.ErrorCode, run.Error, run.CompletedAt = TestFailed, TestFailed, code, why, s.now()
	return s.PutReviewTest(ctx, run)
}

// AdvanceReviewTest takes a run on whose orders are on their way: once all stand as they have to, the result is written, compared and put
// under review, all of it or nothing. A run whose worker is gone, or whose orders take too long, fails. It returns the endpoints to nudge.
func (s *Store) AdvanceReviewTest(ctx context.Context, run ReviewTestRun) ([]string, error) {
	now := s.now()
	if run.Stage != StageTransitioning {
		if run.CompletedAt.IsZero() && !now.Before(run.LeaseUntil) {
			return nil, s.EndReviewTest(ctx, run, "interrupted", "The test was interrupted; begin another one")
		}
		return nil, nil
	}
	test, _ := order.ReviewTestOf(run.Request.Case)
	var on *order.Order
	for _, role := range test.Roles {
		o, err := s.Order(ctx, run.TeamID, run.Orders[role])
		if errors.Is(err, ErrNotFound) {
			return nil, s.EndReviewTest(ctx, run, "order_gone", "An order of the test is gone")
		}
		if err != nil {
			return nil, err
		}
		if o.Status != test.Required[role] {
			if now.Sub(run.CreatedAt) < testPatience {
				return nil, nil
			}
			return nil, s.EndReviewTest(ctx, run, "orders_not_ready", "The orders did not get to the statuses that the test needs")
		}
		if on == nil {
			on = o
		}
	}
	return s.writeTestResult(ctx, run, test, on)
}

func (s *Store) writeTestResult(ctx context.Context, run ReviewTestRun, test order.ReviewTest, on *order.Order) ([]string, error) {
	of, err := s.LabTest(ctx, run.TeamID, run.LabTest)
	if err != nil {
		return nil, err
	}
	account, err := s.LabAccount(ctx, run.Account)
	if err != nil {
		return nil, err
	}
	number := order.NewNumber()
	if test.Named() {
		number = on.Number
	}
	r := reviewable{
		subject: "test:" + run.ID, teamID: run.TeamID, accountID: account.ID, labSlug: account.LabSlug, number: number, hash: digest(run.ID),
		report: test.Report(on, of, run.Request.ResultStatus, run.Request.Interpretation, s.now()),
	}
	if of.Lab != nil {
		r.labSlug = of.Lab.Slug
	}
	r.terms = testedTerms(r.report.Patient)
	var endpoints []string
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		endpoints = nil
		if r.match, err = s.matchReport(ctx, tx, r, []string{number}); err != nil {
			return err
		}
		run.Stage, run.Status, run.CompletedAt = TestSucceeded, TestSucceeded, s.now()
		if r.match.Code != test.Case {
			run.Stage, run.Status, run.ErrorCode = TestFailed, TestFailed, "unexpected_decision"
			run.Error = "The result was judged " + string(r.match.Code)
			_, err = s.putReviewTest(ctx, tx, run)
			return err
		}
		n, err := s.putReviewTest(ctx, tx, run)
		if err != nil || n == 0 { // somebody else has ended it
			return err
		}
		if endpoints, err = s.openReview(ctx, tx, r); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE unmatched_tests SET raw_result_id = (SELECT id FROM reviews WHERE subject = $1) WHERE id = $2`, r.subject, run.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("writing the result of test %s: %w", run.ID, err)
	}
	return endpoints, nil
}

const reviewTestColumns = `id, team_id, request, status, stage, orders, raw_result_id, error_code, error_message, lease_until,
	created_at, updated_at, started_at, completed_at`

func scanReviewTest(row scanner) (ReviewTestRun, error) {
	var run ReviewTestRun
	var request, document string
	var lease, created, updated, started, completed int64
	err := row.Scan(&run.ID, &run.TeamID, &request, &run.Status, &run.Stage, &document, &run.ReviewID, &run.ErrorCode, &run.Error, &lease,
		&created, &updated, &started, &completed)
	if err != nil {
		return run, err
	}
	if err := decode(request, &run.Request); err != nil {
		return run, err
	}
	var d runDocument
	err = decode(document, &d)
	run.Orders, run.Account, run.LabTest = d.Orders, d.Account, d.LabTest
	run.LeaseUntil, run.CreatedAt, run.UpdatedAt = instant(lease), instant(created), instant(updated)
	run.StartedAt, run.CompletedAt = instant(started), instant(completed)
	return run, err
}
