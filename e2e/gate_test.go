package e2e

import (
	"net/http"
	"sync"
)

// gate delays the responses of the simulated lab to fetches of results while it is closed.
type gate struct {
	mu      sync.Mutex
	closed  chan struct{} // closed when the gate opens; nil: the gate is open
	waiting chan struct{} // gets a value for every fetch that is delayed
}

func newGate() *gate { return &gate{waiting: make(chan struct{}, 100)} }

// close delays every further fetch.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = make(chan struct{})
}

// open lets all delayed fetches go on.
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

// before returns the handler behind the gate.
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
