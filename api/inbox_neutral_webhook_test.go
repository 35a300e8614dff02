package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const neutralRoute = "/webhooks/labs/neutral"

// partner is a lab account with the neutral protocol.
type partner struct {
	f *fixture
	store.LabAccount
}

func (f *fixture) newPartner(a store.LabAccount) partner {
	f.t.Helper()
	a.ID, a.LabSlug, a.Partner, a.BaseURL, a.Status = newID(), "mtl", neutral.Partner, "http://partner.test", "active"
	a.User = "account-" + a.ID
	a.Token = "whsec_" + base64.StdEncoding.EncodeToString([]byte(a.ID))
	if a.Environment == "" {
		a.Environment = store.Sandbox
	}
	require.NoError(f.t, f.store.PutLabAccount(f.t.Context(), a))
	return partner{f, a}
}

// sendWebhook sends a webhook as the partner does.
func (p partner) sendWebhook(id string, body any) reply {
	p.f.t.Helper()
	text, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		require.NoError(p.f.t, err)
		text = string(encoded)
	}
	return p.sendSigned(testTime, id, text, text)
}

func (p partner) sendSigned(at time.Time, id, signed, body string) reply {
	p.f.t.Helper()
	r := &http.Request{Header: http.Header{}}
	neutraltest.SignWebhook(r, p.User, p.Token, id, at, []byte(signed))
	var headers []string
	for name := range r.Header {
		headers = append(headers, name, r.Header.Get(name))
	}
	return p.f.send(http.MethodPost, neutralRoute, body, headers...)
}

func (p partner) createPlacedOrder() (id, number string) {
	p.f.t.Helper()
	id = p.f.createOrder(map[string]any{"order_set.lab_account_id": p.ID})
	return id, p.f.order(id).Number
}

func TestPartnerWebhookAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.newPartner(store.LabAccount{})
	id, number := p.createPlacedOrder()
	fact := func(kind string) map[string]any {
		return map[string]any{"type": kind, "order_number": number, "at": testTime.Add(time.Minute), "data": map[string]any{}}
	}
	unmatched := fact("report_ready")
	unmatched["order_number"] = "0000000000000000"
	for name, tt := range map[string]struct {
		body   any
		status int
		state  string
	}{
		"a fact":        {fact("sample_received"), http.StatusOK, store.InboxReceived},
		"not JSON":      {"sample received", http.StatusBadRequest, store.InboxQuarantined},
		"no order":      {`{"type":"sample_received"}`, http.StatusBadRequest, store.InboxQuarantined},
		"unknown type":  {fact("sample_admired"), http.StatusAccepted, store.InboxUnknown},
		"no leg":        {fact("transit"), http.StatusAccepted, store.InboxIncomplete},
		"unknown order": {unmatched, http.StatusAccepted, store.InboxUnmatched},
	} {
		r := p.sendWebhook("evt "+name, tt.body)
		require.Equal(t, tt.status, r.status, "%s: %s", name, r.body)
		row := f.requireInboxState(r.json(t)["id"].(string), tt.state)
		require.Equal(t, "neutral", row.Partner)
	}
	require.Len(t, f.orders.woken(id), 1)

	before := len(f.inbox())
	again := p.sendWebhook("evt a fact", fact("sample_received"))
	require.Equal(t, http.StatusOK, again.status)
	require.Len(t, f.inbox(), before, "a repeated webhook-id changes nothing")
	require.Len(t, f.orders.woken(id), 1)
	amended := fact("sample_received")
	amended["data"] = map[string]any{"collected_at": testTime}
	require.Equal(t, http.StatusOK, p.sendWebhook("evt a fact", amended).status)
	facts := f.orders.woken(id)
	require.Len(t, facts, 2)
	require.True(t, facts[1].Amendment)
}

