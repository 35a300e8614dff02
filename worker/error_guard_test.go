package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdk "go.temporal.io/sdk/worker"
)

const canary = "Quillfeather"

func TestActivityErrorsAreSafeForHistory(t *testing.T) {
	t.Parallel()
	ours := temporal.NewApplicationError("placing: refused", "Refused")
	for name, c := range map[string]struct {
		fails func() error
		want  string
	}{
		"ours":            {func() error { return ours }, "placing: refused"},
		"panic":           {func() error { panic("no such patient: " + canary) }, "panicked"},
		"panicking error": {func() error { panic(errors.New(canary)) }, "panicked"},
		"plain":           {func() error { return errors.New(canary) }, "failed; see"},
		"with a cause": {func() error { return temporal.NewApplicationErrorWithCause("x", "X", errors.New(canary)) },
			"failed; see"},
		"wrapped": {func() error { return fmt.Errorf("of %s: %w", canary, ours) }, "failed; see"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			err := failWith(t, c.fails, &errorGuard{log: slog.New(slog.NewJSONHandler(&logged, nil))})
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), canary)
			require.Equal(t, name != "ours", logged.Len() > 0)
			if c.want == "panicked" {
				require.NotContains(t, logged.String(), canary)
				require.Contains(t, logged.String(), "guard_test.go", "the stack says where")
			}

			// The control: without the guard the text is not removed.
			if name != "ours" {
				require.ErrorContains(t, failWith(t, c.fails), canary)
			}
		})
	}
}

// failWith returns the error of an activity that a worker with these interceptors runs.
func failWith(t *testing.T, fails func() error, guards ...interceptor.WorkerInterceptor) error {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(sdk.Options{Interceptors: guards})
	env.RegisterActivityWithOptions(func(context.Context) error { return fails() }, activity.RegisterOptions{Name: "Fail"})
	_, err := env.ExecuteActivity("Fail")
	require.Error(t, err)
	text := err.Error()
	for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(cause) {
		text += "\n" + cause.Error()
	}
	return errors.New(text)
}
