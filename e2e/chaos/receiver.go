package chaos

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Receiver is an endpoint of the team. It verifies every webhook and records it.
type Receiver struct {
	server *httptest.Server
	name   string
	types  []string

	mu            sync.Mutex
	verify        *standardwebhooks.Webhook
	deliveries    []Delivery
	badSignatures []string
	last          map[string]string // newest status in a webhook, by order
	newest        map[string]int64
}

// NewReceiver starts a receiver that takes the types of events; nil: all.
func NewReceiver(name string, types ...string) *Receiver {
	r := &Receiver{name: name, types: types, last: map[string]string{}, newest: map[string]int64{}}
	r.server = httptest.NewServer(http.HandlerFunc(r.handle))
	return r
}

// URL is the receiver's address.
func (r *Receiver) URL() string { return r.server.URL }

// Close stops the receiver.
func (r *Receiver) Close() { r.server.Close() }

// SetSecret sets the secret that verifies its webhooks.
func (r *Receiver) SetSecret(secret string) error {
	verify, err := standardwebhooks.NewWebhook(secret)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verify = verify
	return err
}

func (r *Receiver) handle(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest) // the sender was killed before it sent the whole body
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.verify.Verify(body, req.Header); err != nil {
		r.badSignatures = append(r.badSignatures, err.Error())
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d, err := read(req.Header.Get("svix-id"), body)
	if err != nil {
		r.badSignatures = append(r.badSignatures, err.Error())
	}
	r.deliveries = append(r.deliveries, d)
	if d.OrderID != "" && d.Sequence > r.newest[d.OrderID] {
		r.newest[d.OrderID], r.last[d.OrderID] = d.Sequence, lowStatus(d.Status)
	}
}

// read decodes a webhook. Of a webhook that is not about an order's event it reads the type only.
func read(id string, body []byte) (Delivery, error) {
	var in struct {
		Type string `json:"event_type"`
		Data struct {
			ID        string `json:"id"`
			Sequence  int64  `json:"sequence"`
			LastEvent struct {
				Status string `json:"status"`
			} `json:"last_event"`
		} `json:"data"`
	}
	err := json.Unmarshal(body, &in)
	d := Delivery{MessageID: id, Type: in.Type}
	if strings.HasPrefix(in.Type, "labtest.order.") {
		d.OrderID, d.Sequence, d.Status = in.Data.ID, in.Data.Sequence, in.Data.LastEvent.Status
	}
	return d, err
}

// Endpoint returns what the receiver has got.
func (r *Receiver) Endpoint() Endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Endpoint{Name: r.name, Types: r.types, Deliveries: slices.Clone(r.deliveries),
		BadSignatures: slices.Clone(r.badSignatures)}
}

// LastStatus returns the newest status of the order in a webhook.
func (r *Receiver) LastStatus(orderID string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[orderID]
}
