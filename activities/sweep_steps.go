package activities

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// sweepStep names a step of a sweep in metrics and in errors.
type sweepStep string

// The steps of sweeps.
const (
	stepStartOrders      sweepStep = "start_orders"      // orders that were never started
	stepMatchFacts       sweepStep = "match_facts"       // inbox items that had no order
	stepWakeUnsettled    sweepStep = "wake_unsettled"    // facts and demands without an outcome
	stepWakeBehind       sweepStep = "wake_behind"       // orders that are behind
	stepNudgeEndpoints   sweepStep = "nudge_endpoints"   // due deliveries
	stepUnmatchedReports sweepStep = "unmatched_reports" // lab reports without an order
	stepSealAudit        sweepStep = "seal_audit"
	stepPrune            sweepStep = "prune"
	stepErase            sweepStep = "erase"
	stepCorrectCounts    sweepStep = "correct_counts" // of the hourly sweep
	stepPruneRateLimits  sweepStep = "rate_limits"    // of the hourly sweep
	stepOpenOrders       sweepStep = "open_orders"    // of the hourly sweep
)

func allSweepSteps() []sweepStep {
	return []sweepStep{stepStartOrders, stepMatchFacts, stepWakeUnsettled, stepWakeBehind, stepNudgeEndpoints,
		stepUnmatchedReports, stepSealAudit, stepPrune, stepErase, stepCorrectCounts, stepPruneRateLimits,
		stepOpenOrders}
}

// healStepTimeLimit is how long one step of a sweep calls Temporal at most. The steps that do so take half of the
// sweep's time limit, so the others get their turn while Temporal does not answer.
const healStepTimeLimit = time.Minute

// sweepSteps runs the steps of one sweep. A failing step does not stop the others.
type sweepSteps struct {
	metrics *Metrics
	failed  []string
}

// try runs a step. It counts and keeps the name of one that fails; the step itself has logged why. Once ctx has ended,
// it runs no step.
func (s *sweepSteps) try(ctx context.Context, step sweepStep, run func(context.Context) error) {
	if ctx.Err() != nil {
		return
	}
	if err := run(ctx); err != nil && ctx.Err() == nil {
		s.metrics.countSweepStepFailure(step)
		s.failed = append(s.failed, string(step))
	}
}

// tryHealing runs a step that calls Temporal, for at most healStepTimeLimit, and adds what it healed to total.
func (s *sweepSteps) tryHealing(ctx context.Context, step sweepStep, total *int,
	heal func(context.Context) (int, error)) {
	s.try(ctx, step, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, healStepTimeLimit)
		defer cancel()
		healed, err := heal(ctx)
		*total += healed
		return err
	})
}

// err returns the error of the sweep for the history, which names the steps that failed and holds what was done; nil:
// all succeeded. It is the error of ctx if that has ended.
func (s *sweepSteps) err(ctx context.Context, out dispatch.SweepResult, retry bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(s.failed) == 0 {
		return nil
	}
	return temporal.NewApplicationErrorWithOptions("failed: "+strings.Join(s.failed, ", ")+"; see the worker's log",
		dispatch.ErrorFault, temporal.ApplicationErrorOptions{NonRetryable: !retry, Details: []any{out}})
}

// healingError logs the failures of a healing and returns an error without their text. It is the error of ctx if that
// has been cancelled.
func (a *Activities) healingError(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return a.internalError(ctx, doing, "", err)
}
