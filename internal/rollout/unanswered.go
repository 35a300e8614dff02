package rollout

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
)

// How long a call that Temporal does not answer is repeated, and how often.
const (
	unansweredTimeout = 2 * time.Minute
	unansweredPause   = time.Second
)

// repeatUnanswered makes a call until Temporal answers it, for unansweredTimeout at most. On a busy cluster a change of
// a deployment can take longer than one call may: Temporal makes it in a workflow of its own. Every call here can be
// repeated, because a change that has been made already changes nothing.
func repeatUnanswered(ctx context.Context, call func() error) error {
	deadline := time.Now().Add(unansweredTimeout)
	for {
		err := call()
		if !isUnanswered(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(unansweredPause):
		}
	}
}

// isUnanswered reports whether a call ended without an answer of Temporal.
func isUnanswered(err error) bool {
	if err == nil {
		return false
	}
	_, late := errors.AsType[*serviceerror.DeadlineExceeded](err)
	_, cut := errors.AsType[*serviceerror.Canceled](err)
	_, away := errors.AsType[*serviceerror.Unavailable](err)
	return late || cut || away || errors.Is(err, context.DeadlineExceeded)
}
