package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// The longest times of requests. After them, what a request waits for is given up and the answer is 503: no request
// waits for a database that is stalled. The process limits each statement too (store.Options.StatementLimit).
const (
	readLimit = 20 * time.Second // of GET and HEAD
	// changeLimit is that of other requests. It allows a demand, which waits for the order's workflow, and it is less than
	// the write timeout and than the minute after which SDKs give up.
	changeLimit = demandTimeout + 20*time.Second
	// partnerLimit is that of a lab's or a courier's webhook from the moment at which its body has been read. EasyPost
	// gives up after seven seconds. Labs do not say when they do.
	partnerLimit = 5 * time.Second
	// finishLimit is that of what is stored after a request has done its work, also if the caller has gone.
	finishLimit = 5 * time.Second
)

// limitTime gives the request a deadline.
func (s *server) limitTime(c *gin.Context) {
	limit := changeLimit
	if c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead {
		limit = readLimit
	}
	defer limitRequest(c, limit)()
	c.Next()
}

// finishing returns a context for what is stored after a request has done its work.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
}

// limitRequest gives the request a deadline. The returned function frees it, at the end of the request.
func limitRequest(c *gin.Context, limit time.Duration) context.CancelFunc {
	ctx, cancel := context.WithTimeout(c.Request.Context(), limit)
	c.Request = c.Request.WithContext(ctx)
	return cancel
}
