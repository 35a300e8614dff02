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

// The states of a run of the test of unmatched results (client-api#17-enums).
const (
	UnmatchedResultTestQueued    = "queued"
	UnmatchedResultTestRunning   = "running"
	UnmatchedResultTestSucceeded = "succeeded"
	UnmatchedResultTestFailed    = "failed"
)

// The stages of a run, in their order (client-api#17-enums). A run ends as UnmatchedResultTestSucceeded or
// UnmatchedResultTestFailed.
const (
	UnmatchedResultTestStageValidating    = "validating"
	UnmatchedResultTestStageSelecting     = "selecting_configuration"
	UnmatchedResultTestStageCreating      = "creating_orders"
	UnmatchedResultTestStageTransitioning = "transitioning_orders"
)

// UnmatchedResultTestRequest is the request for a run. It contains ids of orders and lab tests only.
type UnmatchedResultTestRequest struct {
	Case           order.MatchCode      `json:"case"`
	Source         string               `json:"order_source"`
	ResultStatus   string               `json:"result_status"`
	Interpretation order.Interpretation `json:"interpretation"`
	Orders         map[string]string    `json:"orders,omitempty"`
	LabTestID      string               `json:"lab_test_id,omitempty"`
	WrongLabTestID string               `json:"wrong_lab_test_id,omitempty"`
}

// UnmatchedResultTestRun is a run of the test of unmatched results, by which a sandbox team tests match reviews.
type UnmatchedResultTestRun struct {
	ID             string
	TeamID         string
	Request        UnmatchedResultTestRequest
	Status         string
	Stage          string
	OrderIDsByRole map[string]string // ids by role
	LabAccountID   string            // through which the result arrives
	LabTestID      string            // which the result is of
	ReviewID       string
	ErrorCode      string
	Error          string
	LeaseUntil     time.Time // a worker has the run before this time
	CreatedAt      time.Time
	UpdatedAt      time.Time
	StartedAt      time.Time
	CompletedAt    time.Time
}

// unmatchedResultTestTimeout is the time in which the orders of a run have to reach the required statuses.
const unmatchedResultTestTimeout = 10 * time.Minute

// unmatchedResultTestRunDocument is the JSON in the column orders.
type unmatchedResultTestRunDocument struct {
	Orders  map[string]string `json:"orders"`
	Account string            `json:"account"`
	LabTest string            `json:"lab_test"`
}

// CreateUnmatchedResultTestRun stores a run under a team's idempotency key, with a lease. If the key already has a run
// of the same request, it returns that run and false. The error is ErrConflict when the key has a run of another
// request.
func (s *Store) CreateUnmatchedResultTestRun(ctx context.Context, run UnmatchedResultTestRun,
	key string) (UnmatchedResultTestRun, bool, error) {
	request, err := encodeJSON(run.Request)
	if err != nil {
		return run, false, err
	}
	hash := sha256Hex(request)
	n, err := sqldb.ExecCount(ctx, s.db.Writer,
		`INSERT INTO unmatched_tests (id, team_id, key_hash, request_hash, request, status, stage, orders,
			raw_result_id, error_code, error_message, lease_until, created_at, updated_at, started_at, completed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', NULL, '', '', $8, $9, $9, 0, 0) ON CONFLICT (team_id, key_hash) DO NOTHING`,
		run.ID, run.TeamID, sha256Hex(key), hash, request, UnmatchedResultTestQueued, UnmatchedResultTestQueued,
		sqldb.ToMicros(run.LeaseUntil), sqldb.ToMicros(run.CreatedAt))
	if err != nil {
		return run, false, sqldb.WrapWriteError(err, "test", run.ID)
	}
	var id, before string
	err = s.db.Reader.QueryRowContext(ctx,
		`SELECT id, request_hash FROM unmatched_tests WHERE team_id = $1 AND key_hash = $2`,
		run.TeamID, sha256Hex(key)).
		Scan(&id, &before)
	if err != nil {
		return run, false, fmt.Errorf("reading a test of team %s: %w", run.TeamID, err)
	}
	if before != hash {
		return run, false, fmt.Errorf("beginning a test of team %s: %w", run.TeamID, ErrConflict)
	}
	stored, err := s.UnmatchedResultTestRun(ctx, run.TeamID, id)
	return stored, n == 1, err
}

