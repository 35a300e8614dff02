package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// healConcurrency is how many orders or endpoints are healed at once. Each takes a call to Temporal, which waits for
// its disks.
const healConcurrency = 8

// healTimeLimit is how long the healing of one order or endpoint takes at most. A call to Temporal that hangs ends
// then, and others get their turn.
const healTimeLimit = 10 * time.Second

// reportedFailures is how many of the orders or endpoints that could not be healed an error quotes.
const reportedFailures = 10

// healConcurrently calls do for each id of a list, several at once. A failing id does not stop the others. It returns
// the sum of what do returned, and an error for the log that quotes the first failures. If ctx ends, it starts no more
// calls and returns the error of ctx too.
func healConcurrently(ctx context.Context, ids []string,
	do func(context.Context, string) (int, error)) (healed int, err error) {
	healedByID, failures := make([]int, len(ids)), make([]error, len(ids))
	var group errgroup.Group
	group.SetLimit(healConcurrency)
	for i, id := range ids {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			healCtx, cancel := context.WithTimeout(ctx, healTimeLimit)
			defer cancel()
			healedByID[i], failures[i] = do(healCtx, id)
			return nil
		})
	}
	_ = group.Wait() // failures has the errors
	for _, n := range healedByID {
		healed += n
	}
	return healed, errors.Join(quoteFailures(ids, failures), ctx.Err())
}

// quoteFailures joins the first errors of a list, each with its id, and the number of all of them; nil: there is none.
func quoteFailures(ids []string, failures []error) error {
	var quoted []error
	failed := 0
	for i, err := range failures {
		if err == nil {
			continue
		}
		if failed++; failed <= reportedFailures {
			quoted = append(quoted, fmt.Errorf("%s: %w", ids[i], err))
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d failed: %w", failed, len(ids), errors.Join(quoted...))
}
