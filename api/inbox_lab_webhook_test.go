package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const labRoute = "/webhooks/labs/molecular"

// sendLabWebhook sends a webhook as the lab does.
func (f *fixture) sendLabWebhook(body any) reply {
	f.t.Helper()
	return f.sendLabWebhookAs(labUser, labToken, body)
}

func (f *fixture) sendLabWebhookAs(user, token string, body any) reply {
	f.t.Helper()
	req, err := http.NewRequest(http.MethodPost, f.url, nil)
	require.NoError(f.t, err)
	req.SetBasicAuth(user, token)
	return f.send(http.MethodPost, labRoute, body, "Authorization", req.Header.Get("Authorization"))
}

func (f *fixture) inbox() []store.InboxItem {
	f.t.Helper()
	rows, _, err := f.store.InboxItems(f.t.Context(), store.InboxQuery{Size: 100})
	require.NoError(f.t, err)
	return rows
}

// requireInboxState requires that an inbox item has the state, and returns it.
func (f *fixture) requireInboxState(id, state string) store.InboxItem {
	f.t.Helper()
	row, err := f.store.InboxItem(f.t.Context(), id)
	require.NoError(f.t, err)
	require.Equal(f.t, state, row.State)
	return row
}

// labWebhookSample returns one of MTL's examples (testdata/seed_001_*.json), with the number of an order of ours and a
// time after its creation.
func labWebhookSample(t testing.TB, kind, number string) map[string]any {
	t.Helper()
	b, err := os.ReadFile("testdata/seed_001_" + kind + ".json")
	require.NoError(t, err)
	require.Contains(t, string(b), "2018-01-11T19:53:08.885569Z")
	var m map[string]any
	require.NoError(t,
		json.Unmarshal([]byte(strings.ReplaceAll(string(b), "2018-01-11T19:53:08.885569Z", "2026-03-04T15:31:08.885569Z")),
			&m))
	m["order_number"] = number
	return m
}

func TestSeedWebhooks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	sent := time.Date(2026, 3, 4, 15, 31, 8, 885569000, time.UTC)
	recoverable := true
	for kind, want := range map[string]order.Fact{
		"kit_shipped": {Kind: order.FactKitShipped, Accession: "M000031828", OutboundNumber: "1111497584974311111",
			InboundNumber: "1111498798437922222"},
		"kit_received": {Kind: order.FactKitReceived, Accession: "M000057021"},
		"kit_rejected": {Kind: order.FactKitRejected, Accession: "F000057212", Recoverable: &recoverable},
		"report_ready": {Kind: order.FactReportReady, Accession: "M000057021"},
	} {
		t.Log(kind) // shown when what follows fails
		id := f.createOrder(nil)
		r := f.sendLabWebhook(labWebhookSample(t, kind, f.order(id).Number))
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		require.Equal(t, "received", r.json(t)["status"])

		facts := f.orders.woken(id)
		require.Len(t, facts, 1)
		row := f.requireInboxState(facts[0].InboxID, store.InboxReceived)
		want.InboxID, want.SentAt, want.ReceivedAt, want.Detail = row.ID, sent, testTime, facts[0].Detail
		require.Equal(t, want, facts[0])
		require.Equal(t, id, row.OrderID)
		require.Contains(t, string(row.Body), `"type":"`+kind+`"`)
		require.NotContains(t, row.Headers, "Authorization")
		if kind == "kit_rejected" {
			require.Equal(t, "No patient identifiers listed on the sample container / envelope.", row.PartnerReason)
		}
	}
	require.NotContains(t, f.logs.String(), "identifiers", "the lab's words are free text")
	require.NotContains(t, f.logs.String(), labToken)
}

func TestLabWebhookAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	number := f.order(id).Number
	with := func(kind string, change func(map[string]any)) map[string]any {
		m := labWebhookSample(t, kind, number)
		change(m)
		return m
	}
	tests := map[string]struct {
		body     any
		status   int
		state    string // of the inbox row; empty: nothing is kept
		signal   bool
		decision string
	}{
		"not JSON": {`kit received`, http.StatusBadRequest, store.InboxQuarantined, false, "molecular-api#d5"},
		"a list":   {`[]`, http.StatusBadRequest, store.InboxQuarantined, false, "molecular-api#d5"},
		"empty":    {``, http.StatusBadRequest, store.InboxQuarantined, false, "molecular-api#d5"},
		"no type": {with("kit_received", func(m map[string]any) { delete(m, "type") }), http.StatusBadRequest,
			store.InboxQuarantined, false, "molecular-api#d6"},
		"type is a number": {with("kit_received", func(m map[string]any) { m["type"] = 1 }), http.StatusBadRequest,
			store.InboxQuarantined, false, "molecular-api#d6"},
		"no order number": {with("kit_received", func(m map[string]any) { m["order_number"] = "" }),
			http.StatusBadRequest, store.InboxQuarantined, false, "molecular-api#d6"},
		"unknown type": {with("kit_received", func(m map[string]any) { m["type"] = "kit_admired" }),
			http.StatusAccepted, store.InboxUnknown, false, "molecular-api#d4"},
		"no info": {with("kit_received", func(m map[string]any) { m["rcvd_info"] = nil }), http.StatusAccepted,
			store.InboxIncomplete, false, "molecular-api#d7"},
		"info is a text": {with("kit_rejected", func(m map[string]any) { m["rej_info"] = "bad" }), http.StatusAccepted,
			store.InboxIncomplete, false, "molecular-api#d7"},
		"no timestamp": {with("kit_received", func(m map[string]any) { m["rcvd_info"] = map[string]any{} }),
			http.StatusOK, store.InboxReceived, true, "molecular-api#d7b"},
		"unreadable timestamp": {with("report_ready",
			func(m map[string]any) { m["report_ready_info"] = map[string]any{"report_sent_datetime": "today"} }), http.StatusOK,
			store.InboxReceived, true, "molecular-api#d7b"},
		"unknown order": {with("kit_received", func(m map[string]any) { m["order_number"] = "0000000000000000" }),
			http.StatusAccepted, store.InboxUnmatched, false, "molecular-api#d8"},
		"more keys than known": {with("kit_shipped", func(m map[string]any) { m["colour"] = "blue" }), http.StatusOK,
			store.InboxReceived, true, "molecular-api#d12"},
	}
	for name, tt := range tests {
		t.Log(name) // shown when what follows fails
		before, facts := len(f.inbox()), len(f.orders.woken(id))
		r := f.sendLabWebhook(tt.body)
		require.Equal(t, tt.status, r.status, "%s: %s", tt.decision, r.body)
		rows := f.inbox()
		require.Len(t, rows, before+1)
		f.requireInboxState(r.json(t)["id"].(string), tt.state)
		if tt.signal {
			facts++
		}
		require.Len(t, f.orders.woken(id), facts)
	}
	require.Equal(t, int64(1), f.order(id).Sequence, "the API itself changes no status")
}

func TestLabWebhookAuthentication(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	number := f.order(f.createOrder(nil)).Number
	body := labWebhookSample(t, "kit_received", number)

	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		require.Equal(t, http.StatusMethodNotAllowed, f.sendWithKey(method, labRoute, "", nil).status, "molecular-api#d1")
	}
	large := strings.Repeat(" ", molecular.MaxWebhook+1)
	require.Equal(t, http.StatusRequestEntityTooLarge, f.sendLabWebhook(large).status, "molecular-api#d2")
	full := strings.Repeat(" ", molecular.MaxWebhook-2) + "{}"
	require.Equal(t, http.StatusBadRequest, f.sendLabWebhook(full).status,
		"just within the limit: read, and found wanting")
	require.Len(t, f.inbox(), 1)

	for name, r := range map[string]reply{
		"none":          f.send(http.MethodPost, labRoute, body),
		"wrong token":   f.sendLabWebhookAs(labUser, "wrong", body),
		"wrong user":    f.sendLabWebhookAs("wrong", labToken, body),
		"empty":         f.sendLabWebhookAs("", "", body),
		"no basic":      f.send(http.MethodPost, labRoute, body, "Authorization", "Bearer "+labToken),
		"swapped":       f.sendLabWebhookAs(labToken, labUser, body),
		"a client key":  f.sendWithKey(http.MethodPost, labRoute, f.key, body),
		"half a secret": f.sendLabWebhookAs(labUser, labToken[:8], body),
	} {
		require.Equal(t, http.StatusUnauthorized, r.status, name)
		require.Contains(t, r.header.Get("WWW-Authenticate"), "Basic", name)
	}
	require.Len(t, f.inbox(), 1, "what is not authentic is not kept (molecular-api#d3)")
	require.InDelta(t, 8, metricValue(t, f, "molecular", "unauthorized"), 0)
}

