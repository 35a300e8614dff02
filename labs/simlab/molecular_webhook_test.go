package simlab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// envelopeKeys are the seven keys in the sequence of the documented examples.
var envelopeKeys = `"order_number":.*"accession_number":.*"type":.*` +
	`"ship_info":.*"rcvd_info":.*"rej_info":.*"report_ready_info":`

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newTestLab(t, func(c *simlab.Config) { c.CourierURL, c.Now = "", clock.now })
	kit := w.place("K7Q2M9XW4T1B8C5D", "reject-recoverable-results")
	state := w.awaitScriptEnd("K7Q2M9XW4T1B8C5D")
	want := []map[string]any{
		{"type": "kit_shipped", "ship_info": map[string]any{
			"outbound": state.Outbound, "inbound": state.Inbound, "shipped_datetime": "2024-03-04T16:20:11.402916Z",
			"kit_reg_code": nil, "oraquick_lot_exp": "",
		}},
		{"type": "kit_received", "rcvd_info": map[string]any{"received_datetime": "2024-03-04T16:20:11.402917Z"}},
		{"type": "kit_rejected", "rej_info": map[string]any{
			"rejected_datetime": "2024-03-04T16:20:11.402918Z", "recoverable": true,
			"rejected_reason": "No patient identifiers listed on the sample container / envelope.",
		}},
		{"type": "report_ready", "report_ready_info": map[string]any{"report_sent_datetime": "2024-03-04T16:20:11.402919Z"}},
	}
	all := w.webhooks()
	require.Len(t, all, len(want))
	for i, r := range all {
		for _, key := range []string{"ship_info", "rcvd_info", "rej_info", "report_ready_info"} {
			if _, given := want[i][key]; !given {
				want[i][key] = nil
			}
		}
		want[i]["order_number"], want[i]["accession_number"] = "K7Q2M9XW4T1B8C5D", kit
		require.Equal(t, want[i], r.fields)
		require.Regexp(t, envelopeKeys, string(r.body))
		require.Equal(t, "application/json", r.header.Get("Content-Type"))
		require.Equal(t, "Basic "+basic(user, token), r.header.Get("Authorization"))
	}
}

func basic(name, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header.Get("Authorization")[len("Basic "):]
}

// answerUnavailableTwice makes the receiver answer 503 to the first two webhooks, and 200 to all others.
func (w *testLab) answerUnavailableTwice() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = func(count int) int {
		if count <= 2 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
}

func TestWebhookIsRetried(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	w.answerUnavailableTwice()
	w.place("N1", "happy-lab-only")
	state := w.awaitScriptEnd("N1")
	require.Equal(t, []string{shipped, shipped, shipped, receivedKit, report}, sequence(state, w.webhooks()))
	var attempts, statuses []int
	for _, webhook := range state.Webhooks {
		attempts, statuses = append(attempts, webhook.Attempt), append(statuses, webhook.Status)
	}
	require.Equal(t, []int{1, 2, 3, 1, 1}, attempts)
	require.Equal(t, []int{503, 503, 200, 200, 200}, statuses)
	all := w.webhooks()
	require.Equal(t, all[0].body, all[2].body)
}

func TestAFactIsSentAgainIfAsked(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	w.place("N1", "happy")
	w.answerUnavailableTwice()
	for _, tt := range []struct {
		body string
		want int
	}{{`{"type":"kit_shipped"}`, 503}, {`{"type":"kit_shipped","repeat":true}`, 200}} {
		require.Equal(t, map[string]int{"status": tt.want},
			call[map[string]int](w, http.StatusOK, http.MethodPost, "/sandbox/orders/N1/facts", tt.body))
	}
	require.Len(t, w.webhooks(), 3)
}

func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status, attempts int
	}{
		"server error": {http.StatusInternalServerError, 4},
		"refused":      {http.StatusUnauthorized, 1},
		"redirected":   {http.StatusTemporaryRedirect, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestLab(t, func(c *simlab.Config) { c.RetryAttempts = 4 })
			w.mu.Lock()
			w.answer = func(int) int { return test.status }
			w.mu.Unlock()
			w.place("N1", "silent-after-shipped")
			require.Len(t, w.awaitScriptEnd("N1").Webhooks, test.attempts)
		})
	}
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		w := newTestLab(t, func(c *simlab.Config) { c.RetryAttempts, c.WebhookURL = 3, "http://127.0.0.1:1" })
		w.place("N1", "silent-after-shipped")
		state := w.awaitScriptEnd("N1")
		require.Len(t, state.Webhooks, 3)
		require.Zero(t, state.Webhooks[2].Status)
	})
}

