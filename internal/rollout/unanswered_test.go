package rollout

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
)

func TestUnansweredCallsAreRepeated(t *testing.T) {
	t.Parallel()
	refused := serviceerror.NewFailedPrecondition("no pollers")
	for name, unanswered := range map[string]error{
		"too late":  serviceerror.NewDeadlineExceeded("too late"),
		"cut off":   serviceerror.NewCanceled("stream terminated by RST_STREAM"),
		"away":      serviceerror.NewUnavailable("connection refused"),
		"by itself": context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			require.ErrorIs(t, repeatUnanswered(t.Context(), func() error {
				calls++
				if calls == 1 {
					return unanswered
				}
				return refused
			}), refused, "an answer is not repeated")
			require.Equal(t, 2, calls)

			ended, end := context.WithCancel(t.Context())
			end()
			require.ErrorIs(t, repeatUnanswered(ended, func() error { return unanswered }), unanswered)
		})
	}
	require.False(t, isUnanswered(nil))
	require.False(t, isUnanswered(errors.New("no")))
}
