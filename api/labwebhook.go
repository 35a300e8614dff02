package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partners"
	"github.com/aliquot-labs/aliquot/store"
)

// notThisAccount is why a report was quarantined whose sender has no account with the order.
const notThisAccount = "not_this_account"

func (s *server) labWebhookRoutes(e *gin.Engine) {
	for _, p := range partners.All() {
		e.POST("/webhooks/labs/"+p.Name, func(c *gin.Context) { s.receiveLab(c, p) })
	}
}

// receiveLab takes a partner's webhooks (Molecular contract, D1 to D15, which we keep to with every partner). What is authentic and
// stored is answered 2xx, whatever it says: nobody knows whether the partner would send it again. Only a failure of ours asks for
// that, with 503.
func (s *server) receiveLab(c *gin.Context, p labs.Protocol) {
	now := s.now()
	payload, ok := s.readWebhook(c, p.Name, p.MaxWebhook)
	if !ok {
		return
	}
	ctx := c.Request.Context()
	accounts, err := s.Store.LabAccountsByPartner(ctx, p.Name)
	if err != nil {
		s.notStored(c, p.Name, err)
		return
	}
	owners, ok := s.authenticateLab(c, p, payload, accounts)
	if !ok {
		return
	}
	m := p.Decode(c.Request.Header, payload, now)
	r := store.Report{
		Partner: p.Name, AccountID: sole(owners), Key: m.Key, Hash: m.Hash, Kind: m.Kind, OrderNumber: m.OrderNumber,
		Fact: m.Fact, Reason: m.Reason, Body: payload, Headers: keptHeaders(c.Request), ReceivedAt: now,
	}
	status := http.StatusOK
	switch m.Problem {
	case labs.Malformed, labs.MissingFields:
		r.State, status = store.InboxQuarantined, http.StatusBadRequest
	case labs.UnknownType:
		r.State, status = store.InboxUnknown, http.StatusAccepted
	case labs.Incomplete:
		r.State, status = store.InboxIncomplete, http.StatusAccepted
	}
	foreign, err := s.foreign(ctx, m.OrderNumber, owners)
	if err != nil {
		s.notStored(c, p.Name, err)
		return
	}
	if foreign { // under a key of its own, or it would make a duplicate of what the order's own lab sends
		r.Key, r.Kind = notThisAccount+":"+m.Key, notThisAccount
		r.Fact, r.State, status = nil, store.InboxQuarantined, http.StatusAccepted
	}
	s.receive(c, r, status)
}

// authenticateLab finds the accounts that the presented credentials belong to. Without any credentials configured nobody is let
// in (D14).
func (s *server) authenticateLab(c *gin.Context, p labs.Protocol, payload []byte, accounts []store.LabAccount) (owners []string, ok bool) {
	var pairs []labs.Credentials
	for _, a := range accounts {
		pairs = append(pairs,
			labs.Credentials{AccountID: a.ID, User: a.User, Token: a.Token},
			labs.Credentials{AccountID: a.ID, User: a.PreviousUser, Token: a.PreviousToken})
	}
	owners, err := p.Authenticate(c.Request, payload, pairs, s.now())
	switch {
	case errors.Is(err, labs.ErrNoCredentials):
		s.metrics.facts.WithLabelValues(p.Name, "not_configured").Inc()
		abortWith(c, unavailable("This webhook is not in service"))
		return nil, false
	case err != nil:
		s.metrics.facts.WithLabelValues(p.Name, "unauthorized").Inc()
		if p.Challenge != "" {
			c.Header("WWW-Authenticate", p.Challenge)
		}
		abort(c, http.StatusUnauthorized, "Credentials are missing or wrong")
		return nil, false
	}
	return owners, true
}

// sole is the account that the credentials belong to; empty when several have them.
func sole(owners []string) string {
	if distinct := slices.Compact(slices.Sorted(slices.Values(owners))); len(distinct) == 1 {
		return distinct[0]
	}
	return ""
}