// UnmatchedResultTestRun reads a run of a team. The error is ErrNotFound when there is none.
func (s *Store) UnmatchedResultTestRun(ctx context.Context, teamID, id string) (UnmatchedResultTestRun, error) {
	run, err := sqldb.QueryOne(ctx, s.db.Reader, scanUnmatchedResultTestRun,
		`SELECT `+unmatchedResultTestColumns+` FROM unmatched_tests WHERE id = $1 AND team_id = $2`, id, teamID)
	if err != nil {
		return run, fmt.Errorf("reading test %s: %w", id, err)
	}
	return run, nil
}

// UnfinishedUnmatchedResultTestRuns lists runs that have not ended, oldest first.
func (s *Store) UnfinishedUnmatchedResultTestRuns(ctx context.Context, limit int) ([]UnmatchedResultTestRun, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanUnmatchedResultTestRun,
		`SELECT `+unmatchedResultTestColumns+` FROM unmatched_tests WHERE completed_at = 0 ORDER BY created_at, id LIMIT $1`,
		limit)
	if err != nil {
		return nil, fmt.Errorf("listing tests: %w", err)
	}
	return all, nil
}

// UpdateUnmatchedResultTestRun stores the progress of a run. A run that has ended is not changed.
func (s *Store) UpdateUnmatchedResultTestRun(ctx context.Context, run UnmatchedResultTestRun) error {
	if _, err := s.updateUnmatchedResultTestRun(ctx, s.db.Writer, run); err != nil {
		return fmt.Errorf("writing test %s: %w", run.ID, err)
	}
	return nil
}

func (s *Store) updateUnmatchedResultTestRun(ctx context.Context, e sqldb.Querier,
	run UnmatchedResultTestRun) (int64, error) {
	document, err := encodeJSON(unmatchedResultTestRunDocument{run.OrderIDsByRole, run.LabAccountID, run.LabTestID})
	if err != nil {
		return 0, err
	}
	return sqldb.ExecCount(ctx, e,
		`UPDATE unmatched_tests SET status = $1, stage = $2, orders = $3, raw_result_id = $4, error_code = $5,
			error_message = $6, lease_until = $7, updated_at = $8, started_at = $9, completed_at = $10
		WHERE id = $11 AND completed_at = 0`,
		run.Status, run.Stage, document, sqldb.IDOrNull(run.ReviewID), run.ErrorCode, run.Error,
		sqldb.ToMicros(run.LeaseUntil), sqldb.ToMicros(s.now()), sqldb.ToMicros(run.StartedAt),
		sqldb.ToMicros(run.CompletedAt), run.ID)
}

// FailUnmatchedResultTestRun ends a run with an error.
func (s *Store) FailUnmatchedResultTestRun(ctx context.Context, run UnmatchedResultTestRun, code, why string) error {
	run.Status, run.Stage, run.ErrorCode, run.Error, run.CompletedAt = UnmatchedResultTestFailed,
		UnmatchedResultTestFailed, code, why, s.now()
	return s.UpdateUnmatchedResultTestRun(ctx, run)
}

// AdvanceUnmatchedResultTestRun continues a run. When all its orders have the required statuses, it stores the result,
// compares it with the team's orders and opens a match review, in one transaction. A run fails when its lease has
// expired or its orders take too long. It returns the endpoints to nudge.
func (s *Store) AdvanceUnmatchedResultTestRun(ctx context.Context, run UnmatchedResultTestRun) ([]string, error) {
	now := s.now()
	if run.Stage != UnmatchedResultTestStageTransitioning {
		if run.CompletedAt.IsZero() && !now.Before(run.LeaseUntil) {
			return nil, s.FailUnmatchedResultTestRun(ctx, run, "interrupted", "The test was interrupted; begin another one")
		}
		return nil, nil
	}
	test, _ := order.ReviewTestCaseOf(run.Request.Case)
	var on *order.Order
	for _, role := range test.Roles {
		o, err := s.Order(ctx, run.TeamID, run.OrderIDsByRole[role])
		if errors.Is(err, ErrNotFound) {
			return nil, s.FailUnmatchedResultTestRun(ctx, run, "order_gone", "An order of the test is gone")
		}
		if err != nil {
			return nil, err
		}
		if o.Status != test.RequiredStatuses[role] {
			if now.Sub(run.CreatedAt) < unmatchedResultTestTimeout {
				return nil, nil
			}
			return nil, s.FailUnmatchedResultTestRun(ctx, run, "orders_not_ready",
				"The orders did not get to the statuses that the test needs")
		}
		if on == nil {
			on = o
		}
	}
	return s.writeUnmatchedResultTestResult(ctx, run, test, on)
}

