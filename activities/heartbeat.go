package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/dispatch"
)

// beat is how often waiting activities heartbeat.
const beat = 10 * time.Second

// heartbeat tells Temporal that the activity lives until the returned function is called.
func (a *Activities) heartbeat(ctx context.Context) (stop func()) {
	return beating(beat, func() { activity.RecordHeartbeat(ctx) })
}

// heartbeatWith does so with what the activity has done so far, which the Temporal UI shows.
func (a *Activities) heartbeatWith(ctx context.Context, every time.Duration, progress func() dispatch.BatchResult) (stop func()) {
	return beating(every, func() { activity.RecordHeartbeat(ctx, progress()) })
}

func beating(every time.Duration, beat func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				beat()
			}
		}
	}()
	return func() { close(done); <-ended }
}
