package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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

// handleReady answers 200 when both the database and the workflows can be reached, else 503.
func (s *server) handleReady(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	status := http.StatusOK
	answer := gin.H{}
	for name, check := range map[string]func(context.Context) error{"store": s.Store.Ping,
		"workflows": s.Workflows.CheckReachable} {
		answer[name] = "ok"
		if err := check(ctx); err != nil {
			_ = c.Error(err)
			answer[name] = "unreachable"
			status = http.StatusServiceUnavailable
		}
	}
	c.JSON(status, answer)
}
