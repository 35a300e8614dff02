package activities

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/store"
)

const (
	recordBatchSize  = 256                    // attempts per transaction, at most
	recordRetryPause = 500 * time.Millisecond // before a failed recording is repeated
	recordTimeout    = 20 * time.Second       // after it the recording is given up, and the attempts are repeated
)

// runRecorder records attempts until the channel is closed. Attempts that finish during one transaction go into the
// next.
func (b *batch) runRecorder(ctx context.Context) {
	defer close(b.recorderDone)
	for row := range b.attempts {
		rows := b.collectAttempts(row)
		if err := b.writeAttempts(context.WithoutCancel(ctx), rows); err != nil {
			b.stop(err)
		}
		b.mu.Lock()
		for _, r := range rows {
			b.recordedIDs = append(b.recordedIDs, r.MessageID)
		}
		b.mu.Unlock()
	}
}

// collectAttempts returns the first attempt and those that wait behind it.
func (b *batch) collectAttempts(first store.AttemptRow) []store.AttemptRow {
	rows := []store.AttemptRow{first}
	for len(rows) < recordBatchSize {
		select {
		case row, ok := <-b.attempts:
			if !ok {
				return rows
			}
			rows = append(rows, row)
		default:
			return rows
		}
	}
	return rows
}

// writeAttempts records attempts. It retries for recordTimeout while the store is unavailable, because an attempt
// without a row is made again.
func (b *batch) writeAttempts(ctx context.Context, rows []store.AttemptRow) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	for {
		out, err := b.recordRenewing(ctx, rows)
		if err == nil {
			b.handleRecorded(ctx, out)
			return nil
		}
		b.Log.WarnContext(ctx, "deliveries not recorded yet", "endpoint_id", b.endpoint.ID, "attempts", len(rows), "error",
			err)
		if stopped := sleep(ctx, recordRetryPause); stopped != nil {
			return errors.Join(err, stopped)
		}
	}
}

// recordRenewing records attempts. It renews the lease in the same transaction unless it was renewed just now.
func (b *batch) recordRenewing(ctx context.Context, rows []store.AttemptRow) (store.AttemptsResult, error) {
	if b.ignoresLeases || b.lease.age() < leaseRenewAge {
		return b.Store.RecordAttempts(ctx, b.endpoint.ID, rows)
	}
	lease, _, _ := b.lease.state()
	began := time.Now()
	out, err := b.Store.RecordAttemptsUnderLease(ctx, lease, rows)
	b.lease.noteRenewal(began, out.LeaseLost, err)
	return out, err
}

// handleRecorded counts and logs what the recorded attempts led to, and nudges the endpoints that got new deliveries.
func (b *batch) handleRecorded(ctx context.Context, out store.AttemptsResult) {
	b.Metrics.exhausted.Add(float64(out.ExhaustedDeliveries))
	b.Metrics.droppedAttempts.Add(float64(out.DroppedAttempts))
	if out.LeaseLost {
		b.stopWithoutLease(ctx, store.ErrLeaseLost)
	}
	if out.DisabledReason != "" {
		b.Metrics.disabled.WithLabelValues(out.DisabledReason).Inc()
		b.Log.WarnContext(ctx, "endpoint disabled", "endpoint_id", b.endpoint.ID, "team_id", b.endpoint.TeamID, "reason",
			out.DisabledReason)
		b.stop(nil)
	}
	for _, id := range out.EndpointsToNudge {
		if err := b.Dispatch.NudgeDeliveries(ctx, id); err != nil { // the reconciler nudges again
			b.Log.WarnContext(ctx, "deliveries not nudged", "endpoint_id", id, "error", err)
		}
	}
}

// awaitRunningAttempts waits for running attempts and their recording. Then it waits for the endpoint's rate limit,
// because another batch may follow at once.
func (b *batch) awaitRunningAttempts(ctx context.Context, err error) error {
	b.posting.Wait()
	close(b.attempts)
	<-b.recorderDone
	if err == nil && !workerStopping(ctx) {
		err = sleep(ctx, time.Until(b.nextAttemptAt))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(err, b.err)
}

// sleep waits. It returns an error when the context ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
