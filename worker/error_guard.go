package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// errorGuard stands around every activity. What an activity fails with is kept in Temporal's history, and logged by the SDK, with all its
// causes; so only errors pass that activities made for it. Others, and panics, whose text may quote anything, are replaced.
type errorGuard struct {
	interceptor.WorkerInterceptorBase

	log *slog.Logger
}

// InterceptActivity is the SDK's.
func (g *errorGuard) InterceptActivity(_ context.Context,
	next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &errorGuardedActivity{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next},
		log: g.log}
}

type errorGuardedActivity struct {
	interceptor.ActivityInboundInterceptorBase

	log *slog.Logger
}

// ExecuteActivity is the SDK's. Of a panic the type and the stack are logged, of another error only what it is.
func (a *errorGuardedActivity) ExecuteActivity(ctx context.Context,
	in *interceptor.ExecuteActivityInput) (out any, err error) {
	name := activity.GetInfo(ctx).ActivityType.Name
	defer func() {
		if p := recover(); p != nil {
			a.log.ErrorContext(ctx, "activity panicked", "activity", name, "type", fmt.Sprintf("%T", p), "stack",
				string(debug.Stack()))
			out, err = nil, temporal.NewApplicationError(name+" panicked; see the worker's log", dispatch.ErrorPanic)
		}
	}()
	out, err = a.Next.ExecuteActivity(ctx, in)
	if isSafeForHistory(err) {
		return out, err
	}
	a.log.ErrorContext(ctx, "activity failed with an error that is not for a history", "activity", name, "error", err)
	return nil, temporal.NewApplicationError(name+" failed; see the worker's log", dispatch.ErrorFault)
}

// isSafeForHistory reports whether an error says nothing but what an activity meant to say: it is one of Temporal's own, without a cause.
func isSafeForHistory(err error) bool {
	switch e := err.(type) { //nolint:errorlint // one that is wrapped does not pass
	case nil:
		return true
	case *temporal.ApplicationError:
		return e.Unwrap() == nil
	case *temporal.CanceledError:
		return true
	}
	return err == context.Canceled || err == context.DeadlineExceeded || errors.Is(err, activity.ErrResultPending) //nolint:errorlint // as above
}
