package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/registry"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// codeForeignAccount is why a report was quarantined whose sender has no account with the order.
const codeForeignAccount = "not_this_account"

func (s *server) labWebhookRoutes(e *gin.Engine) {
	for _, p := range registry.Protocols() {
		e.POST("/webhooks/labs/"+p.Name, func(c *gin.Context) { s.handleLabWebhook(c, p) })
	}
}

// handleLabWebhook takes a partner's webhooks (molecular-api#d1 to molecular-api#d15, which we keep to with every
// partner). What is authentic and stored is answered 2xx, whatever it says: nobody knows whether the partner would send
// it again. Only a failure of ours asks for that, with 503.
func (s *server) handleLabWebhook(c *gin.Context, p labs.Protocol) {
	now := s.now()
	payload, ok := s.readPartnerBody(c, p.Name, p.MaxWebhook)
	if !ok {
		return
	}
	ctx := c.Request.Context()
	accounts, err := s.Store.LabAccountsByPartner(ctx, p.Name)
	if err != nil {
		s.answerNotStored(c, p.Name, err)
		return
	}
	owners, ok := s.authenticateLab(c, p, payload, accounts)
	if !ok {
		return
	}
	m := p.Decode(c.Request.Header, payload, now)
	r := store.NewInboxItem{
		Partner: p.Name, LabAccountID: onlyAccount(owners), DedupKey: m.Key, BodyHash: m.Hash, Kind: m.Kind,
		OrderNumber: m.OrderNumber,
		Fact:        m.Fact, PartnerReason: m.Reason, Body: payload, Headers: storableHeaders(c.Request), ReceivedAt: now,
	}
	status := http.StatusOK
	switch m.Problem {
	case labs.Malformed, labs.MissingFields:
		r.State, status = store.InboxQuarantined, http.StatusBadRequest
	case labs.UnknownType:
		r.State, status = store.InboxUnknown, http.StatusAccepted
	case labs.IncompleteData:
		r.State, status = store.InboxIncomplete, http.StatusAccepted
	}
	foreign, err := s.isForeignSender(ctx, m, accounts, owners)
	if err != nil {
		s.answerNotStored(c, p.Name, err)
		return
	}
	if foreign { // under a key of its own, or it would make a duplicate of what the order's own lab sends
		r.DedupKey, r.Kind = codeForeignAccount+":"+m.Key, codeForeignAccount
		r.Fact, r.State, status = nil, store.InboxQuarantined, http.StatusAccepted
		m.Location = nil
	}
	s.storeAndAnswerItem(c, r, m.Location, status)
}

// authenticateLab finds the accounts that the presented credentials belong to. Without any credentials configured
// nobody is let in (molecular-api#d14).
func (s *server) authenticateLab(c *gin.Context, p labs.Protocol, payload []byte,
	accounts []store.LabAccount) (owners []string, ok bool) {
	var pairs []labs.Credentials
	for _, a := range accounts {
		pairs = append(pairs,
			labs.Credentials{AccountID: a.ID, User: a.User, Token: a.Token},
			labs.Credentials{AccountID: a.ID, User: a.PreviousUser, Token: a.PreviousToken})
	}
	owners, err := p.Authenticate(c.Request, payload, pairs, s.now())
	switch {
	case errors.Is(err, labs.ErrNoCredentials):
		s.metrics.inboxItems.WithLabelValues(p.Name, "not_configured").Inc()
		abortWithError(c, unavailableError("This webhook is not in service"))
		return nil, false
	case err != nil:
		s.metrics.inboxItems.WithLabelValues(p.Name, "unauthorized").Inc()
		if p.AuthChallenge != "" {
			c.Header("WWW-Authenticate", p.AuthChallenge)
		}
		abortWithDetail(c, http.StatusUnauthorized, "Credentials are missing or wrong")
		return nil, false
	}
	return owners, true
}

// onlyAccount is the account that the credentials belong to; empty when several have them.
func onlyAccount(owners []string) string {
	if distinct := slices.Compact(slices.Sorted(slices.Values(owners))); len(distinct) == 1 {
		return distinct[0]
	}
	return ""
}

// isForeignSender reports whether the sender's credentials belong to no account that may report this on the order: a
// sandbox lab's credentials say nothing about production orders, nor one lab's about another's. That is the account
// through which the order is placed; draws and appointments are also told by who keeps appointments for the order's
// team.
func (s *server) isForeignSender(ctx context.Context, m labs.InboundMessage, accounts []store.LabAccount,
	owners []string) (bool, error) {
	if m.OrderNumber == "" {
		return false, nil
	}
	o, err := s.Store.OrderByNumber(ctx, m.OrderNumber)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if slices.Contains(owners, o.LabAccountID) {
		return false, nil
	}
	if m.Fact == nil || m.Fact.Kind != order.FactDrawCompleted && m.Fact.Kind != order.FactAppointment {
		return true, nil
	}
	lab, err := s.Store.LabAccount(ctx, o.LabAccountID)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(accounts, func(a store.LabAccount) bool {
		ours := a.TeamID == "" || a.TeamID == o.TeamID
		return slices.Contains(owners, a.ID) && ours && a.Environment == lab.Environment && s.makesAppointments(a)
	}), nil
}

// makesAppointments reports whether appointments are made through an account.
func (s *server) makesAppointments(a store.LabAccount) bool {
	lab, err := s.OpenLab(a)
	return err == nil && lab.Capabilities().Schedule
}
