package worker

import (
	"context"
	"time"
)

// PauseReason is why a worker does not poll.
type PauseReason string

// The reasons.
const (
	NotPaused         PauseReason = ""
	PausedByDatabase  PauseReason = "database"          // it does not answer, is read-only or has no schema
	PausedBySchema    PauseReason = "migration_missing" // the database lacks a migration of this build
	PausedByDisk      PauseReason = "disk_full"         // the database has no room for what tasks record
	PausedByKeys      PauseReason = "keys"              // the encryption keys do not open what other processes seal
	PausedByNoRestart PauseReason = "temporal"          // the store is back, and Temporal refuses the worker
)

// watchStore checks the store at each interval until ctx ends. It pauses and resumes the worker.
func (w *Worker) watchStore(ctx context.Context) {
	tick := time.NewTicker(w.checkInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		reason, err := w.checks.run(ctx)
		if ctx.Err() != nil {
			return
		}
		w.adapt(ctx, reason, err)
	}
}

// adapt pauses or resumes the worker after a check with the given outcome.
func (w *Worker) adapt(ctx context.Context, reason PauseReason, cause error) {
	polls := len(w.running) > 0
	switch {
	case reason != NotPaused && polls:
		w.metrics.countPause(reason)
		w.setPaused(ctx, reason, cause)
		w.stopPolling()
	case reason != NotPaused:
		w.setPaused(ctx, reason, cause)
	case !polls:
		w.resume(ctx)
	}
}

// resume starts new workers of all queues, because the SDK's cannot be started twice. The next check tries again where
// that fails.
func (w *Worker) resume(ctx context.Context) {
	if err := w.startPolling(); err != nil {
		w.setPaused(ctx, PausedByNoRestart, err)
		return
	}
	w.pausedBy.Store(NotPaused)
	w.log.InfoContext(ctx, "the worker polls again")
}

// setPaused publishes the reason of a pause, and logs it if it has changed.
func (w *Worker) setPaused(ctx context.Context, reason PauseReason, cause error) {
	if w.PausedBy() == reason {
		return
	}
	w.pausedBy.Store(reason)
	w.log.ErrorContext(ctx, "the worker does not poll", "reason", string(reason), "error", cause)
}
