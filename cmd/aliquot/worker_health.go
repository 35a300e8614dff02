package main

import (
	"context"
	"net/http"
	"sync/atomic"
)

// readiness says why a process is not ready. What decides changes while the process starts.
type readiness struct{ decides atomic.Pointer[func() string] }

// follow makes a function decide, which returns why the process is not ready, or an empty text.
func (r *readiness) follow(notReadyBy func() string) { r.decides.Store(&notReadyBy) }

func (r *readiness) pausedBy() string { return (*r.decides.Load())() }

// healthServer serves the health and the metrics of a worker from its start to its end.
type healthServer struct {
	graceful gracefulServer
	end      context.CancelFunc
	ended    chan error
}

// startHealth starts serving. fail is called if the server cannot be started.
func startHealth(ctx context.Context, server *http.Server, fail func(error)) *healthServer {
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	h := &healthServer{end: end, ended: make(chan error, 1)}
	go func() {
		err := h.graceful.serve(serving, server)
		if err != nil && serving.Err() == nil {
			fail(err)
			err = nil
		}
		h.ended <- err
	}()
	return h
}

// reportStopping makes the worker report that it is not ready.
func (h *healthServer) reportStopping() { h.graceful.stopping.Store(true) }

// stop ends the server.
func (h *healthServer) stop() error {
	h.end()
	return <-h.ended
}
