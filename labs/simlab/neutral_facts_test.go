package simlab_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// polledFact is a fact in the answer to a poll.
type polledFact struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	OrderNumber string         `json:"order_number"`
	At          string         `json:"at"`
	Accession   string         `json:"accession"`
	Data        map[string]any `json:"data"`
}

func (w *testLab) facts(number string) []polledFact {
	w.t.Helper()
	return neutralCall[map[string][]polledFact](w, http.StatusOK, http.MethodGet, "/orders/"+number+"/facts", "")["facts"]
}

func TestFactsAreListed(t *testing.T) {
	t.Parallel()
	for script, sent := range map[string]int{"happy": 2, "webhooks-lost": 0, "send-twice": 4} {
		w := newNeutralLab(t)
		placed := w.placeOnSite(simlab.FlowOnSite, script)
		var facts []polledFact
		w.await(func() bool { facts = w.facts("N1"); return len(facts) == 2 && !w.order("N1").Running })
		require.Equal(t, []string{"sample_received", "report_ready"}, []string{facts[0].Type, facts[1].Type})
		require.Equal(t, []string{"N1", placed.Accession}, []string{facts[0].OrderNumber, facts[0].Accession})
		require.Less(t, facts[0].At, facts[1].At)
		webhooks := w.verifiedWebhooks()
		require.Len(t, webhooks, sent)
		account := w.lab.Traffic().WebhookAttemptsFor("N1")
		require.Len(t, account, sent, "the account has what was sent")
		for i, r := range webhooks {
			fact := facts[i*2/max(sent, 1)]
			require.Equal(t, fact.ID, r.header.Get("webhook-id"))
			require.Equal(t, fact.ID, account[i].ID)
			require.JSONEq(t, string(account[i].Body), string(r.body))
			require.Equal(t, fact.Data, r.fields["data"])
		}
	}
	w := newNeutralLab(t, withManual)
	require.Equal(t, "unknown_order", neutralCall[refusal](w, http.StatusNotFound, http.MethodGet, "/orders/N1/facts",
		"").Code)
	w.book(http.StatusCreated, "a1", bookingBody(simlab.FlowPhlebotomy, ""))
	call[map[string]any](w, http.StatusOK, http.MethodPost, "/sandbox/orders/N1/appointments/a1", `{"status":"confirmed"}`)
	require.Len(t, w.facts("N1"), 1, "its order has not been placed")
	w.placeOnSite(simlab.FlowPhlebotomy, "")
	require.Len(t, w.facts("N1"), 1)
}

