package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrDiskFull means that the disk of the database has no room for writes.
var ErrDiskFull = errors.New("the disk of the database is full")

const (
	// diskFullFor is how long the disk counts as full after it has refused a write of this process. A write that succeeds
	// meanwhile may have needed no room.
	diskFullFor = 15 * time.Second
	// roomProbeInterval is the least time between two writes of CheckRoom.
	roomProbeInterval = 10 * time.Second
	// roomBucket is the row of rate_limits that CheckRoom writes.
	roomBucket = "disk"
)

// roomProbe is the last write of CheckRoom.
type roomProbe struct {
	mu sync.Mutex
	at time.Time
}

// CheckRoom returns ErrDiskFull if the disk of the database has no room: a write of this process was refused for that a
// moment ago, or a small one is refused now, which CheckRoom tries at most every roomProbeInterval. Another error is no
// answer. When there is room again, it writes the audit rows that had none.
func (s *Store) CheckRoom(ctx context.Context) error {
	if s.isDiskFull() {
		return ErrDiskFull
	}
	if !s.room.mu.TryLock() { // somebody else tries
		return nil
	}
	defer s.room.mu.Unlock()
	if time.Since(s.room.at) < roomProbeInterval {
		return nil
	}
	_, err := s.TakeRateTokens(ctx, roomBucket, 1, RateLimit{PerSecond: 1_000_000, Burst: 1_000_000})
	if IsDiskFull(err) {
		return ErrDiskFull
	}
	if err != nil {
		return fmt.Errorf("looking for room on the disk: %w", err)
	}
	s.room.at = time.Now()
	return s.writeDeferredAudit(ctx, deferredPerCheck)
}

func (s *Store) isDiskFull() bool {
	at := s.db.DiskRefusedAt()
	return !at.IsZero() && time.Since(at) < diskFullFor
}
