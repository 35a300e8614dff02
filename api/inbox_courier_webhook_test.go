package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	courierRoute = "/webhooks/couriers/easypost"
	outbound     = "9420900204173500182641"
	inbound      = "772081149359"
)

func (f *fixture) sendCourierWebhook(body string) reply {
	f.t.Helper()
	mac := hmac.New(sha256.New, []byte(courierSecret))
	mac.Write([]byte(body))
	return f.send(http.MethodPost, courierRoute, body, "X-Hmac-Signature",
		"hmac-sha256-hex="+hex.EncodeToString(mac.Sum(nil)))
}

func trackerUpdate(number, status string, minute int) string {
	return fmt.Sprintf(`{"id":"evt_%[3]d","object":"Event","description":"tracker.updated",
		"result":{"id":"trk_1","object":"Tracker","tracking_code":%[1]q,"status":%[2]q,"status_detail":"",
		"signed_by":"Ann Lee",
		"tracking_details":[{"datetime":"2026-03-04T15:%02[3]d:00Z"}]}}`, number, status, minute)
}

// newShippedOrder creates an order whose kit is in transit, with both tracking numbers.
func (f *fixture) newShippedOrder() string {
	f.t.Helper()
	id := f.createOrder(nil)
	f.shipKit(id)
	return id
}

func (f *fixture) shipKit(id string) {
	f.t.Helper()
	body := trackerUpdateLikeSeed(f.order(id).Number)
	require.Equal(f.t, http.StatusOK, f.sendLabWebhook(body).status)
	facts := f.orders.woken(id)
	fact := facts[len(facts)-1]
	s, err := f.store.State(f.t.Context(), id)
	require.NoError(f.t, err)
	_, err = f.store.Record(f.t.Context(), order.Recording{
		OrderID: id, Revision: s.Revision, Cause: order.CauseInbox(fact.InboxID), Decision: s.ApplyFact(fact, testTime),
		Fact: &fact, At: testTime,
	})
	require.NoError(f.t, err)
}

func trackerUpdateLikeSeed(number string) map[string]any {
	return map[string]any{
		"order_number": number, "accession_number": "M000031828", "type": "kit_shipped",
		"ship_info": map[string]any{"outbound": outbound, "inbound": inbound, "shipped_datetime": "2026-03-04T15:31:08Z"},
	}
}

func TestCourierWebhook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.newShippedOrder()
	tests := []struct {
		number, status string
		minute         int
		want           order.Fact
	}{
		{outbound, "in_transit", 32, order.Fact{Leg: "outbound", TargetStatus: lifecycle.TransitCustomer}},
		{outbound, "delivered", 33, order.Fact{Leg: "outbound", TargetStatus: lifecycle.WithCustomer, LegEnded: true}},
		{strings.ToLower(inbound), "in_transit", 34, order.Fact{Leg: "inbound", TargetStatus: lifecycle.TransitLab}},
		{inbound, "delivered", 35, order.Fact{Leg: "inbound", LegEnded: true}},
	}
	for _, tt := range tests {
		r := f.sendCourierWebhook(trackerUpdate(tt.number, tt.status, tt.minute))
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		facts := f.orders.woken(id)
		got := facts[len(facts)-1]
		tt.want.Kind, tt.want.InboxID, tt.want.ReceivedAt = order.FactCourierReport, r.json(t)["id"].(string), testTime
		tt.want.SentAt = time.Date(2026, 3, 4, 15, tt.minute, 0, 0, time.UTC)
		require.Equal(t, tt.want, got)
	}
	before := len(f.orders.woken(id))
	require.Equal(t, http.StatusOK, f.sendCourierWebhook(trackerUpdate(inbound, "delivered", 35)).status)
	require.Len(t, f.orders.woken(id), before, "a duplicate")

	r := f.sendCourierWebhook(trackerUpdate(outbound, "pre_transit", 36))
	require.Equal(t, http.StatusOK, r.status)
	require.Equal(t, store.InboxUnknown, r.json(t)["status"], "a printed label proves nothing")
	require.Len(t, f.orders.woken(id), before)
	require.NotContains(t, f.logs.String(), "Ann Lee")
}

func TestCourierWebhookAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendCourierWebhook(trackerUpdate("0000", "in_transit", 32))
	require.Equal(t, http.StatusAccepted, r.status)
	require.Equal(t, store.InboxUnmatched, r.json(t)["status"])

	r = f.sendCourierWebhook(`{"id":"evt_1","description":"batch.updated","result":{"object":"Batch"}}`)
	require.Equal(t, http.StatusOK, r.status)
	require.Len(t, f.inbox(), 1, "what is not about a parcel is not kept")

	for _, body := range []string{`parcel`, `[]`, `{"description":"tracker.updated"}`} {
		r = f.sendCourierWebhook(body)
		require.Equal(t, http.StatusBadRequest, r.status, body)
		require.Equal(t, store.InboxQuarantined, r.json(t)["status"], body)
	}
	kept := len(f.inbox())
	for name, header := range map[string]string{"none": "", "wrong": "hmac-sha256-hex=00", "prose": "let me in"} {
		r = f.send(http.MethodPost, courierRoute, trackerUpdate(outbound, "delivered", 32), "X-Hmac-Signature", header)
		require.Equal(t, http.StatusUnauthorized, r.status, name)
	}
	require.Equal(t, http.StatusRequestEntityTooLarge, f.sendCourierWebhook(strings.Repeat(" ", 1<<20+1)).status)
	require.Equal(t, http.StatusMethodNotAllowed, f.sendWithKey(http.MethodGet, courierRoute, "", nil).status)
	require.Len(t, f.inbox(), kept)
}

func TestCourierWebhookNotConfigured(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(d *api.Deps) { d.CourierSecrets = nil })
	r := f.sendCourierWebhook(trackerUpdate(outbound, "delivered", 32))
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.Empty(t, f.inbox())
}
