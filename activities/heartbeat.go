package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// heartbeatInterval is how often waiting activities heartbeat.
const heartbeatInterval = 10 * time.Second

// startHeartbeat heartbeats until the returned function is called.
func (a *Activities) startHeartbeat(ctx context.Context) (stop func()) {
	return repeatUntilStopped(heartbeatInterval, func() { activity.RecordHeartbeat(ctx) })
}

// startProgressHeartbeat heartbeats with the progress of the activity, which the Temporal UI shows.
func (a *Activities) startProgressHeartbeat(ctx context.Context, every time.Duration,
	progress func() dispatch.BatchResult) (stop func()) {
	return repeatUntilStopped(every, func() { activity.RecordHeartbeat(ctx, progress()) })
}

func repeatUntilStopped(every time.Duration, beat func()) (stop func()) {
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
