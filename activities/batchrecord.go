package activities

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/store"
)

const (
	batchRecord   = 256                    // attempts recorded together, at most
	recordPause   = 500 * time.Millisecond // before a recording that failed is tried again
	recordTimeout = 20 * time.Second       // then it is given up, and the attempts are made again
)

// record writes attempts until there are no more: what has come up while the last were written goes into the next transaction.
func (b *batch) record(ctx context.Context) {
	defer close(b.recorded)
	for row := range b.made {
		rows := b.collect(row)
		if err := b.write(context.WithoutCancel(ctx), rows); err != nil {
			b.end(false, err)
		}
		b.mu.Lock()
		for _, r := range rows {
			b.landed = append(b.landed, r.MessageID)
		}
		b.mu.Unlock()
	}
}

// collect adds to the first attempt those that wait behind it.
func (b *batch) collect(first store.AttemptRow) []store.AttemptRow {
	rows := []store.AttemptRow{first}
	for len(rows) < batchRecord {
		select {
		case row, ok := <-b.made:
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

// write records attempts. It is tried for a while where the store is away: to make them again would double what was delivered.
func (b *batch) write(ctx context.Context, rows []store.AttemptRow) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	for {
		out, err := b.Store.RecordAttempts(ctx, b.endpoint.ID, rows)
		if err == nil {
			b.recordedAs(ctx, out)
			return nil
		}
		b.Log.WarnContext(ctx, "deliveries not recorded yet", "endpoint_id", b.endpoint.ID, "attempts", len(rows), "error", err)
		if stopped := sleep(ctx, recordPause); stopped != nil {
			return errors.Join(err, stopped)
		}
	}
}

// recordedAs tells of what the attempts have led to.
func (b *batch) recordedAs(ctx context.Context, out store.AttemptsRecorded) {
	b.Metrics.exhausted.Add(float64(out.Exhausted))
	if out.Disabled != "" {
		b.Metrics.disabled.WithLabelValues(out.Disabled).Inc()
		b.Log.WarnContext(ctx, "endpoint disabled", "endpoint_id", b.endpoint.ID, "team_id", b.endpoint.TeamID, "reason", out.Disabled)
		b.end(true, nil)
	}
	for _, id := range out.Endpoints {
		if err := b.Dispatch.NudgeDeliveries(ctx, id); err != nil { // the reconciler makes up for it
			b.Log.WarnContext(ctx, "deliveries not nudged", "endpoint_id", id, "error", err)
		}
	}
}

// finish waits for what is under way and for its records, and for the endpoint's rate: another batch may follow at once.
func (b *batch) finish(ctx context.Context, err error) error {
	b.posting.Wait()
	close(b.made)
	<-b.recorded
	if err == nil && !stopping(ctx) {
		err = sleep(ctx, time.Until(b.nextAt))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(err, b.err)
}
