package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
)

// pathReady says whether a process should be sent work.
const pathReady = "/readyz"

// defaultStopTimeout is how long requests may finish where nothing else is said.
const defaultStopTimeout = 10 * time.Second

// gracefulServer serves HTTP until it is told to stop, and then lets go in order: it says that it is not ready, goes on for a while so that
// whoever sends requests notices, takes no more connections, and ends when the last request has been answered.
type gracefulServer struct {
	drainDelay  time.Duration // between the first two
	stopTimeout time.Duration // for the requests that are running; 0: defaultLimit
	stopping    atomic.Bool
}

// serve serves until ctx ends, or one server cannot go on. A server without an address is left out. Requests that are cut off at the
// limit are an error.
func (s *gracefulServer) serve(ctx context.Context, servers ...*http.Server) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, server := range servers {
		if server.Addr == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", server.Addr)
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		listener = netutil.LimitListener(listener, maxConnections)
		server.Handler = s.refuseWhenStopping(server.Handler)
		group.Go(func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serving %s: %w", server.Addr, err)
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			return s.shutDown(context.WithoutCancel(ctx), server)
		})
	}
	return group.Wait()
}

func (s *gracefulServer) shutDown(ctx context.Context, server *http.Server) error {
	s.stopping.Store(true)
	if s.drainDelay > 0 {
		<-time.After(s.drainDelay)
	}
	limit := cmp.Or(s.stopTimeout, defaultStopTimeout)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := server.Shutdown(limited)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(fmt.Errorf("serving %s: requests that took longer than %s to finish were cut off", server.Addr,
			limit), server.Close())
	}
	return err
}

// refuseWhenStopping answers for a process that stops that it is not ready, and makes each answer the last of its connection. Connections that are idle
// stay open until the delay is over: who keeps one may be sending a request on it at this moment.
func (s *gracefulServer) refuseWhenStopping(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stopping := s.stopping.Load()
		if stopping {
			w.Header().Set("Connection", "close")
		}
		if stopping && r.URL.Path == pathReady {
			writeAnswer(w, http.StatusServiceUnavailable, `{"process":"stopping"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func writeAnswer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the caller may have gone away
}
