package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/store"
)

// unmatchedWebhooks are webhooks of a lab that are not facts about an order, with their responses and the state of
// their inbox items. %s is replaced by an order's number.
var unmatchedWebhooks = []struct {
	name  string
	body  string
	wrong bool // with wrong credentials
	want  int
	state string // state of the inbox item; empty: not stored
}{
	{
		name: "of an unknown order", want: http.StatusAccepted, state: "unmatched",
		body: `{"order_number":"NOSUCHORDER00001","accession_number":"M1","type":"kit_received",` +
			`"rcvd_info":{"received_datetime":"2030-01-01T00:00:00Z"}}`,
	},
	{
		name: "of an unknown type", want: http.StatusAccepted, state: "unknown",
		body: `{"order_number":"%s","accession_number":"M1","type":"kit_blessed"}`,
	},
	{
		name: "without its content", want: http.StatusAccepted, state: "incomplete",
		body: `{"order_number":"%s","accession_number":"M1","type":"kit_received","rcvd_info":null}`,
	},
	{name: "not JSON", want: http.StatusBadRequest, state: "quarantined", body: `{"order_number":"%s",`},
	{name: "not an object", want: http.StatusBadRequest, state: "quarantined", body: `["%s"]`},
	{name: "without a type", want: http.StatusBadRequest, state: "quarantined", body: `{"order_number":"%s"}`},
	{
		name: "with wrong credentials", want: http.StatusUnauthorized, wrong: true,
		body: `{"order_number":"%s","accession_number":"M1","type":"kit_received",` +
			`"rcvd_info":{"received_datetime":"2018-01-11T19:53:08Z"}}`,
	},
	{
		name: "too large", want: http.StatusRequestEntityTooLarge,
		body: `{"order_number":"%s","type":"kit_received","rcvd_info":{},"padding":"` + strings.Repeat("x", 64<<10) + `"}`,
	},
}

func TestUnmatchedWebhooksAreStoredAndChangeNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		id := s.placeAndAwait()
		before := s.order(id)
		for _, odd := range unmatchedWebhooks {
			body := strings.Replace(odd.body, "%s", s.labOrderNumber(id), 1)
			listed := len(s.inboxByState(""))
			token := labToken
			if odd.wrong {
				token = "wrong"
			}
			r := s.webhookAs(labUser, token, []byte(body))
			require.Equal(t, odd.want, r.Status, "%s: %s", odd.name, r.Body)
			if odd.state == "" {
				require.Len(t, s.inboxByState(""), listed, "%s: stored", odd.name)
				continue
			}
			answered := decodeSuccess[struct {
				ID string `json:"id"`
			}](s, apiAnswer{Status: http.StatusOK, Body: r.Body})
			require.Contains(t, ids(s.inboxByState(odd.state)), answered.ID, odd.name)
			require.Equal(t, body, s.inboxItem(answered.ID).Body, odd.name)
		}
		require.Equal(t, before, s.order(id))
		require.Equal(t, int64(2), s.story(id).Events[1].Sequence)

		// The order applies the next fact normally.
		s.sendFact(id, "kit_shipped")
		s.awaitEvents(id, shippedEvents)
	})
}

func ids(rows []inboxView) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.ID
	}
	return out
}

// TestACourierReportWaitsForItsTrackingNumber shows that a courier's fact that arrives before the lab's waits for the
// order with its tracking number.
func TestACourierReportWaitsForItsTrackingNumber(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		id := s.placeAndAwait()
		before := s.order(id)
		s.sendEarlyCourierEvent(id)
		waiting := s.inboxByState("unmatched")
		require.Len(t, waiting, 1)
		require.NotEmpty(t, waiting[0].Tracking)
		require.Equal(t, before, s.order(id))

		s.sendFact(id, "kit_shipped")
		s.awaitEvents(id, shippedEvents+" out_for_delivery")
		require.Empty(t, s.inboxByState("unmatched"))
		require.Equal(t, id, s.inboxItem(waiting[0].ID).OrderID)
		s.requireInboxResolved(id)
	})
}