func TestNeutralFactsByHand(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	w.placeOnSite(simlab.FlowTestkit, "")
	w.place("M1", "")
	fact := func(number, body string) receivedWebhook {
		t.Helper()
		answer := call[map[string]int](w, http.StatusOK, http.MethodPost, "/sandbox/orders/"+number+"/facts", body)
		require.Equal(t, map[string]int{"status": http.StatusOK}, answer)
		all := w.webhooks()
		last := all[len(all)-1]
		require.Equal(t, "/neutral", last.path)
		return last
	}
	shown := fact("N1", `{"type":"kit_shipped","outbound":"9405","kit_id":"K1"}`).fields["data"].(map[string]any)
	require.Equal(t, []any{"9405", "K1", w.order("N1").Inbound},
		[]any{shown["outbound"], shown["kit_id"], shown["inbound"]})
	require.Equal(t, map[string]any{"leg": "inbound", "status": "lost"},
		fact("N1", `{"type":"transit","leg":"inbound","status":"lost"}`).fields["data"])
	require.Equal(t, map[string]any{"reason": "QNS", "recoverable": false, "detail": "sample_contaminated"},
		fact("N1",
			`{"type":"sample_rejected","reason":"QNS","recoverable":false,"detail":"sample_contaminated"}`).fields["data"])

	late := fact("N1",
		`{"type":"sample_received","at":"2024-03-12T10:05:40+01:00","collected_at":"2024-03-10T00:00:00Z","webhook_id":"w1"}`)
	require.Equal(t, "2024-03-12T09:05:40.000000Z", late.fields["at"])
	require.Equal(t, map[string]any{"collected_at": "2024-03-10T00:00:00.000000Z"}, late.fields["data"])
	again := fact("N1",
		`{"type":"sample_received","at":"2024-03-12T10:05:40+01:00","collected_at":"2024-03-10T00:00:00Z","webhook_id":"w1"}`)
	require.Equal(t, late.body, again.body, "repeated")
	amended := fact("N1",
		`{"type":"sample_received","at":"2024-03-12T10:05:40+01:00","webhook_id":"w1","data":{"collected_at":"then"},
			"accession_number":"A-9"}`)
	require.Equal(t, "w1", amended.header.Get("webhook-id"))
	require.Equal(t, map[string]any{"collected_at": "then"}, amended.fields["data"])
	require.Equal(t, "A-9", amended.fields["accession"])
	require.Len(t, w.facts("N1"), 5, "a repeated fact is listed once, an amended one twice")

	require.Equal(t, "kit_admired", fact("N1", `{"type":"kit_admired","data":{"by":"all"}}`).fields["type"],
		"any type at all")
	fact("M1", `{"type":"draw_completed","protocol":"neutral"}`)
	fact("N-unknown", `{"type":"report_ready","protocol":"neutral"}`)
	require.Equal(t, "N-unknown",
		fact("N-unknown", `{"type":"transit","leg":"outbound","status":"with_customer"}`).fields["order_number"])
	require.True(t, strings.HasPrefix(string(fact("N1", `{"type":"x","raw":"nonsense {"}`).body), "nonsense {"))
	w.verifiedWebhooks()

	for body, status := range map[string]int{
		`{"type":"appointment"}`: http.StatusNotFound, `{"type":"transit","protocol":"molecular"}`: http.StatusBadRequest,
		`{"type":"kit_received","protocol":"molecular"}`: http.StatusOK, `{"type":"transit","leg":1}`: http.StatusBadRequest,
	} {
		got, _, err := w.send(http.MethodPost, "/sandbox/orders/N1/facts", body)
		require.NoError(t, err)
		require.Equal(t, status, got, body)
	}
}

func TestScriptsKeepToTheirProtocol(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	w.placeOnSite(simlab.FlowOnSite, "")
	w.place("M1", "")
	for number, bodies := range map[string][]string{
		"N1": {`{"steps":[{"kind":"kit_received"}]}`, `{"script":"relayed"}`, `{"script":"happy","book":{"pending":true}}`},
		"M1": {`{"steps":[{"kind":"transit","leg":"inbound","status":"lost"}]}`, `{"script":"critical"}`,
			`{"steps":[{"kind":"kit_shipped","awaits":"booked"}]}`},
		"N5": {
			`{"steps":[{"kind":"results","missing":"bad_luck"}]}`, `{"steps":[{"kind":"results","interpretation":"odd"}]}`,
			`{"steps":[{"kind":"report_ready","awaits":"spring"}]}`,
			`{"steps":[{"kind":"appointment","status":"perhaps"}]}`, `{"steps":[],"calls":{"dance":{}}}`,
			`{"steps":[],"book":{"hold":"1h"}}`,
			`{"steps":[],"book":{"confirm":"-1h"}}`, `{"steps":[],"calls":{"cancel":{"unavailable":-1}}}`,
			`{"steps":[{"kind":"happens","fact":"appointment"}]}`,
		},
	} {
		for _, body := range bodies {
			status, _, err := w.send(http.MethodPut, "/sandbox/orders/"+number+"/script", body)
			require.NoError(t, err)
			require.Equal(t, http.StatusBadRequest, status, body)
		}
	}
	// A script that was set by name before the order came is looked up in the order's flow.
	call[map[string]string](w, http.StatusOK, http.MethodPut, "/sandbox/orders/N2/script", `{"script":"happy"}`)
	neutralCall[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N2",
		neutralOrderBody("N2", simlab.FlowOnSite, "silent"))
	w.await(func() bool { return !w.order("N2").Running && len(w.webhooks()) == 2 })
	require.Equal(t, join(sample, report), w.factNames(w.order("N2")))
}
