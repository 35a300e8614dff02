package simlab_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

const (
	user      = "5501"
	token     = "7d8e1c52-0c2e-4a52-9d63-0b7f6b1f2a11"
	secret    = "ﬁxed secret é" // changes under NFKD
	apiKey    = "EZTK-test"
	timeout   = 20 * time.Second
	heartbeat = 2 * time.Millisecond
	nonsense  = "nonsense" // a webhook that begins with this need not be JSON
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receivedWebhook is a webhook that the receiver got.
type receivedWebhook struct {
	path   string
	header http.Header
	body   []byte
	fields map[string]any
}

// testLab is a simulated lab and the receiver of its webhooks.
type testLab struct {
	t        testing.TB
	lab      *simlab.Server
	url      string
	client   *http.Client
	register bool // the receiver requests trackers after a kit_shipped

	mu         sync.Mutex
	webhookLog []receivedWebhook
	answer     func(count int) int // status of the count-th webhook, from 1
}

func newTestLab(t testing.TB, configure ...func(*simlab.Config)) *testLab {
	t.Helper()
	w := &testLab{t: t, register: true, client: &http.Client{Transport: &http.Transport{}, Timeout: timeout}}
	w.answer = func(int) int { return http.StatusOK }
	receiver := httptest.NewServer(http.HandlerFunc(w.receive))
	cfg := simlab.Config{
		User: user, Token: token,
		WebhookURL: receiver.URL + "/lab", CourierURL: receiver.URL + "/courier", CourierSecret: secret,
		CourierAPIKey: apiKey,
		RetryInterval: time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}
	for _, change := range configure {
		change(&cfg)
	}
	lab, err := simlab.New(cfg)
	require.NoError(t, err)
	w.lab = lab
	server := httptest.NewServer(lab.Handler())
	w.url = server.URL
	t.Cleanup(func() {
		lab.Close()
		lab.Close() // may be called twice
		w.client.CloseIdleConnections()
		server.Close()
		receiver.Close()
	})
	return w
}

func (w *testLab) receive(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fields := map[string]any{}
	if err != nil || json.Unmarshal(body, &fields) != nil && !strings.HasPrefix(string(body), nonsense) {
		w.t.Errorf("webhook is not JSON: %s", body)
	}
	for _, key := range []string{"ship_info", "data"} {
		ship, ok := fields[key].(map[string]any)
		if ok && ship["outbound"] != nil && w.register {
			w.createTracker(ship["outbound"])
			w.createTracker(ship["inbound"])
		}
	}
	w.mu.Lock()
	w.webhookLog = append(w.webhookLog, receivedWebhook{path: r.URL.Path, header: r.Header, body: body, fields: fields})
	status := w.answer(len(w.webhookLog))
	w.mu.Unlock()
	rw.WriteHeader(status)
}

func (w *testLab) webhooks() []receivedWebhook {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]receivedWebhook{}, w.webhookLog...)
}

// createTracker reports failures without ending the test, because the receiver calls it.
func (w *testLab) createTracker(code any) (status int, tracker map[string]any) {
	body, _ := json.Marshal(map[string]any{"tracker": map[string]any{"tracking_code": code, "carrier": "USPS"}})
	request, _ := http.NewRequest(http.MethodPost, w.url+"/v2/trackers", bytes.NewReader(body))
	request.SetBasicAuth(apiKey, "")
	response, err := w.client.Do(request)
	if err != nil {
		w.t.Errorf("creating a tracker: %v", err)
		return 0, nil
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&tracker); err != nil {
		w.t.Errorf("reading a tracker: %v", err)
	}
	return response.StatusCode, tracker
}

// send makes a call and returns the error of the transport.
func (w *testLab) send(method, path, body string, change ...func(*http.Request)) (int, []byte, error) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("user", user)
	request.Header.Set("token", token)
	for _, c := range change {
		c(request)
	}
	response, err := w.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// call makes a call that must be answered with the status, and decodes the answer.
