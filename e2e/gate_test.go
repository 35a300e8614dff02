package e2e

import (
	"net/http"
	"sync"
)

// gate stands before the simulated lab and delays its answers to fetches of results while it is closed.
type gate struct {
	mu      sync.Mutex
	closed  chan struct{} // closed when the gate opens; nil: the gate is open
	waiting chan struct{} // gets a value for every fetch that waits
}

func newGate() *gate { return &gate{waiting: make(chan struct{}, 100)} }

// close delays every fetch from now on.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = make(chan struct{})
}

// open lets all fetches go on.
func (g *gate) open() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

// before is the handler with the gate before it.
func (g *gate) before(h http.Handler) http.Handler {
	if g == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		closed := g.closed
		g.mu.Unlock()
		if closed != nil && r.Method == http.MethodGet && r.URL.Path == "/Results" {
			g.waiting <- struct{}{}
			<-closed
		}
		h.ServeHTTP(w, r)
	})
}