func (s *Store) writeUnmatchedResultTestResult(ctx context.Context, run UnmatchedResultTestRun,
	test order.ReviewTestCase, on *order.Order) ([]string, error) {
	of, err := s.LabTest(ctx, run.TeamID, run.LabTestID)
	if err != nil {
		return nil, err
	}
	account, err := s.LabAccount(ctx, run.LabAccountID)
	if err != nil {
		return nil, err
	}
	number := order.NewNumber()
	if test.NamesOrder() {
		number = on.Number
	}
	r := reviewedReport{
		subject: "test:" + run.ID, teamID: run.TeamID, accountID: account.ID, labSlug: account.LabSlug, orderNumber: number,
		hash:   sha256Hex(run.ID),
		report: test.LabReport(on, of, run.Request.ResultStatus, run.Request.Interpretation, s.now()),
	}
	if of.Lab != nil {
		r.labSlug = of.Lab.Slug
	}
	r.terms = testedPatientTerms(r.report.Patient)
	var endpoints []string
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		endpoints = nil
		if r.match, err = s.matchLabReport(ctx, tx, r, []string{number}); err != nil {
			return err
		}
		run.Stage, run.Status, run.CompletedAt = UnmatchedResultTestSucceeded, UnmatchedResultTestSucceeded, s.now()
		if r.match.Code != test.Case {
			run.Stage, run.Status, run.ErrorCode = UnmatchedResultTestFailed, UnmatchedResultTestFailed, "unexpected_decision"
			run.Error = "The result was judged " + string(r.match.Code)
			_, err = s.updateUnmatchedResultTestRun(ctx, tx, run)
			return err
		}
		n, err := s.updateUnmatchedResultTestRun(ctx, tx, run)
		if err != nil || n == 0 { // the run has ended meanwhile
			return err
		}
		if endpoints, err = s.openOrUpdateReview(ctx, tx, r); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx,
			`UPDATE unmatched_tests SET raw_result_id = (SELECT id FROM reviews WHERE subject = $1) WHERE id = $2`, r.subject,
			run.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("writing the result of test %s: %w", run.ID, err)
	}
	return endpoints, nil
}

const unmatchedResultTestColumns = `id, team_id, request, status, stage, orders, raw_result_id, error_code,
	error_message, lease_until, created_at, updated_at, started_at, completed_at`

func scanUnmatchedResultTestRun(row sqldb.Scanner) (UnmatchedResultTestRun, error) {
	var run UnmatchedResultTestRun
	var request, document string
	var lease, created, updated, started, completed int64
	err := row.Scan(&run.ID, &run.TeamID, &request, &run.Status, &run.Stage, &document,
		sqldb.EmptyIfNull(&run.ReviewID), &run.ErrorCode,
		&run.Error, &lease,
		&created, &updated, &started, &completed)
	if err != nil {
		return run, err
	}
	if err := decodeJSON(request, &run.Request); err != nil {
		return run, err
	}
	var d unmatchedResultTestRunDocument
	err = decodeJSON(document, &d)
	run.OrderIDsByRole, run.LabAccountID, run.LabTestID = d.Orders, d.Account, d.LabTest
	run.LeaseUntil, run.CreatedAt, run.UpdatedAt = sqldb.FromMicros(lease), sqldb.FromMicros(created),
		sqldb.FromMicros(updated)
	run.StartedAt, run.CompletedAt = sqldb.FromMicros(started), sqldb.FromMicros(completed)
	return run, err
}