func metricValue(t *testing.T, f *fixture, partner, outcome string) float64 {
	t.Helper()
	families, err := f.metrics.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != "aliquot_partner_reports_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["partner"] == partner && labels["outcome"] == outcome {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestMetricsAreWellFormed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.sendLabWebhook(`{}`)
	problems, err := testutil.GatherAndLint(f.metrics)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// Without configured credentials the answer is 503, which asks the lab to send again (molecular-api#d14).
func TestLabWebhookNotConfigured(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, err := f.store.LabAccount(t.Context(), f.account)
	require.NoError(t, err)
	a.User, a.Token = "", ""
	require.NoError(t, f.store.PutLabAccount(t.Context(), a))
	r := f.sendLabWebhookAs("", "", labWebhookSample(t, "kit_received", "1"))
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.NotEmpty(t, r.header.Get("Retry-After"))
	require.Empty(t, f.inbox())
}

func TestLabWebhookDuplicatesAndAmendments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	body := labWebhookSample(t, "kit_shipped", f.order(id).Number)
	first, again := f.sendLabWebhook(body), f.sendLabWebhook(body)
	require.Equal(t, http.StatusOK, again.status, "molecular-api#d9")
	require.Equal(t, first.json(t)["id"], again.json(t)["id"])
	require.Len(t, f.orders.woken(id), 1, "a duplicate is only counted")
	require.Equal(t, 2, f.inbox()[0].TimesSent)

	body["ship_info"].(map[string]any)["outbound"] = "9420900204173500182641"
	require.Equal(t, http.StatusOK, f.sendLabWebhook(body).status)
	facts := f.orders.woken(id)
	require.Len(t, facts, 2)
	require.True(t, facts[1].Amendment, "molecular-api#d17")
	require.False(t, facts[0].Amendment)
}

func TestLabWebhookDuringRotation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, err := f.store.LabAccount(t.Context(), f.account)
	require.NoError(t, err)
	a.PreviousUser, a.PreviousToken, a.User, a.Token = a.User, a.Token, "new", "pair"
	require.NoError(t, f.store.PutLabAccount(t.Context(), a))
	number := f.order(f.createOrder(nil)).Number
	require.Equal(t, http.StatusOK, f.sendLabWebhookAs(labUser, labToken,
		labWebhookSample(t, "kit_shipped", number)).status)
	require.Equal(t, http.StatusOK, f.sendLabWebhookAs("new", "pair", labWebhookSample(t, "kit_received", number)).status)
	require.Equal(t, http.StatusUnauthorized, f.sendLabWebhookAs("new", labToken,
		labWebhookSample(t, "kit_received", number)).status)
}

// The sender of one account, such as the simulated lab, cannot report on orders that were placed through another
// account.
func TestLabWebhookOfAnotherAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.newAccount(store.LabAccount{TeamID: f.newTeam(store.Sandbox, ""), User: "other", Token: "pair"})
	id := f.createOrder(nil)
	number := f.order(id).Number
	r := f.sendLabWebhookAs("other", "pair", labWebhookSample(t, "kit_received", number))
	require.Equal(t, http.StatusAccepted, r.status, "the sender learns nothing")
	require.Equal(t, store.InboxQuarantined, f.inbox()[0].State)
	require.Empty(t, f.orders.woken(id))

	require.Equal(t, http.StatusOK, f.sendLabWebhook(labWebhookSample(t, "kit_received", number)).status)
	require.Len(t, f.orders.woken(id), 1, "the other account's message does not block it")
}

// A stored inbox item is answered 2xx, also when the order's workflow cannot be woken.
func TestLabWebhookWithoutWorkflows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	f.orders.fail(errors.New("unreachable"))
	r := f.sendLabWebhook(labWebhookSample(t, "kit_received", f.order(id).Number))
	require.Equal(t, http.StatusOK, r.status)
	require.Equal(t, store.InboxReceived, f.inbox()[0].State, "the reconciler wakes the order later")
}

func TestLabWebhookWithoutStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	body := labWebhookSample(t, "kit_received", f.order(f.createOrder(nil)).Number)
	require.NoError(t, f.store.Close())
	r := f.sendLabWebhook(body)
	require.Equal(t, http.StatusServiceUnavailable, r.status, "molecular-api#d11")
	require.NotEmpty(t, r.header.Get("Retry-After"))
}

// A lab that writes an order's number in other letters reports on that order.
func TestLabWebhookWithAnotherSpellingOfTheNumber(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := f.order(f.createOrder(nil))
	for _, number := range []string{strings.ToLower(o.Number), o.Number[:8] + " " + o.Number[8:]} {
		r := f.sendLabWebhook(labWebhookSample(t, "kit_received", number))
		require.Equal(t, http.StatusOK, r.status, string(r.body))
	}
	for _, item := range f.inbox() {
		require.Equal(t, o.ID, item.OrderID)
		require.Equal(t, o.Number, item.OrderNumber)
	}
	require.Len(t, f.inbox(), 2)
}
