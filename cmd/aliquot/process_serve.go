package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
)

// pathReady is the path that says whether a process should get requests.
const pathReady = "/readyz"

// defaultStopTimeout is the default of gracefulServer.stopTimeout.
const defaultStopTimeout = 10 * time.Second

// gracefulServer serves HTTP until it is stopped. Then it reports that it is not ready, waits until load balancers have
// noticed, accepts no more connections, and ends after the last request has been answered.
type gracefulServer struct {
	drainDelay  time.Duration  // time between reporting not ready and closing
	stopTimeout time.Duration  // for running requests; 0: defaultStopTimeout
	proxies     []netip.Prefix // trusted ones, whose connections stand for many callers
	stopping    atomic.Bool
}

// serve serves until ctx ends or a server fails. Servers without an address are left out. Requests that were still
// running after stopTimeout are cut off, and are an error.
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
		guard := newConnectionGuard(s.proxies, slog.Default())
		listener = &guardedListener{netutil.LimitListener(listener, maxConnections), guard}
		server.ConnState = guard.noteState
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
		return errors.Join(fmt.Errorf("serving %s: requests that took longer than %s to finish were cut off",
			server.Addr, limit), server.Close())
	}
	return err
}

// refuseWhenStopping makes a stopping process answer that it is not ready, and close each connection after its answer.
// Idle connections stay open until drainDelay is over, because a client may be sending a request on one of them.
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
	_, _ = io.WriteString(w, body) // the caller may have closed the connection
}
