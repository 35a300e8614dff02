// Package activities holds the side effects of Aliquot's workflows: what they load and record, what they ask of labs
// and couriers, the deliveries of webhooks, and the reconciler's sweeps. Nothing here decides what happens to an order.
//
// Temporal's history holds the results and the errors of activities. So results hold ids and codes, and an error says
// only which step failed. Its cause goes to the log, and a partner's words go to the store, sealed.
package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// LabFactory opens a client of a lab account.
type LabFactory func(labs.Account, labs.WaitForTurn) (labs.Lab, error)

// Dispatcher reaches workflows. *dispatch.Client implements it.
type Dispatcher interface {
	StartOrder(ctx context.Context, orderID string) error
	EnsureOrder(ctx context.Context, orderID string) (started bool, err error)
	RunningOrders(ctx context.Context, orderIDs []string) (running map[string]bool, err error)
	WakeOrder(ctx context.Context, orderID string, w dispatch.Wake) error
	NudgeDeliveries(ctx context.Context, endpointID string) error
}

// Activities are the activities of one worker process. Only Tracker may be nil.
type Activities struct {
	Store    *store.Store
	Dispatch Dispatcher
	Partners map[string]LabFactory // by the protocol of a lab account
	Tracker  couriers.Tracker      // nil: no courier aggregator is configured
	Sender   *webhooks.Sender
	// Concurrency is how many deliveries to one endpoint run at once. Defaults to DefaultConcurrency.
	Concurrency int
	// Linger is how long a batch waits for more deliveries when none is due. Defaults to 2 s.
	Linger time.Duration
	// ConfirmationWait is how long a call that books an appointment waits for its confirmation before the provider is
	// asked again. Defaults to DefaultConfirmationWait.
	ConfirmationWait time.Duration

	Retention Retention
	Metrics   *Metrics
	Log       *slog.Logger
	Now       func() time.Time
	// NotifyInline makes recordings notify other workflows before they return. Tests without real time need it.
	NotifyInline bool

	batchWakers   batchWakers
	background    background
	ignoresLeases bool // tests only: batches neither take nor respect leases
}

// isNotFound reports whether an error of the store says that a row does not exist.
func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// partnerError returns an error for the history in place of one of a lab, courier or provider. The workflow chooses
// what to do by the type of the error.
func (a *Activities) partnerError(ctx context.Context, doing, orderID string, err error) error {
	if errors.Is(err, labs.ErrNotSupported) {
		return temporal.NewNonRetryableApplicationError(doing+": not supported by the partner", dispatch.ErrorNotSupported,
			nil)
	}
	if errors.Is(err, labs.ErrSlotGone) {
		return temporal.NewNonRetryableApplicationError(doing+": slot gone", dispatch.ErrorSlotGone, nil)
	}
	if refused, ok := errors.AsType[*labs.RefusedError](err); ok {
		return temporal.NewNonRetryableApplicationError(doing+": refused: "+refusalCode(refused), dispatch.ErrorRefused, nil)
	}
	a.Log.WarnContext(ctx, "partner call failed", "doing", doing, "order_id", orderID, "outcome", callOutcome(err),
		"error", err)
	if busy, ok := errors.AsType[*labs.BusyError](err); ok {
		return temporal.NewApplicationErrorWithOptions(fmt.Sprintf("%s: busy (%d)", doing, busy.Status), dispatch.ErrorBusy,
			temporal.ApplicationErrorOptions{NextRetryDelay: busy.RetryAfter})
	}
	if away, ok := errors.AsType[*couriers.UnavailableError](err); ok && away.RetryAfter > 0 {
		return temporal.NewApplicationErrorWithOptions(doing+": "+callOutcome(err), dispatch.ErrorUnanswered,
			temporal.ApplicationErrorOptions{NextRetryDelay: away.RetryAfter})
	}
	return temporal.NewApplicationError(doing+": "+callOutcome(err), dispatch.ErrorUnanswered)
}

// refusalCodePattern is the form of the codes that adapters give.
var refusalCodePattern = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// refusalCode returns the code of a refusal. Text of another form may be the partner's own words, so it is not
// returned.
func refusalCode(refused *labs.RefusedError) string {
	if !refusalCodePattern.MatchString(refused.Code) {
		return labs.CodeRefusedByLab
	}
	return refused.Code
}

// errNotReady is the outcome of a fetch when the lab has no results yet.
var errNotReady = errors.New("the lab has no results yet")

// callOutcome returns the code of a partner call's outcome, as the order's story shows it.
func callOutcome(err error) string {
	if err == nil {
		return "done"
	}
	if errors.Is(err, labs.ErrNotSupported) {
		return "not_supported"
	}
	if errors.Is(err, errNotReady) {
		return "not_ready"
	}
	if errors.Is(err, labs.ErrSlotGone) {
		return "slot_gone"
	}
	if refused, ok := errors.AsType[*labs.RefusedError](err); ok {
		return "refused:" + refusalCode(refused)
	}
	if busy, ok := errors.AsType[*labs.BusyError](err); ok {
		return fmt.Sprintf("busy:%d", busy.Status)
	}
	if unauthorized, ok := errors.AsType[*labs.UnauthorizedError](err); ok {
		return fmt.Sprintf("unauthorized:%d", unauthorized.Status)
	}
	if status := labs.FailureStatus(err); status != 0 {
		return fmt.Sprintf("unanswered:%d", status)
	}
	return courierOutcome(err)
}

// courierOutcome returns the code of a failed call to a tracking service. Its own code is left out, because its form is
// another one.
func courierOutcome(err error) string {
	if _, ok := errors.AsType[*couriers.AccountError](err); ok || errors.Is(err, errAccountRefused) {
		return "unauthorized"
	}
	if _, ok := errors.AsType[*couriers.RefusedError](err); ok {
		return "refused"
	}
	return "unanswered"
}