// sendEarlyCourierEvent reports a kit as out for delivery before its shipment is reported. Its time is later than the
// time of the shipment.
func (s *system) sendEarlyCourierEvent(id string) {
	s.t.Helper()
	body := map[string]any{"type": "courier", "leg": "outbound", "status": "out_for_delivery",
		"at": time.Now().UTC().Add(time.Minute)}
	answered := struct {
		Status int `json:"status"`
	}{}
	s.callLab(http.MethodPost, "/sandbox/orders/"+s.labOrderNumber(id)+"/facts", body).decode(s, &answered)
	require.Equal(s.t, http.StatusAccepted, answered.Status)
}

// TestAcceptedWebhooksAreInTheInbox compares the traffic log of the lab and the courier with the inbox: each accepted
// webhook is in the inbox once, and is resolved or listed for a human.
func TestAcceptedWebhooksAreInTheInbox(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.playScripts = true
		s := newSystem(t, o)
		var orders []string
		for _, script := range []string{"happy", "send-twice", "out-of-order", "send-late", "reject-final",
			"problem-outbound", "silent"} {
			orders = append(orders, s.placeOrder(map[string]any{"passthrough": "sandbox:" + script}))
		}
		s.awaitStatus(orders[0], "completed.testkit.completed")
		s.awaitStatus(orders[1], "completed.testkit.completed")
		for _, id := range orders {
			s.awaitScript(id)
			s.requireInboxResolved(id)
		}
		traffic := s.lab.Traffic()
		require.NotEmpty(t, traffic.WebhookAttempts)
		require.Empty(t, s.missingFromInbox(traffic))

		// The controls: a webhook that was never received, and one with another content than the received one.
		forged := traffic.WebhookAttempts[0]
		forged.Body = json.RawMessage(`{"order_number":"` + forged.OrderNumber + `","type":"kit_received"}`)
		require.Len(t,
			s.missingFromInbox(simlab.Traffic{WebhookAttempts: append(slices.Clone(traffic.WebhookAttempts), forged)}), 1)
		traffic.WebhookAttempts[0] = forged
		require.Len(t, s.missingFromInbox(traffic), 2, "one webhook is not in the inbox, and one inbox item was not sent")
	})
}

// awaitScript waits until the lab has sent everything in the order's script.
func (s *system) awaitScript(id string) {
	s.t.Helper()
	s.await(func() bool {
		var o struct {
			Running bool `json:"running"`
		}
		path := "/sandbox/orders/" + s.labOrderNumber(id)
		r := s.request(http.MethodGet, s.labURL+path, nil, "user", labUser, "token", labToken)
		if r.Status == http.StatusNotFound {
			return false // the order has not been placed yet
		}
		r.decode(s, &o)
		return r.Status == http.StatusOK && !o.Running
	}, "the script of order %s has not ended", id)
}

// missingFromInbox lists the accepted webhooks that the inbox does not have as often as they were sent, in a final
// state or in one that is listed for a human. It also lists inbox items that were not sent.
func (s *system) missingFromInbox(a simlab.Traffic) []string {
	s.t.Helper()
	sent, kept := map[string]int{}, map[string]int{}
	for _, w := range a.WebhookAttempts {
		if w.Status >= 200 && w.Status < 300 {
			sent[digest(w.Body)]++
		}
	}
	for page := 1; ; page++ {
		rows, _, err := s.store.InboxItems(context.Background(), store.InboxQuery{Page: page, Size: 100})
		require.NoError(s.t, err)
		for _, r := range rows {
			switch r.State {
			case store.InboxReceived, store.InboxParked:
				continue // not resolved
			}
			item, err := s.store.InboxItem(context.Background(), r.ID)
			require.NoError(s.t, err)
			kept[digest(item.Body)] += r.TimesSent
		}
		if len(rows) < 100 {
			break
		}
	}
	var missing []string
	for d := range sent {
		kept[d] -= sent[d]
	}
	for d, more := range kept {
		if more != 0 {
			missing = append(missing, fmt.Sprintf("%s: stored %+d times more often than sent", d, more))
		}
	}
	return missing
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
