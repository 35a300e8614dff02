package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// committedBytes is how much each commit of a bare workflow writes: what an order leaves in the store, divided by its
// commits.
const committedBytes = 4 << 10

// committer makes the durable commits of bare workflows, with the database and the settings of the store.
type committer struct {
	db          baselineDB
	concurrency int // concurrent commits

	mu      sync.Mutex
	applied map[string]chan struct{} // by workflow and signal; closed when the signal has been applied
}

// newCommitter returns a committer. It has no database if a workflow makes no commits.
func newCommitter(b *testing.B, url string, each int) *committer {
	b.Helper()
	c := &committer{concurrency: each, applied: map[string]chan struct{}{}}
	if each > 0 {
		c.db = openBaselineDB(b, url)
	}
	return c
}

// commit commits a workflow's nth signal. It is called again for the signal if the workflow task is lost.
func (c *committer) commit(ctx context.Context, workflowID string, n int) error {
	document := strings.Repeat("x", committedBytes)
	for range c.concurrency {
		if _, err := c.db.write.ExecContext(ctx, `INSERT INTO floor (id, document) VALUES ($1, $2)`, uuid.NewString(),
			document); err != nil {
			return err
		}
	}
	done := c.appliedSignal(workflowID, n)
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-done:
	default:
		close(done)
	}
	return nil
}

// appliedSignal returns the channel that is closed when a workflow has applied its nth signal.
func (c *committer) appliedSignal(workflowID string, n int) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := fmt.Sprintf("%s %d", workflowID, n)
	if c.applied[key] == nil {
		c.applied[key] = make(chan struct{})
	}
	return c.applied[key]
}