func TestPartnerWebhookAuthentication(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.Equal(t, http.StatusServiceUnavailable, f.send(http.MethodPost, neutralRoute, "{}").status, "nobody to let in")
	p := f.newPartner(store.LabAccount{})
	_, number := p.createPlacedOrder()
	body := `{"type":"sample_received","order_number":"` + number + `"}`

	for name, r := range map[string]reply{
		"none":         f.send(http.MethodPost, neutralRoute, body),
		"another body": p.sendSigned(testTime, "evt", body+" ", body),
		"too old":      p.sendSigned(testTime.Add(-6*time.Minute), "evt", body, body),
		"of tomorrow":  p.sendSigned(testTime.Add(24*time.Hour), "evt", body, body),
		"a password":   f.send(http.MethodPost, neutralRoute, body, "Authorization", "Bearer "+p.Token),
	} {
		require.Equal(t, http.StatusUnauthorized, r.status, name)
		require.Empty(t, r.header.Get("WWW-Authenticate"), name)
	}
	require.Equal(t, http.StatusRequestEntityTooLarge,
		p.sendWebhook("evt", strings.Repeat(" ", neutral.MaxWebhook+1)).status)
	require.Equal(t, http.StatusMethodNotAllowed, f.sendWithKey(http.MethodGet, neutralRoute, "", nil).status)
	require.Empty(t, f.inbox(), "what is not authentic is not kept")

	changed := p.LabAccount
	changed.PreviousUser, changed.PreviousToken = p.User, p.Token
	changed.Token = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("n", 32)))
	require.NoError(t, f.store.PutLabAccount(t.Context(), changed))
	require.Equal(t, http.StatusOK, p.sendWebhook("evt-1", body).status, "the secret before")
	require.Equal(t, http.StatusOK, partner{f, changed}.sendWebhook("evt-2", body).status, "the new one")
	require.NotContains(t, f.logs.String(), p.Token)
}

// Accounts of one partner cannot report on orders of another partner.
func TestPartnerWebhookOfAnotherLab(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.newPartner(store.LabAccount{})
	id := f.createOrder(map[string]any{"order_set.lab_account_id": f.account})
	r := p.sendWebhook("evt", map[string]any{"type": "sample_received", "order_number": f.order(id).Number})
	require.Equal(t, http.StatusAccepted, r.status, "the sender learns nothing")
	require.Equal(t, store.InboxQuarantined, f.inbox()[0].State)
	require.Empty(t, f.orders.woken(id))
}

// A provider of the team's appointments may report on appointments, whichever lab has the order, and on nothing else.
func TestPartnerWebhookOfAProvider(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	settings := []byte(`{"collection_methods": [], "schedule": true, "provider": "getlabs"}`)
	provider := f.newPartner(store.LabAccount{Settings: settings})
	strangers := map[string]partner{
		"of another team":        f.newPartner(store.LabAccount{Settings: settings, TeamID: f.newTeam(store.Sandbox, "")}),
		"of production":          f.newPartner(store.LabAccount{Settings: settings, Environment: store.Production}),
		"that keeps none at all": f.newPartner(store.LabAccount{}),
	}
	id := f.createOrder(map[string]any{"order_set.lab_account_id": f.account})
	visit := map[string]any{"type": "appointment", "order_number": f.order(id).Number, "data": map[string]any{
		"id": newID(), "reference": "R-1", "status": "cancelled",
		"address": map[string]any{"first_line": "9 Side St", "city": "Phoenix", "state": "AZ", "zip": "85004"},
	}}
	for name, p := range strangers {
		require.Equal(t, http.StatusAccepted, p.sendWebhook("evt", visit).status, name)
	}
	require.Empty(t, f.orders.woken(id))
	require.Equal(t, http.StatusAccepted, provider.sendWebhook("evt-0", map[string]any{
		"type": "report_ready", "order_number": f.order(id).Number,
	}).status, "a provider has no reports")
	require.Empty(t, f.orders.woken(id))

	r := provider.sendWebhook("evt", visit)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	facts := f.orders.woken(id)
	require.Len(t, facts, 1)
	require.Equal(t, order.FactAppointment, facts[0].Kind)
	require.Equal(t, lifecycle.AppointmentStatusCancelled, facts[0].Appointment.Status)

	f.record(id, order.CauseCall(newID()), func(s order.State) order.Decision {
		d := order.Decision{Outcome: order.OutcomeApplied, From: s.Status, Next: s, Appointments: []order.AppointmentStep{{
			Appointment: order.Appointment{
				ID: newID(), Type: order.Phlebotomy, Provider: "getlabs", Status: lifecycle.AppointmentStatusConfirmed,
				Reference: "R-1",
				CreatedAt: testTime, EventCount: 1,
			},
			Origin: order.AppointmentOriginProvider, First: true, At: testTime,
		}}}
		d.Next.Appointment = &d.Appointments[0].Appointment
		return d
	})
	a, err := f.store.Appointment(t.Context(), f.team, id)
	require.NoError(t, err)
	require.Equal(t, "9 Side St", a.Location.FirstLine, "where the provider says that it is")
}
