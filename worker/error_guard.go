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

// errorGuard checks the errors of every activity. Temporal's history stores an activity's error with all its causes,
// and the SDK logs it. So only errors that activities made for a history pass. Other errors and panics are replaced,
// because their text may quote anything.
type errorGuard struct {
	interceptor.WorkerInterceptorBase

	log *slog.Logger
}

// InterceptActivity implements the SDK's interceptor.
func (g *errorGuard) InterceptActivity(_ context.Context,
	next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &errorGuardedActivity{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next},
		log: g.log}
}

type errorGuardedActivity struct {
	interceptor.ActivityInboundInterceptorBase

	log *slog.Logger
}

// ExecuteActivity implements the SDK's interceptor. It logs the type and the stack of a panic, and the type of an
// error.
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

// isSafeForHistory reports whether an error holds only what an activity put into it: it is an error of Temporal's SDK
// without a cause.
func isSafeForHistory(err error) bool {
	switch e := err.(type) { //nolint:errorlint // a wrapped error does not pass
	case nil:
		return true
	case *temporal.ApplicationError:
		return e.Unwrap() == nil
	case *temporal.CanceledError:
		return true
	}
	cancelled := err == context.Canceled || err == context.DeadlineExceeded //nolint:errorlint // as above
	return cancelled || errors.Is(err, activity.ErrResultPending)
}
