package drive

import (
	"context"
	"slices"
	"sync"
)

// walkers is how many orders are driven at once.
const walkers = 16

// All makes orders go all of the walks, each again where that may be (Again). It returns the names of the walks by the orders that went
// them, with those that failed, and what was wrong with the walks that no order went to its end.
func All(ctx context.Context, s *System, walks []Walk) (names map[string]string, failures []string) {
	p := party{system: s, names: map[string]string{}}
	queue := make(chan Walk)
	var walking sync.WaitGroup
	for range walkers {
		walking.Go(func() {
			for w := range queue {
				p.walk(ctx, w)
			}
		})
	}
	for _, w := range walks {
		queue <- w
	}
	close(queue)
	walking.Wait()
	slices.Sort(p.failures)
	return p.names, p.failures
}

// party is those who walk.
type party struct {
	system *System

	mu       sync.Mutex
	names    map[string]string
	failures []string
}

// walk has orders go the way until one has gone it, or no other may.
func (p *party) walk(ctx context.Context, w Walk) {
	err := p.goes(ctx, w)
	for failed := 1; err != nil && w.Again(failed, err); failed++ {
		err = p.goes(ctx, w)
	}
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = append(p.failures, w.Name+": "+err.Error())
}

func (p *party) goes(ctx context.Context, w Walk) error {
	o, err := w.Run(ctx, p.system)
	if o != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.names[o.ID] = w.Name
	}
	return err
}
