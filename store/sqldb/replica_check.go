package sqldb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The bounds of the time between two checks of a replica.
const (
	minReplicaCheckInterval = 100 * time.Millisecond
	maxReplicaCheckInterval = time.Second
)

// maxReplicaSamples bounds the samples that are stored while a replica is behind: about an hour.
const maxReplicaSamples = 4096

// Reasons for which a replica is not asked.
var (
	errReplicaUnchecked = errors.New("the first check is not done")
	errNoReplica        = errors.New("the server is no replica: it accepts writes")
	errOtherDatabase    = errors.New("the server is a replica of another database")
)

// logSample is a position in the write-ahead log of the primary, in bytes, and a time at which the log had reached it.
// A replica that has replayed the position has everything that was committed before the time.
type logSample struct {
	at       time.Time
	position int64
}

// replicaState is what the checks have found.
type replicaState struct {
	err     error       // why the replica is not asked; nil: nothing is wrong with it
	samples []logSample // oldest first
	freshAt time.Time   // the replica had everything from before this time; zero: not known
}

// addSample adds a sample of the primary.
func (s *replicaState) addSample(sample logSample) { s.samples = append(s.samples, sample) }

// noteReplayed notes what the replica has replayed. It drops samples that are of no more use, which are replayed and
// older than maxAge.
func (s *replicaState) noteReplayed(position int64, now time.Time, maxAge time.Duration) {
	for _, sample := range s.samples {
		if sample.position <= position && sample.at.After(s.freshAt) {
			s.freshAt = sample.at
		}
	}
	s.samples = slices.DeleteFunc(s.samples, func(sample logSample) bool {
		return sample.position <= position && now.Sub(sample.at) > maxAge
	})
	s.samples = s.samples[max(0, len(s.samples)-maxReplicaSamples):]
}

// requiredPosition returns the position that a replica must have replayed to be at most maxAge old. It returns false
// when the replica is known to be older, or cannot be asked.
func (s *replicaState) requiredPosition(now time.Time, maxAge time.Duration) (int64, bool) {
	if s.err != nil || now.Sub(s.freshAt) > maxAge {
		return 0, false
	}
	for _, sample := range s.samples {
		if now.Sub(sample.at) <= maxAge {
			return sample.position, true
		}
	}
	return 0, false
}

func (r *Replica) requiredPosition(now time.Time) (int64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.heldUntil) {
		return 0, false
	}
	return r.state.requiredPosition(now, r.maxAge)
}

// keepChecking checks the replica until the context ends.
func (r *Replica) keepChecking(ctx context.Context) {
	defer close(r.stopped)
	tick := time.NewTicker(min(max(r.maxAge/5, minReplicaCheckInterval), maxReplicaCheckInterval))
	defer tick.Stop()
	wasUsable := false
	for first := true; ctx.Err() == nil; first = false {
		err := r.check(ctx)
		if ctx.Err() != nil {
			return
		}
		_, usable := r.requiredPosition(time.Now())
		r.logChange(first, wasUsable, usable, err)
		wasUsable = usable
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// logChange logs that the replica can be used, or that it cannot any more.
func (r *Replica) logChange(first, wasUsable, usable bool, err error) {
	switch {
	case usable && !wasUsable:
		r.log.Info("the database replica answers reads")
	case !usable && (wasUsable || first):
		if err == nil {
			err = errReplicaBehind
		}
		r.log.Warn("the primary answers all reads: the database replica cannot be used", "error", err)
	}
}

// serverIdentity is the SQL expression of the database that a server has. It is the same on a primary and its replicas.
const serverIdentity = `(SELECT system_identifier FROM pg_control_system()) || '/' || current_database()`

// check takes a sample of the primary and asks the replica for its position. It returns why the replica cannot be
// asked. While the primary does not answer, the replica becomes too old.
func (r *Replica) check(ctx context.Context) error {
	primary, sample, primaryErr := r.samplePrimary(ctx)
	replica, replayed, err := r.askPosition(ctx)
	if err == nil && primaryErr == nil && primary != replica {
		err = errOtherDatabase
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.err = err
	if primaryErr == nil {
		r.state.addSample(sample)
	}
	if err == nil {
		r.state.noteReplayed(replayed, time.Now(), r.maxAge)
	}
	return errors.Join(err, primaryErr)
}

func (r *Replica) samplePrimary(ctx context.Context) (identity string, sample logSample, err error) {
	ctx, cancel := context.WithTimeout(ctx, replicaPatience)
	defer cancel()
	sample.at = time.Now()
	err = r.primary.QueryRowContext(ctx, `SELECT `+serverIdentity+`,
		CAST(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS BIGINT)`).Scan(&identity, &sample.position)
	if err != nil {
		return "", logSample{}, fmt.Errorf("asking the primary for its position: %w", err)
	}
	return identity, sample, nil
}

func (r *Replica) askPosition(ctx context.Context) (identity string, replayed int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, replicaPatience)
	defer cancel()
	var isReplica bool
	err = r.checked.QueryRowContext(ctx, `SELECT `+serverIdentity+`, pg_is_in_recovery(),
		CAST(COALESCE(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0) AS BIGINT)`).Scan(&identity, &isReplica,
		&replayed)
	if err != nil {
		return "", 0, fmt.Errorf("asking the replica for its position: %w", err)
	}
	if !isReplica {
		return "", 0, errNoReplica
	}
	return identity, replayed, nil
}

// ReplicaStats are figures about a replica.
type ReplicaStats struct {
	Usable bool
	// Age is how old the newest state of the primary is that the replica is known to have. It is at least the time since
	// the last check.
	Age   time.Duration
	Reads map[ReplicaOutcome]uint64 // since the start, by outcome; each outcome is present
}

// Stats returns the figures. Without a replica, or before it has been reached, Age is zero.
func (r *Replica) Stats() ReplicaStats {
	stats := ReplicaStats{Reads: map[ReplicaOutcome]uint64{}}
	if r != nil {
		now := time.Now()
		_, stats.Usable = r.requiredPosition(now)
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.state.freshAt.IsZero() {
			stats.Age = now.Sub(r.state.freshAt)
		}
	}
	for _, o := range ReplicaOutcomes() {
		if r != nil {
			stats.Reads[o] = r.reads[o]
		} else {
			stats.Reads[o] = 0
		}
	}
	return stats
}
