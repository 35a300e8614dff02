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

// codeForeignAccount is the code of inbox items that are quarantined because the sender's account is not the order's.
const codeForeignAccount = "not_this_account"

func (s *server) labWebhookRoutes(e *gin.Engine) {
	for _, p := range registry.Protocols() {
		e.POST("/webhooks/labs/"+p.Name, func(c *gin.Context) { s.handleLabWebhook(c, p) })
	}
}

// handleLabWebhook receives a partner's webhooks, by the rules molecular-api#d1 to molecular-api#d15, which hold for
// every partner. An authentic message that is stored is answered 2xx, whatever it says, because not every partner sends
// a message again after an error. Only an internal failure is answered 503, which asks the partner to send it again.
func (s *server) handleLabWebhook(c *gin.Context, p labs.Protocol) {
	now := s.now()
	payload, ok := s.readPartnerBody(c, p.Name, p.MaxWebhook)
	if !ok {
		return
	}
	defer limitRequest(c, partnerLimit)()
	ctx := c.Request.Context()
	accounts, err := s.findWebhookAccounts(c.Request, p)
	if err != nil {
		s.answerNotStored(c, p.Name, err)
		return
	}
	owners, ok := s.authenticateLab(c, p, payload, accounts)
	if !ok {
		return
	}
	text, guessed := readPartnerText(c.Request.Header, payload, p.MaxWebhook)
	m := p.Decode(c.Request.Header, text, now)
	if m.AccessionWords != "" && m.Fact != nil {
		m.Fact.Accession = s.Store.SealCode(m.AccessionWords)
	}
	about, err := s.findReportedOrder(ctx, &m, owners)
	if err != nil {
		s.answerNotStored(c, p.Name, err)
		return
	}
	r := store.NewInboxItem{
		Partner: p.Name, LabAccountID: singleAccountID(owners), DedupKey: m.Key, BodyHash: m.Hash, Kind: m.Kind,
		OrderNumber: m.OrderNumber, Fact: m.Fact, PartnerReason: m.Reason, Body: payload,
		Headers: storedHeaders(c.Request, guessed), ReceivedAt: now,
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
	foreign, err := s.isForeignSender(ctx, m, about, accounts, owners)
	if err != nil {
		s.answerNotStored(c, p.Name, err)
		return
	}
	if foreign { // with its own key: otherwise the same message of the order's own lab would be a duplicate of it
		r.DedupKey, r.Kind = codeForeignAccount+":"+m.Key, codeForeignAccount
		r.Fact, r.State, status = nil, store.InboxQuarantined, http.StatusAccepted
		m.Location = nil
	}
	s.storeAndAnswerItem(c, r, m.Location, status)
}

// findWebhookAccounts lists the accounts whose credentials a webhook may have: those of the user name that it presents,
// or one of another user name. Only a webhook that presents none needs all accounts at the partner.
func (s *server) findWebhookAccounts(r *http.Request, p labs.Protocol) ([]store.LabAccount, error) {
	if p.WebhookUser != nil {
		if user, ok := p.WebhookUser(r); ok {
			return s.Store.LabAccountsByWebhookUser(r.Context(), p.Name, user)
		}
	}
	return s.Store.LabAccountsByPartner(r.Context(), p.Name)
}

// authenticateLab returns the accounts to which the request's credentials belong, or answers the request and returns
// false. When no account has credentials it answers 503 (molecular-api#d14).
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
		abortWithError(c, unavailableError("This webhook is not configured"))
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

// singleAccountID returns the account to which the credentials belong, or "" when there is more than one.
func singleAccountID(owners []string) string {
	if distinct := slices.Compact(slices.Sorted(slices.Values(owners))); len(distinct) == 1 {
		return distinct[0]
	}
	return ""
}

// findReportedOrder returns the order that a message is about; nil: there is none yet. The message gets its number as
// it is stored. An order with exactly the reported number comes first.
func (s *server) findReportedOrder(ctx context.Context, m *labs.InboundMessage, owners []string) (*store.OrderRef,
	error) {
	if m.OrderNumber == "" {
		return nil, nil //nolint:nilnil // a message about no order is no failure
	}
	o, err := s.Store.OrderByNumber(ctx, m.OrderNumber)
	if errors.Is(err, store.ErrNotFound) {
		reported := m.OrderNumber
		if m.OrderNumber, err = s.Store.StoredOrderNumber(ctx, reported, owners); err != nil || m.OrderNumber == reported {
			return nil, err
		}
		o, err = s.Store.OrderByNumber(ctx, m.OrderNumber)
	}
	if err != nil {
		return nil, err
	}
	return &o, nil
}

// isForeignSender reports whether no account of the sender may report the message's fact on its order o. The account
// through which the order is placed may report everything. Accounts of the order's team and environment that make
// appointments may report draws and appointments. So a simulated lab cannot change a production order, nor one lab the
// order of another.
func (s *server) isForeignSender(ctx context.Context, m labs.InboundMessage, o *store.OrderRef,
	accounts []store.LabAccount, owners []string) (bool, error) {
	if o == nil || slices.Contains(owners, o.LabAccountID) {
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

// makesAppointments reports whether appointments can be booked through an account.
func (s *server) makesAppointments(a store.LabAccount) bool {
	lab, err := s.OpenLab(a)
	return err == nil && lab.Capabilities().Schedule
}
