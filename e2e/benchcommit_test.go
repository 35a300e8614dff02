package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// committedBytes is what a commit of a floor writes: what an order leaves in the store, divided by its commits.
const committedBytes = 4 << 10

// committer makes the durable commits of bare workflows, in the database and with the settings of the store.
type committer struct {
	db   floorDB
	each int // commits at a time

	mu      sync.Mutex
	applied map[string]chan struct{} // by workflow: its signals that have been applied
}

// newCommitter has no database when there is nothing to commit.
func newCommitter(b *testing.B, url string, each int) *committer {
	b.Helper()
	c := &committer{each: each, applied: map[string]chan struct{}{}}
	if each > 0 {
		c.db = floorDatabase(b, url)
	}
	return c
}

func (c *committer) commit(ctx context.Context, workflowID string) error {
	document := strings.Repeat("x", committedBytes)
	for range c.each {
		if _, err := c.db.write.ExecContext(ctx, `INSERT INTO floor (id, document) VALUES ($1, $2)`, uuid.NewString(), document); err != nil {
			return err
		}
	}
	c.done(workflowID) <- struct{}{}
	return nil
}

// done tells of each signal that a workflow has applied.
func (c *committer) done(workflowID string) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.applied[workflowID] == nil {
		c.applied[workflowID] = make(chan struct{}, 2*benchSignals) // twice, should one be applied again
	}
	return c.applied[workflowID]
}
