package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// maxConnections is the greatest number of open connections of a server. Further ones wait until they are accepted.
const maxConnections = 4096

// newLogger returns a logger that writes JSON lines, and makes it the default logger.
func newLogger(w io.Writer, p settings.Process) *slog.Logger {
	logger := slog.New(tracing.NewLogHandler(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: p.Level()})))
	slog.SetDefault(logger)
	return logger
}

// The longest times of one statement. Callers of the API wait for it. A worker repeats what has failed, and its sweeps
// may take long. Commands, such as aliquot migrate, have no limit.
const (
	apiStatementLimit    = 10 * time.Second
	workerStatementLimit = 5 * time.Minute
)

// openStore opens the store, without a replica.
func openStore(ctx context.Context, c settings.Common, statementLimit time.Duration) (*store.Store, error) {
	return openReplicatedStore(ctx, c, settings.Replica{}, statementLimit)
}

// openReplicatedStore opens the store. The replica, if there is one, need not answer. Each statement ends after the
// limit; 0: none.
func openReplicatedStore(ctx context.Context, c settings.Common, r settings.Replica,
	statementLimit time.Duration) (*store.Store, error) {
	keys, err := c.Keyring(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading ALIQUOT_ENCRYPTION_KEYS: %w", err)
	}
	return store.Open(ctx, store.Options{
		URL: c.DatabaseURL.Reveal(), Keys: keys, PublicURL: c.PublicURL, StatementLimit: statementLimit,
		Replica: sqldb.ReplicaOptions{URL: r.ReplicaURL.Reveal(), MaxAge: r.ReplicaLag},
	})
}

// newHTTPServer returns an http.Server with timeouts and a limit of the header, so that slow callers cannot hold
// connections.
func newHTTPServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
}

// refuseWrongKeys returns an error if the encryption keys of the settings are not those of the database. A database
// that cannot be read at this moment is no reason not to start.
func refuseWrongKeys(ctx context.Context, db *store.Store) error {
	if err := db.CheckEncryptionKeys(ctx); errors.Is(err, store.ErrWrongKeys) {
		return fmt.Errorf("checking ALIQUOT_ENCRYPTION_KEYS: %w", err)
	}
	return nil
}

// warnOfExcessPrivileges logs a warning if the database's role may do more than a process needs: somebody who takes the
// process over could then change the schema or the audit. A single role, which owns the schema, is meant for trials.
func warnOfExcessPrivileges(ctx context.Context, db *store.Store, logger *slog.Logger) {
	excess, err := db.ExcessPrivileges(ctx)
	if err != nil {
		logger.WarnContext(ctx, "the privileges of the database's role are not known", "error", err)
		return
	}
	if len(excess) > 0 {
		logger.WarnContext(ctx, "the role of the database may do more than this process needs (docs/deploy.md)",
			"excess", excess)
	}
}

// alwaysReady is the readiness of a process that does its work as long as it runs.
func alwaysReady() (pausedBy string) { return "" }

// schemaTimeout bounds the question whether the database has the schema of this build.
const schemaTimeout = 2 * time.Second

// schemaReadiness returns the readiness of a process that works once the database has the schema of this build. After
// that, and while the database does not answer, the process itself is ready.
func schemaReadiness(db *store.Store) func() string {
	var schemaFound atomic.Bool
	return func() string {
		if schemaFound.Load() {
			return ""
		}
		ctx, cancel := context.WithTimeout(context.Background(), schemaTimeout)
		defer cancel()
		switch err := db.CheckSchema(ctx); {
		case errors.Is(err, store.ErrOldSchema):
			return "migration_missing"
		case err == nil:
			schemaFound.Store(true)
		}
		return ""
	}
}

// newMetricsServer serves /metrics, /healthz and /readyz. A process that is paused is alive and not ready.
func newMetricsServer(addr string, registry *prometheus.Registry, pausedBy func() string) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, // a metric that fails does not hide the others
	}))
	mux.HandleFunc("GET /healthz",
		func(w http.ResponseWriter, _ *http.Request) { writeAnswer(w, http.StatusOK, `{"status":"ok"}`) })
	mux.HandleFunc("GET "+pathReady,
		func(w http.ResponseWriter, _ *http.Request) {
			if reason := pausedBy(); reason != "" {
				writeAnswer(w, http.StatusServiceUnavailable, fmt.Sprintf(`{"process":"paused","reason":%q}`, reason))
				return
			}
			writeAnswer(w, http.StatusOK, `{"process":"ok"}`)
		})
	return newHTTPServer(addr, mux)
}
