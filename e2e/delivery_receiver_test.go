package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

// receiver is a client's webhook endpoint. It verifies every delivery with the Standard Webhooks library and records
// it.
type receiver struct {
	t             testing.TB
	url           string
	mu            sync.Mutex
	verify        *standardwebhooks.Webhook
	deliveries    []delivery
	badSignatures []string       // deliveries that did not verify
	answer        int            // status of the responses; 0 means 200
	refused       map[string]int // how often each message was refused, by message id and body
}

// delivery is one verified webhook.
type delivery struct {
	ID        string
	EventType string
	OrderID   string
	Sequence  int64
	Status    string // of the newest event
	Body      []byte
	Trace     string // its traceparent header
	At        time.Time
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{t: t, refused: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(r.handle))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) setSecret(secret string) {
	v, err := standardwebhooks.NewWebhook(secret)
	require.NoError(r.t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verify = v
}

func (r *receiver) handle(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		err = r.verify.Verify(body, req.Header)
	}
	if err != nil {
		r.badSignatures = append(r.badSignatures, err.Error())
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.answer >= http.StatusBadRequest {
		r.refused[req.Header.Get("svix-id")+string(body)]++
		w.WriteHeader(r.answer)
		return
	}
	d := parseDelivery(req.Header.Get("svix-id"), body)
	d.Trace = req.Header.Get("traceparent")
	d.At = time.Now()
	r.deliveries = append(r.deliveries, d)
}

func parseDelivery(id string, body []byte) delivery {
	var in struct {
		EventType string `json:"event_type"`
		Data      struct {
			ID        string `json:"id"`
			Sequence  int64  `json:"sequence"`
			LastEvent struct {
				Status string `json:"status"`
			} `json:"last_event"`
		} `json:"data"`
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&in); err != nil {
		return delivery{ID: id, Body: body}
	}
	return delivery{
		ID: id, EventType: in.EventType, OrderID: in.Data.ID, Sequence: in.Data.Sequence, Status: in.Data.LastEvent.Status,
		Body: body,
	}
}

// answerWith sets the status of further responses. Below 400, deliveries are accepted.
func (r *receiver) answerWith(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

// refusals counts the messages that were refused.
func (r *receiver) refusals() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.refused)
}

// repeatedMessages counts the messages that were accepted after they had been refused with the same body.
func (r *receiver) repeatedMessages() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, d := range r.deliveries {
		if r.refused[d.ID+string(d.Body)] > 0 {
			n++
		}
	}
	return n
}

// forOrder returns the deliveries about an order, one of each message, by sequence.
func (r *receiver) forOrder(orderID string) map[int64]delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[int64]delivery{}
	for _, d := range r.deliveries {
		if d.OrderID == orderID {
			out[d.Sequence] = d
		}
	}
	return out
}

// failures lists the deliveries that could not be verified.
func (r *receiver) failures() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.badSignatures...)
}

// lockedBuffer is a buffer that several loggers write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