func call[T any](w *testLab, status int, method, path, body string) (answer T) {
	w.t.Helper()
	got, raw, err := w.send(method, path, body)
	require.NoError(w.t, err)
	require.Equal(w.t, status, got, "%s", raw)
	require.NoError(w.t, json.Unmarshal(raw, &answer), "%s", raw)
	return answer
}

// placed is an element of the answer to PlaceOrder.
type placed struct {
	OrderNumber string  `json:"order_number"`
	KitID       *string `json:"kit_id"`
	Success     bool    `json:"success"`
	Message     string  `json:"error_msg"`
}

// place places one order and returns its kit id.
func (w *testLab) place(number, custom string) string {
	w.t.Helper()
	answer := call[[]placed](w, http.StatusOK, http.MethodPost, "/PlaceOrder", "["+orderBody(number, "custom", custom)+"]")
	require.Len(w.t, answer, 1)
	require.True(w.t, answer[0].Success, answer[0].Message)
	require.NotNil(w.t, answer[0].KitID)
	return *answer[0].KitID
}

// orderBody returns a valid order. changes are alternating keys and values; a nil value removes the key. "custom" sets
// custom_01.
func orderBody(number string, changes ...any) string {
	fields := map[string]any{
		"shipping_info": map[string]any{
			"first_name": "Ines", "last_name": "Okafor", "address_1": "77 Elm Ct", "address_2": "Unit 4",
			"city": "Tacoma", "state": "WA", "postcode": "98402", "country": "USA",
		},
		"order_number": number, "ordered_date": "2024-03-02T10:00:00.000000Z ", "gender": "female",
		"date_of_birth": "1988-11-30",
		"email":         "ines@example.org", "phone": "253-555-0142", "shipping_method": 9, "panel_id": []int{101},
		"physician_id": 5501,
		"lob":          "SC", "fulfillment": true, "kit_id": nil, "patient_signature": nil,
		"replacement": map[string]any{"origin_order_number": nil}, "patient_id": "", "custom_field": map[string]any{},
	}
	for i := 0; i < len(changes); i += 2 {
		key, value := changes[i].(string), changes[i+1]
		switch {
		case key == "custom":
			fields["custom_field"] = map[string]any{"custom_01": value}
		case strings.HasPrefix(key, "shipping_info."):
			fields["shipping_info"].(map[string]any)[strings.TrimPrefix(key, "shipping_info.")] = value
		case value == nil:
			delete(fields, key)
		default:
			fields[key] = value
		}
	}
	body, _ := json.Marshal(fields)
	return string(body)
}

// orderState is the control endpoint's form of an order.
type orderState struct {
	OrderNumber string                  `json:"order_number"`
	KitID       string                  `json:"kit_id"`
	Status      string                  `json:"status"`
	Script      string                  `json:"script"`
	Running     bool                    `json:"running"`
	Outbound    string                  `json:"outbound"`
	Inbound     string                  `json:"inbound"`
	Version     int                     `json:"results_version"`
	Calls       []simlab.Call           `json:"calls"`
	Webhooks    []simlab.WebhookAttempt `json:"webhooks"`
}

func (w *testLab) order(number string) orderState {
	w.t.Helper()
	return call[orderState](w, http.StatusOK, http.MethodGet, "/sandbox/orders/"+number, "")
}

// awaitScriptEnd waits until the order's script has ended and returns the order.
func (w *testLab) awaitScriptEnd(number string) (state orderState) {
	w.t.Helper()
	w.await(func() bool {
		status, raw, err := w.send(http.MethodGet, "/sandbox/orders/"+number, "")
		state = orderState{}
		// An order counts as running from the start of its script, before the first step.
		return err == nil && status == http.StatusOK && json.Unmarshal(raw, &state) == nil && state.hasStarted() &&
			!state.Running
	})
	return state
}

// hasStarted is false between the answer to PlaceOrder and the start of a script with steps.
func (s orderState) hasStarted() bool {
	return len(s.Webhooks) > 0 || s.Version > 0 || strings.HasPrefix(s.Script, "silent")
}

func (w *testLab) await(condition func() bool) {
	w.t.Helper()
	require.Eventually(w.t, condition, timeout, heartbeat)
}
