package worker

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/store"
)

// checkedStore is what a worker checks of its store.
type checkedStore interface {
	CheckWritable(ctx context.Context) error
	CheckSchema(ctx context.Context) error
	CheckRoom(ctx context.Context) error
	CheckEncryptionKeys(ctx context.Context) error
}

// How a failing store is told from a slow one. A worker whose connections are all in use for a moment keeps polling.
const (
	checkTimeout    = 4 * time.Second
	failuresToPause = 2 // in a row. One success ends the pause.
)

// storeChecks finds out whether a worker can use its store.
type storeChecks struct {
	store    checkedStore
	failures int // in a row
}

func newStoreChecks(s checkedStore) *storeChecks { return &storeChecks{store: s} }

// run checks the store once. It returns why the worker must not poll, with the error of the check, or NotPaused. A
// first failure does not count yet.
func (c *storeChecks) run(ctx context.Context) (PauseReason, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := c.check(ctx)
	if err == nil {
		c.failures = 0
		return NotPaused, nil
	}
	if c.failures++; c.failures < failuresToPause {
		return NotPaused, nil
	}
	return pauseReason(err), err
}

// check returns why the store cannot be used, or nil.
func (c *storeChecks) check(ctx context.Context) error {
	if err := c.store.CheckSchema(ctx); errors.Is(err, store.ErrOldSchema) {
		return err
	}
	if err := c.store.CheckWritable(ctx); err != nil {
		return err
	}
	if err := c.store.CheckRoom(ctx); store.IsDiskFull(err) {
		return err
	}
	return c.store.CheckEncryptionKeys(ctx)
}

// pauseReason returns the reason for a check's error.
func pauseReason(err error) PauseReason {
	switch {
	case errors.Is(err, store.ErrWrongKeys):
		return PausedByKeys
	case errors.Is(err, store.ErrOldSchema):
		return PausedBySchema
	case store.IsDiskFull(err):
		return PausedByDisk
	}
	return PausedByDatabase
}
