package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// actionDenied is the action of the audit's rows of requests that were answered 401 or 403.
const actionDenied = "access.denied"

// Limits of the audit's rows of denied requests in a minute, of this process. The log has every request.
const (
	maxDenialsOfSource  = 5     // of one API key, or one network address without a valid one
	maxDenialsOfKeys    = 120   // of all API keys
	maxDenialsOfOthers  = 30    // of all callers without a valid API key; they cannot use up the rows of API keys
	maxDenialSources    = 1_000 // sources that are counted; when there are more, all are forgotten
	denialWindow        = time.Minute
	denialAuditDeadline = 2 * time.Second
)

// denialSource counts the denied requests of an API key or a network address.
type denialSource struct {
	recorded int // in the current window
	missed   int // since the last row
}

// denialLimiter decides which denied requests are recorded in the audit.
type denialLimiter struct {
	mu      sync.Mutex
	began   time.Time // of the current window
	sources map[string]*denialSource
	ofKeys  int
	others  int
}

// admit reports whether a denied request of a source is recorded, and how many of it were not recorded before.
func (l *denialLimiter) admit(source string, hasKey bool, now time.Time) (missed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := now.Sub(l.began); age >= denialWindow || age < 0 {
		l.beginWindow(now)
	}
	found := l.sources[source]
	if found == nil {
		if len(l.sources) >= maxDenialSources {
			clear(l.sources)
		}
		found = &denialSource{}
		l.sources[source] = found
	}
	total, most := &l.others, maxDenialsOfOthers
	if hasKey {
		total, most = &l.ofKeys, maxDenialsOfKeys
	}
	if found.recorded >= maxDenialsOfSource || *total >= most {
		found.missed++
		return 0, false
	}
	missed = found.missed
	found.recorded, found.missed = found.recorded+1, 0
	*total++
	return missed, true
}

// beginWindow begins a window. It keeps the sources of which requests were not recorded.
func (l *denialLimiter) beginWindow(now time.Time) {
	l.began, l.ofKeys, l.others = now, 0, 0
	kept := map[string]*denialSource{}
	for name, s := range l.sources {
		if s.missed > 0 {
			s.recorded = 0
			kept[name] = s
		}
	}
	l.sources = kept
}

// auditDenials records in the audit the requests that are answered 401 or 403: by which API key, if one is known, from
// which network address, and what for. It logs a failure, because the caller gets no data.
func (s *server) auditDenials(c *gin.Context) {
	c.Next()
	status := c.Writer.Status()
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return
	}
	key, address := c.GetString(logKeyID), c.ClientIP()
	source := "address:" + rateLimitNetwork(address)
	if key != "" {
		source = "key:" + key
	}
	missed, ok := s.denials.admit(source, key != "", s.Now())
	if !ok {
		return
	}
	row := store.AuditRow{
		APIKeyID: key, TeamID: c.GetString(logTeamID), Action: actionDenied, RequestID: requestID(c), Address: address,
		Detail: fmt.Sprintf("status=%d route=%s %s missed=%d", status, metricMethod(c), c.FullPath(), missed),
	}
	if id, valid := order.ParseID(c.Param("order_id")); valid && key != "" {
		row.OrderID = id
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), denialAuditDeadline)
	defer cancel()
	if err := s.Store.AppendAudit(ctx, row); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a denied request was not audited", slog.String("key_id", key),
			slog.String("request_id", row.RequestID), slog.Any("error", err))
	}
}
