package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// readPartnerBody reads a bounded body.
func (s *server) readPartnerBody(c *gin.Context, partner string, limit int64) ([]byte, bool) {
	payload, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if err == nil {
		return payload, true
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		s.metrics.inboxItems.WithLabelValues(partner, "too_large").Inc()
		s.Logger.LogAttrs(c.Request.Context(), slog.LevelWarn, "a partner's report is too large",
			slog.String("partner", partner), slog.Int64("announced_bytes", c.Request.ContentLength))
		abortWithDetail(c, http.StatusRequestEntityTooLarge, "Request body is too large")
		return nil, false
	}
	abortWithDetail(c, http.StatusBadRequest, "Request body could not be read")
	return nil, false
}

// storeAndAnswerItem stores a report and where its appointment is, tells its order's workflow, and answers. A signal
// that fails is made up for by the reconciler.
func (s *server) storeAndAnswerItem(c *gin.Context, r store.NewInboxItem, location *order.Location, status int) {
	ctx := c.Request.Context()
	received, err := s.Store.StoreInboxItem(ctx, r)
	if err != nil {
		s.answerNotStored(c, r.Partner, err)
		return
	}
	if err := s.putAppointmentLocation(ctx, received, location); err != nil {
		s.answerNotStored(c, r.Partner, err)
		return
	}
	outcome := received.State
	if received.Duplicate {
		outcome = "duplicate"
	}
	s.metrics.inboxItems.WithLabelValues(r.Partner, outcome).Inc()
	if received.State == store.InboxUnmatched && status == http.StatusOK {
		status = http.StatusAccepted
	}
	s.logUnusualItem(ctx, r, received)
	if received.State == store.InboxReceived && !received.Duplicate && received.Fact != nil {
		s.signalWithinLimit(ctx, received)
	}
	c.JSON(status, gin.H{"id": received.ID, "status": received.State})
}

// putAppointmentLocation keeps where a report says that an appointment is. A report that is sent again once the order
// has been told of it may be an old one, and changes nothing.
func (s *server) putAppointmentLocation(ctx context.Context, received store.ReceivedItem, where *order.Location) error {
	f := received.Fact
	if where == nil || f == nil || f.Appointment == nil || f.Appointment.Reference == "" ||
		received.State != store.InboxReceived {
		return nil
	}
	return s.Store.PutAppointmentLocation(ctx, received.OrderID, f.Appointment.Reference, *where)
}

// logUnusualItem makes what a human should look at stand out in the log.
func (s *server) logUnusualItem(ctx context.Context, r store.NewInboxItem, received store.ReceivedItem) {
	switch received.State {
	case store.InboxUnmatched, store.InboxIncomplete, store.InboxUnknown, store.InboxQuarantined:
		if r.FactByLeg != nil && received.State == store.InboxUnknown { // a label was printed, say
			return
		}
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a partner's report needs a look", slog.String("partner", r.Partner),
			slog.String("inbox_id", received.ID), slog.String("state", received.State))
	}
}

// signalWithinLimit signals a report to its order. The partner's answer waits for that, but not for long; what Temporal
// is too busy to take at once is tried on after the answer, and what even that does not bring across is the
// reconciler's.
func (s *server) signalWithinLimit(ctx context.Context, received store.ReceivedItem) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signalTimeout)
	told := make(chan struct{})
	go func() {
		defer cancel()
		s.signalInboxItem(ctx, received, func() { close(told) })
	}()
	answer := time.NewTimer(signalWait)
	defer answer.Stop()
	select {
	case <-told:
	case <-answer.C:
	}
}

// signalInboxItem tells an order's workflow of a report, says that it has tried, and notes that the workflow knows. The
// answer to the partner does not wait for the note: without it, the reconciler signals once more.
func (s *server) signalInboxItem(ctx context.Context, received store.ReceivedItem, onTried func()) {
	err := s.Workflows.SignalFact(ctx, received.OrderID, *received.Fact)
	onTried()
	if err == nil {
		err = s.Store.RecordInboxSignalled(ctx, received.ID)
	}
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a partner's report is not signalled yet",
			slog.String("inbox_id", received.ID), slog.String("order_id", received.OrderID), slog.Any("error", err))
	}
}

// answerNotStored is the one answer that asks a partner to send a report again (molecular-api#d11).
func (s *server) answerNotStored(c *gin.Context, partner string, err error) {
	s.metrics.inboxItems.WithLabelValues(partner, "not_stored").Inc()
	_ = c.Error(err)
	abortWithError(c, unavailableError("The report could not be stored"))
}

// storableHeaders are the headers that may help to understand a report later; those with secrets in them are not among
// them.
func storableHeaders(r *http.Request) map[string]string {
	kept := map[string]string{}
	for _, name := range []string{"Content-Type", "Content-Length", "User-Agent", "Date", "Webhook-Id",
		"Webhook-Timestamp", "X-Account"} {
		if v := r.Header.Get(name); v != "" {
			kept[name] = v
		}
	}
	return kept
}
