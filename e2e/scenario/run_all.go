package scenario

import (
	"context"
	"slices"
	"sync"
)

// concurrency is how many orders are driven at the same time.
const concurrency = 16

// RunAll takes orders along all paths and tries a path again where MayRetry allows it. It returns the names of the
// paths by the ids of their orders, failed ones included, and the failures of the paths that no order completed.
func RunAll(ctx context.Context, s *System, paths []Path) (names map[string]string, failures []string) {
	p := pathRunner{system: s, pathNames: map[string]string{}}
	queue := make(chan Path)
	var running sync.WaitGroup
	for range concurrency {
		running.Go(func() {
			for w := range queue {
				p.runUntilDone(ctx, w)
			}
		})
	}
	for _, w := range paths {
		queue <- w
	}
	close(queue)
	running.Wait()
	slices.Sort(p.failures)
	return p.pathNames, p.failures
}

// pathRunner collects the results of the paths.
type pathRunner struct {
	system *System

	mu        sync.Mutex
	pathNames map[string]string
	failures  []string
}

// runUntilDone takes orders along the path until one completes it or MayRetry allows no other.
func (p *pathRunner) runUntilDone(ctx context.Context, w Path) {
	err := p.runOnce(ctx, w)
	for failed := 1; err != nil && w.MayRetry(failed, err); failed++ {
		err = p.runOnce(ctx, w)
	}
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = append(p.failures, w.Name+": "+err.Error())
}

func (p *pathRunner) runOnce(ctx context.Context, w Path) error {
	o, err := w.Run(ctx, p.system)
	if o != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.pathNames[o.ID] = w.Name
	}
	return err
}