func TestCourierEvents(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	w.place("N1", "lost-outbound")
	state := w.awaitScriptEnd("N1")
	all := w.webhooks()
	require.Len(t, all, 3)
	_, tracker := w.createTracker(state.Outbound)
	for _, r := range all[1:] {
		// The secret in NFKD: the ligature and the accented letter are decomposed.
		mac := hmac.New(sha256.New, []byte("fixed secret e\u0301"))
		mac.Write(r.body)
		require.Equal(t, "hmac-sha256-hex="+hex.EncodeToString(mac.Sum(nil)), r.header.Get("X-Hmac-Signature"))
		require.Equal(t, "Event", r.fields["object"])
		require.Equal(t, "tracker.updated", r.fields["description"])
		require.Equal(t, "test", r.fields["mode"])
		require.Regexp(t, `^evt_[0-9a-f]{32}$`, r.fields["id"])
		result := r.fields["result"].(map[string]any)
		require.Equal(t, tracker["id"], result["id"])
		require.Equal(t, "Tracker", result["object"])
		require.Equal(t, "USPS", result["carrier"])
	}
	require.NotEqual(t, all[1].fields["id"], all[2].fields["id"])
	require.Equal(t, map[string]any{"status": "unknown"}, all[1].fields["previous_attributes"])
	require.Equal(t, map[string]any{"status": "in_transit"}, all[2].fields["previous_attributes"])
	result := all[2].fields["result"].(map[string]any)
	require.Equal(t, "lost", result["status_detail"])
	details := result["tracking_details"].([]any)
	require.Len(t, details, 2)
	require.Equal(t, map[string]any{
		"object": "TrackingDetail", "status": "failure", "status_detail": "lost", "datetime": result["updated_at"],
		"message": "FAILURE",
	}, details[1])
}

func TestTrackers(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	status, first := w.createTracker("9420900204173500182641")
	require.Equal(t, http.StatusCreated, status)
	require.Regexp(t, `^trk_[0-9a-f]{32}$`, first["id"])
	require.Equal(t, "Tracker", first["object"])
	require.Equal(t, "9420900204173500182641", first["tracking_code"])
	require.Equal(t, "USPS", first["carrier"])
	require.Equal(t, "unknown", first["status"])
	status, again := w.createTracker("9420900204173500182641")
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, first, again)
	status, refused := w.createTracker("")
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, refused, "error")
	for _, change := range []func(*http.Request){
		func(*http.Request) {},
		func(r *http.Request) { r.SetBasicAuth(apiKey+"x", "") },
		func(r *http.Request) { r.SetBasicAuth("", apiKey) },
	} {
		status, _, err := w.send(http.MethodPost, "/v2/trackers", `{"tracker":{"tracking_code":"1"}}`, change)
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, status)
	}
}

func TestCourierWaitsForTheTracker(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, func(c *simlab.Config) { c.TrackerWait = time.Hour })
	w.mu.Lock()
	w.register = false
	w.mu.Unlock()
	w.place("N1", "lost-outbound")
	w.await(func() bool { return len(w.webhooks()) == 1 })
	state := w.order("N1")
	require.True(t, state.Running)
	w.createTracker(state.Inbound) // the tracker of the other leg has no effect
	require.Len(t, w.webhooks(), 1)
	w.createTracker(state.Outbound)
	w.awaitScriptEnd("N1")
	require.Len(t, w.webhooks(), 3)
}

func TestCourierSendsWithoutATrackerInTheEnd(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, func(c *simlab.Config) { c.TrackerWait = time.Millisecond })
	w.mu.Lock()
	w.register = false
	w.mu.Unlock()
	w.place("N1", "happy")
	require.Equal(t, expectedWebhooks()["happy"], sequence(w.awaitScriptEnd("N1"), w.webhooks()))
}
