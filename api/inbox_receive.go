package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// readPartnerBody reads the body of a partner's request, up to limit bytes, or answers the request and returns false.
func (s *server) readPartnerBody(c *gin.Context, partner string, limit int64) ([]byte, bool) {
	payload, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if err == nil {
		return payload, true
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		s.metrics.inboxItems.WithLabelValues(partner, "too_large").Inc()
		s.Logger.LogAttrs(c.Request.Context(), slog.LevelWarn, "a partner's message is too large",
			slog.String("partner", partner), slog.Int64("announced_bytes", c.Request.ContentLength))
		abortWithDetail(c, http.StatusRequestEntityTooLarge, "Request body is too large")
		return nil, false
	}
	abortWithDetail(c, http.StatusBadRequest, "Request body could not be read")
	return nil, false
}

// storeAndAnswerItem stores an inbox item, counts and logs it, signals its fact to the order's workflow, and answers
// the partner. The reconciler heals a signal that fails.
func (s *server) storeAndAnswerItem(c *gin.Context, r store.NewInboxItem, location *order.Location, status int) {
	ctx := c.Request.Context()
	received, err := s.storeItem(ctx, r, location)
	if errors.Is(err, store.ErrQuarantineFull) {
		s.answerQuarantineFull(c, r)
		return
	}
	if err != nil {
		s.answerNotStored(c, r.Partner, err)
		return
	}
	s.observeItem(ctx, r, received)
	if received.State == store.InboxReceived && !received.Duplicate && received.Fact != nil {
		s.wakeWithinLimit(ctx, received)
	}
	if received.State == store.InboxUnmatched && status == http.StatusOK {
		status = http.StatusAccepted
	}
	c.JSON(status, gin.H{"id": received.ID, "status": received.State})
}

// storeItem stores an inbox item and the location of its appointment.
func (s *server) storeItem(ctx context.Context, r store.NewInboxItem,
	location *order.Location) (store.ReceivedItem, error) {
	received, err := s.Store.StoreInboxItem(ctx, r)
	if err != nil {
		return received, err
	}
	return received, s.putAppointmentLocation(ctx, received, location)
}

// observeItem counts an inbox item in the metrics, and logs one that somebody should look at.
func (s *server) observeItem(ctx context.Context, r store.NewInboxItem, received store.ReceivedItem) {
	outcome := received.State
	if received.Duplicate {
		outcome = "duplicate"
	}
	s.metrics.inboxItems.WithLabelValues(r.Partner, outcome).Inc()
	s.logUnusualItem(ctx, r, received)
}

// putAppointmentLocation stores the location of an appointment that a fact reports. An item that is settled may be an
// old one, so its location is ignored.
func (s *server) putAppointmentLocation(ctx context.Context, received store.ReceivedItem, where *order.Location) error {
	f := received.Fact
	if where == nil || f == nil || f.Appointment == nil || f.Appointment.Reference == "" ||
		received.State != store.InboxReceived {
		return nil
	}
	return s.Store.PutAppointmentLocation(ctx, received.OrderID, f.Appointment.Reference, *where)
}

// logUnusualItem logs an inbox item that somebody should look at: one without an order, or that could not be read in
// full.
func (s *server) logUnusualItem(ctx context.Context, r store.NewInboxItem, received store.ReceivedItem) {
	switch received.State {
	case store.InboxUnmatched, store.InboxIncomplete, store.InboxUnknown, store.InboxQuarantined:
		if r.FactByLeg != nil && received.State == store.InboxUnknown { // a courier's update that proves no movement
			return
		}
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "an inbox item needs attention", slog.String("partner", r.Partner),
			slog.String("inbox_id", received.ID), slog.String("state", received.State))
	}
}

// wakeWithinLimit wakes the order of an inbox item, and returns after at most signalWait, because the partner waits for
// its answer. The signal continues in the background for up to signalTimeout. The reconciler heals a signal that fails.
func (s *server) wakeWithinLimit(ctx context.Context, received store.ReceivedItem) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signalTimeout)
	tried := make(chan struct{})
	go func() {
		defer cancel()
		defer close(tried)
		s.wakeForItem(ctx, received)
	}()
	limit := time.NewTimer(signalWait)
	defer limit.Stop()
	select {
	case <-tried:
	case <-limit.C:
	}
}

// wakeForItem wakes the order of an inbox item, whose run then settles it.
func (s *server) wakeForItem(ctx context.Context, received store.ReceivedItem) {
	wake := dispatch.Wake{Kind: dispatch.WakeFact, InboxID: received.ID}
	if err := s.Workflows.WakeOrder(ctx, received.OrderID, wake); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the order of an inbox item is not woken yet",
			slog.String("inbox_id", received.ID), slog.String("order_id", received.OrderID), slog.Any("error", err))
	}
}

// answerNotStored answers 503, which asks a partner to send a message again (molecular-api#d11).
func (s *server) answerNotStored(c *gin.Context, partner string, err error) {
	s.metrics.inboxItems.WithLabelValues(partner, "not_stored").Inc()
	_ = c.Error(err)
	abortWithError(c, unavailableError("The message could not be stored"))
}

// quarantineRetryAfter is the Retry-After of an answer to a sender whose quarantine is full. A person has to look at
// what is in it.
const quarantineRetryAfter = time.Hour

// answerQuarantineFull answers 503, which asks a partner to send a message again later: it is not stored, and nothing
// that was stored is removed for it.
func (s *server) answerQuarantineFull(c *gin.Context, r store.NewInboxItem) {
	s.metrics.inboxItems.WithLabelValues(r.Partner, "quarantine_full").Inc()
	s.Logger.LogAttrs(c.Request.Context(), slog.LevelWarn, "the quarantine of a sender is full",
		slog.String("partner", r.Partner), slog.String("lab_account_id", r.LabAccountID))
	full := unavailableError("Too many messages of this sender wait to be looked at")
	full.header.Set("Retry-After", strconv.Itoa(int(quarantineRetryAfter.Seconds())))
	abortWithError(c, full)
}

// storableHeaders returns the headers that are stored with an inbox item. It leaves out those that may hold secrets.
func storableHeaders(r *http.Request) map[string]string {
	stored := map[string]string{}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Length", "User-Agent", "Date", "Webhook-Id",
		"Webhook-Timestamp", "X-Account"} {
		if v := r.Header.Get(name); v != "" {
			stored[name] = v
		}
	}
	return stored
}
