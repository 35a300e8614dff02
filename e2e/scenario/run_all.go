package scenario

import (
	"context"
	"slices"
	"sync"
)

// concurrency is how many orders are driven at once.
const concurrency = 16

// RunAll makes orders go all of the walks, each again where that may be (Again). It returns the names of the walks by the orders that went
// them, with those that failed, and what was wrong with the walks that no order went to its end.
func RunAll(ctx context.Context, s *System, walks []Path) (names map[string]string, failures []string) {
	p := pathRunner{system: s, pathNames: map[string]string{}}
	queue := make(chan Path)
	var walking sync.WaitGroup
	for range concurrency {
		walking.Go(func() {
			for w := range queue {
				p.runUntilDone(ctx, w)
			}
		})
	}
	for _, w := range walks {
		queue <- w
	}
	close(queue)
	walking.Wait()
	slices.Sort(p.failures)
	return p.pathNames, p.failures
}

// pathRunner is those who walk.
type pathRunner struct {
	system *System

	mu        sync.Mutex
	pathNames map[string]string
	failures  []string
}

// runUntilDone has orders go the way until one has gone it, or no other may.
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
