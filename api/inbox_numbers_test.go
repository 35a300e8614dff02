package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// TestNumbersOfAShipment sends a shipment whose numbers scanners have touched, and one with words in place of a number.
func TestNumbersOfAShipment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const number = "420773169261290283641500004181"
	for name, tt := range map[string]struct {
		sent       string // JSON
		want       string
		unreadable []string
	}{
		"a separator of barcodes": {`"\u001d` + number + `"`, number, nil},
		"no-break spaces":         {`"9261\u00a02902\u00a08364"`, "9261 2902 8364", nil},
		"a JSON number":           {`9261290283641500004181`, "9261290283641500004181", nil},
		"nothing":                 {`" null "`, "", nil},
		"words":                   {`"left with Zoë Núñez"`, "", []string{"outbound"}},
		"a rounded number":        {`9.26129028e21`, "", []string{"outbound"}},
	} {
		t.Log(name) // shown when what follows fails
		id := f.createOrder(nil)
		body := `{"order_number":"` + f.order(id).Number + `","type":"kit_shipped","accession_number":"M1",` +
			`"ship_info":{"outbound":` + tt.sent + `,"inbound":"","shipped_datetime":"2026-03-04T15:31:08Z"}}`
		require.Equal(t, http.StatusOK, f.sendLabWebhook(body).status)
		facts := f.orders.woken(id)
		fact := facts[len(facts)-1]
		require.Equal(t, tt.want, fact.OutboundNumber)
		require.Equal(t, tt.unreadable, fact.Unreadable)
		f.record(id, order.CauseInbox(fact.InboxID),
			func(s order.State) order.Decision { return s.ApplyFact(fact, testTime) })
		require.Equal(t, tt.unreadable != nil, f.order(id).State.HasMark(order.AttentionNumberUnreadable))
		item := f.requireInboxState(fact.InboxID, store.InboxReceived)
		require.Equal(t, body, string(item.Body), "the words are kept")
	}
}

// TestAKitWhoseNumberMayBeWordsIsRegistered registers a kit by a number that is stored by its keyed hash only.
func TestAKitWhoseNumberMayBeWordsIsRegistered(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	const printed = "Kit für Zoë *7*"
	id := f.createRegistrableKit(f.store.SealCode(printed))
	o := f.order(id)
	require.True(t, order.IsSealedCode(o.SampleID))
	require.NotContains(t, o.SampleID, "Zo")
	require.True(t, o.State.HasMark(order.AttentionNumberUnreadable))

	r := f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration("Kit für Zoë *8*", nil))
	require.Equal(t, http.StatusNotFound, r.status, "another kit")
	r = f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration(printed+" ", nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, id, r.json(t)["order"].(map[string]any)["id"])

	// A webhook with the same words is about the same number.
	body := labWebhookSample(t, "kit_received", o.Number)
	body["accession_number"] = printed
	require.Equal(t, http.StatusOK, f.sendLabWebhook(body).status)
	facts := f.orders.woken(id)
	require.Equal(t, o.SampleID, facts[len(facts)-1].Accession)

	plain := f.createRegistrableKit("A(1)")
	r = f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration("A(1)", nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, plain, r.json(t)["order"].(map[string]any)["id"])
}
