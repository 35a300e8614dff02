package e2e

import (
	"net/http"
	"sync"
)

// gate delays the responses of the simulated lab to some calls while it is closed.
type gate struct {
	holds   func(*http.Request) bool
	mu      sync.Mutex
	closed  chan struct{} // closed when the gate opens; nil: the gate is open
	waiting chan struct{} // gets a value for every call that is delayed
}

// newGate returns a gate that delays fetches of Molecular's results.
func newGate() *gate {
	return newGateFor(func(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.Path == "/Results" })
}

// newGateFor returns a gate that delays the calls for which holds is true.
func newGateFor(holds func(*http.Request) bool) *gate {
	return &gate{holds: holds, waiting: make(chan struct{}, 100)}
}

// close delays every further call.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = make(chan struct{})
}

// open lets all delayed calls go on.
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
		if closed != nil && g.holds(r) {
			g.waiting <- struct{}{}
			<-closed
		}
		h.ServeHTTP(w, r)
	})
}
