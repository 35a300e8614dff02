package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aliquot-labs/aliquot/store"
)

// readyTimeout is how long /readyz waits for the database and the workflows.
const readyTimeout = 2 * time.Second

// Paths without a rate limit.
const (
	pathHealth  = "/healthz"
	pathReady   = "/readyz"
	pathMetrics = "/metrics"
)

func (s *server) healthRoutes(e *gin.Engine) {
	e.GET(pathHealth, func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	e.GET(pathReady, s.handleReady)
	e.GET(pathMetrics, gin.WrapH(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, // metrics that need no database are served without it
	})))
}

// What /readyz says of the database and the workflows.
const (
	readyOK          = "ok"
	readyUnreachable = "unreachable"
	readyOldSchema   = "migration_missing" // the database lacks a migration of this build, or is empty
	readyDiskFull    = "disk_full"         // reads go on, and what has to be stored is answered 503
)

// handleReady answers 200 when both the database and the workflows can be used, else 503 with what is wrong with each.
func (s *server) handleReady(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	workflows := make(chan error, 1)
	go func() { workflows <- s.Workflows.CheckReachable(ctx) }()
	state, err := s.storeReadiness(ctx)
	answer, status := gin.H{"store": state, "workflows": readyOK}, http.StatusOK
	if err != nil {
		_ = c.Error(err)
		status = http.StatusServiceUnavailable
	}
	if err := <-workflows; err != nil {
		_ = c.Error(err)
		answer["workflows"], status = readyUnreachable, http.StatusServiceUnavailable
	}
	c.JSON(status, answer)
}

// storeReadiness says what is wrong with the database, with the error; readyOK and nil: nothing.
func (s *server) storeReadiness(ctx context.Context) (string, error) {
	if err := s.Store.Ping(ctx); err != nil {
		return readyUnreachable, err
	}
	switch err := s.Store.CheckSchema(ctx); {
	case errors.Is(err, store.ErrOldSchema):
		return readyOldSchema, err
	case err != nil:
		return readyUnreachable, err
	}
	if err := s.Store.CheckRoom(ctx); store.IsDiskFull(err) {
		return readyDiskFull, err
	}
	return readyOK, nil
}
