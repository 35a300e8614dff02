package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"
)

// timeout is how long a condition may take to become true. Only failing tests take that long.
const timeout = 2 * time.Minute

// apiClient calls the API and the simulated lab. It checks the API's responses against the OpenAPI document.
var apiClient = &http.Client{Timeout: timeout, Transport: checkingTransport(http.DefaultTransport)}

// apiAnswer is a response of the API.
type apiAnswer struct {
	Status int
	Header http.Header
	Body   []byte
}

func (r apiAnswer) decode(s *system, v any) {
	s.t.Helper()
	require.NoError(s.t, json.Unmarshal(r.Body, v), "%s", r.Body)
}

// orderView is the part of an order that the tests read.
type orderView struct {
	ID        string  `json:"id"`
	SampleID  *string `json:"sample_id"`
	Status    string  `json:"status"`
	Sequence  int64   `json:"sequence"`
	LastEvent struct {
		Status string `json:"status"`
	} `json:"last_event"`
	Events []struct {
		ID     int64  `json:"id"`
		Status string `json:"status"`
		Detail string `json:"status_detail"`
	} `json:"events"`
}

func (o orderView) statuses() []string {
	out := make([]string, len(o.Events))
	for i, e := range o.Events {
		out[i] = e.Status
	}
	return out
}

// callAsClient calls the API with the client's key.
func (s *system) callAsClient(method, path string, body any, headers ...string) apiAnswer {
	s.t.Helper()
	return s.request(method, s.url+path, body, append([]string{"x-vital-api-key", s.key}, headers...)...)
}

// callAsOperations calls the API with the operations key.
func (s *system) callAsOperations(method, path string, body any) apiAnswer {
	s.t.Helper()
	return s.request(method, s.url+path, body, "x-vital-api-key", s.opsKey)
}

// callLab calls the simulated lab's control routes.
func (s *system) callLab(method, path string, body any) apiAnswer {
	s.t.Helper()
	r := s.request(method, s.labURL+path, body, "user", labUser, "token", labToken)
	require.Less(s.t, r.Status, 300, "%s %s: %s", method, path, r.Body)
	return r
}

func (s *system) request(method, url string, body any, headers ...string) apiAnswer {
	s.t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		content = bytes.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		require.NoError(s.t, err)
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, content)
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := apiClient.Do(req)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, res.Body.Close()) }()
	read, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return apiAnswer{Status: res.StatusCode, Header: res.Header, Body: read}
}

// orderBody is a request for a testkit. The keys of extra are added or replace its keys.
func (s *system) orderBody(extra map[string]any) map[string]any {
	body := map[string]any{
		"user_id":   s.userID,
		"order_set": map[string]any{"lab_test_ids": []string{s.labTestID}},
		"patient_details": map[string]any{
			"first_name": "Ines", "last_name": "Okafor", "dob": "1988-11-30", "gender": "female",
			"phone_number": "+12535550142", "email": "ines@example.org",
		},
		"patient_address": map[string]any{
			"receiver_name": "Ines Okafor", "first_line": "77 Elm Ct", "second_line": "Unit 4", "city": "Tacoma", "state": "WA",
			"zip": "98402", "country": "US",
		},
	}
	for k, v := range extra {
		body[k] = v
	}
	return body
}

// placeOrder creates an order and returns its id.
func (s *system) placeOrder(extra map[string]any, headers ...string) string {
	s.t.Helper()
	r := s.callAsClient(http.MethodPost, "/v3/order", s.orderBody(extra), headers...)
	require.Equal(s.t, http.StatusOK, r.Status, "%s", r.Body)
	var out struct {
		Order orderView `json:"order"`
	}
	r.decode(s, &out)
	return out.Order.ID
}

func (s *system) order(id string) orderView {
	s.t.Helper()
	r := s.callAsClient(http.MethodGet, "/v3/order/"+id, nil)
	require.Equal(s.t, http.StatusOK, r.Status, "%s", r.Body)
	var o orderView
	r.decode(s, &o)
	return o
}

// labOrderNumber returns the order's number at the lab, from its story.
func (s *system) labOrderNumber(id string) string {
	s.t.Helper()
	o, err := s.store.Order(context.Background(), "", id)
	require.NoError(s.t, err)
	return o.Number
}

// awaitStatus waits until the order's newest event has the status.
func (s *system) awaitStatus(id, status string) orderView {
	s.t.Helper()
	var o orderView
	require.Eventually(s.t, func() bool { o = s.order(id); return o.LastEvent.Status == status }, timeout,
		50*time.Millisecond,
		"order %s did not become %s", id, status)
	return o
}

// awaitWebhooks waits until the client has a webhook for every event of the order, and returns them by sequence.
func (s *system) awaitWebhooks(id string) map[int64]delivery {
	s.t.Helper()
	want := int(s.order(id).Sequence)
	var got map[int64]delivery
	require.Eventually(s.t, func() bool { got = s.receiver.forOrder(id); return len(got) == want }, timeout,
		50*time.Millisecond,
		"order %s: webhooks of %d events", id, want)
	require.Empty(s.t, s.receiver.failures())
	return got
}