// foreign reports whether the order was placed through an account that the sender's credentials do not belong to: a sandbox lab's
// credentials say nothing about production orders, nor one lab's about another's.
func (s *server) foreign(ctx context.Context, number string, owners []string) (bool, error) {
	if number == "" {
		return false, nil
	}
	_, account, err := s.Store.OrderByNumber(ctx, number)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return !slices.Contains(owners, account), nil
}

// readWebhook reads a bounded body.
func (s *server) readWebhook(c *gin.Context, partner string, limit int64) ([]byte, bool) {
	payload, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if err == nil {
		return payload, true
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		s.metrics.facts.WithLabelValues(partner, "too_large").Inc()
		s.Logger.LogAttrs(c.Request.Context(), slog.LevelWarn, "a partner's report is too large",
			slog.String("partner", partner), slog.Int64("announced_bytes", c.Request.ContentLength))
		abort(c, http.StatusRequestEntityTooLarge, "Request body is too large")
		return nil, false
	}
	abort(c, http.StatusBadRequest, "Request body could not be read")
	return nil, false
}

// receive stores a report, tells its order's workflow, and answers. A signal that fails is made up for by the reconciler.
func (s *server) receive(c *gin.Context, r store.Report, status int) {
	ctx := c.Request.Context()
	received, err := s.Store.Receive(ctx, r)
	if err != nil {
		s.notStored(c, r.Partner, err)
		return
	}
	outcome := received.State
	if received.Duplicate {
		outcome = "duplicate"
	}
	s.metrics.facts.WithLabelValues(r.Partner, outcome).Inc()
	if received.State == store.InboxUnmatched && status == http.StatusOK {
		status = http.StatusAccepted
	}
	s.alert(ctx, r, received)
	if received.State == store.InboxReceived && !received.Duplicate && received.Fact != nil {
		s.tell(ctx, received)
	}
	c.JSON(status, gin.H{"id": received.ID, "status": received.State})
}

// alert makes what a human should look at stand out in the log.
func (s *server) alert(ctx context.Context, r store.Report, received store.Received) {
	switch received.State {
	case store.InboxUnmatched, store.InboxIncomplete, store.InboxUnknown, store.InboxQuarantined:
		if r.Legs != nil && received.State == store.InboxUnknown { // a label was printed, say
			return
		}
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a partner's report needs a look", slog.String("partner", r.Partner),
			slog.String("inbox_id", received.ID), slog.String("state", received.State))
	}
}

// tell signals a report to its order. The partner's answer waits for that, but not for long; what Temporal is too busy to take at
// once is tried on after the answer, and what even that does not bring across is the reconciler's.
func (s *server) tell(ctx context.Context, received store.Received) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signalPatience)
	done := make(chan struct{})
	go func() {
		defer cancel()
		defer close(done)
		s.signal(ctx, received)
	}()
	answer := time.NewTimer(signalLimit)
	defer answer.Stop()
	select {
	case <-done:
	case <-answer.C:
	}
}

// signal tells an order's workflow of a report.
func (s *server) signal(ctx context.Context, received store.Received) {
	err := s.Orders.SignalFact(ctx, received.OrderID, *received.Fact)
	if err == nil {
		err = s.Store.MarkSignalled(ctx, received.ID)
	}
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a partner's report is not signalled yet",
			slog.String("inbox_id", received.ID), slog.String("order_id", received.OrderID), slog.Any("error", err))
	}
}

// notStored is the one answer that asks a partner to send a report again (D11).
func (s *server) notStored(c *gin.Context, partner string, err error) {
	s.metrics.facts.WithLabelValues(partner, "not_stored").Inc()
	_ = c.Error(err)
	abortWith(c, unavailable("The report could not be stored"))
}

// keptHeaders are the headers that may help to understand a report later; those with secrets in them are not among them.
func keptHeaders(r *http.Request) map[string]string {
	kept := map[string]string{}
	for _, name := range []string{"Content-Type", "Content-Length", "User-Agent", "Date"} {
		if v := r.Header.Get(name); v != "" {
			kept[name] = v
		}
	}
	return kept
}
