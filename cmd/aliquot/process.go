package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/settings"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/tracing"
)

// maxConnections is how many connections a server holds at once; others wait to be accepted.
const maxConnections = 4096

// shutdownLimit is how long requests may finish after SIGTERM.
const shutdownLimit = 10 * time.Second

// newLogger writes JSON lines, as every process does.
func newLogger(w io.Writer, p settings.Process) *slog.Logger {
	logger := slog.New(tracing.NewLogHandler(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: p.Level()})))
	slog.SetDefault(logger)
	return logger
}

func openStore(ctx context.Context, c settings.Common) (*store.Store, error) {
	keys, err := c.Keyring(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading ALIQUOT_ENCRYPTION_KEYS: %w", err)
	}
	return store.Open(ctx, store.Options{URL: c.DatabaseURL.Reveal(), Keys: keys})
}

// server is an http.Server with limits on everything that a caller could draw out.
func server(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
	}
}

// metricsServer serves /metrics and /healthz.
func metricsServer(addr string, registry *prometheus.Registry) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, // what cannot be told does not hide the rest
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`) // the caller may have gone away
	})
	return server(addr, mux)
}

// serve serves until ctx ends, and then until the requests that are running have been answered, but no longer than shutdownLimit.
// A server without an address is left out.
func serve(ctx context.Context, servers ...*http.Server) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range servers {
		if s.Addr == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Addr)
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		listener = netutil.LimitListener(listener, maxConnections)
		group.Go(func() error {
			if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serving %s: %w", s.Addr, err)
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
			defer cancel()
			return s.Shutdown(limited)
		})
	}
	return group.Wait()
}
