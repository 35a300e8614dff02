package activities

import "sync"

// batchWakers ring for the batches of this process as soon as this process has recorded something for their endpoints, so that they need not
// look for it. What other processes record they find when they look.
type batchWakers struct {
	mu      sync.Mutex
	waiting map[string]chan struct{} // by endpoint; holds one ring
}

// register gives a batch the bell of its endpoint, and what takes it down.
func (b *batchWakers) register(endpointID string) (bell <-chan struct{}, unregister func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[string]chan struct{}{}
	}
	wakeup := make(chan struct{}, 1)
	b.waiting[endpointID] = wakeup
	return wakeup, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.waiting[endpointID] == wakeup { // a batch that was taken for dead must not take its successor's
			delete(b.waiting, endpointID)
		}
	}
}

// wake wakes the endpoint's batch, if it runs in this process.
func (b *batchWakers) wake(endpointID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.waiting[endpointID] <- struct{}{}:
	default: // nobody waits, or it rings already
	}
}
