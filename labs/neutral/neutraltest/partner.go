// Package neutraltest is a small partner for tests that implements docs/partners.md. It shares no code with the
// adapter, so that it checks the adapter against the page.
package neutraltest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The keys of two free slots, and of one that is taken.
const (
	FirstSlot  = "slot-1"
	SecondSlot = "slot-2"
	TakenSlot  = "slot-0"
)

// UnknownTest is the code of a test that the partner refuses.
const UnknownTest = "unknown"

var freeSlots = map[string]time.Time{
	FirstSlot:  time.Date(2026, 3, 9, 16, 0, 0, 0, time.UTC),
	SecondSlot: time.Date(2026, 3, 10, 17, 30, 0, 0, time.UTC),
}

// Partner is a running partner.
type Partner struct {
	*httptest.Server

	user, secret string

	mu     sync.Mutex
	orders map[string]*orderRecord
	calls  []Call
}

// Call is a request with a valid signature.
type Call struct {
	Method, Path string
	Body         map[string]any
}

type orderRecord struct {
	kitID        string
	registered   bool
	cancelled    bool
	report       json.RawMessage
	facts        []json.RawMessage
	appointments map[string]map[string]any
}

// Start starts a partner that accepts the calls of the account with this user name and secret. The test's cleanup stops
// it.
func Start(t testing.TB, user, secret string) *Partner {
	t.Helper()
	p := &Partner{user: user, secret: secret, orders: map[string]*orderRecord{}}
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request, map[string]any) (int, any){
		"PUT /orders/{number}":                               p.handlePlace,
		"PUT /orders/{number}/patient":                       p.handleRegister,
		"POST /orders/{number}/cancel":                       p.handleCancel,
		"GET /orders/{number}/results":                       p.handleResults,
		"GET /orders/{number}/facts":                         p.handleFacts,
		"POST /availability":                                 p.handleAvailability,
		"PUT /orders/{number}/appointments/{id}":             p.handleBook,
		"POST /orders/{number}/appointments/{id}/reschedule": p.handleReschedule,
		"POST /orders/{number}/appointments/{id}/cancel":     p.handleCancelAppointment,
	} {
		mux.HandleFunc(pattern, p.requireSignature(handle))
	}
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// Calls lists the accepted calls, oldest first.
func (p *Partner) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Call(nil), p.calls...)
}

// PublishReport sets the lab report of an order.
func (p *Partner) PublishReport(number string, report any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders[number].report = encode(report)
}

// AddFact stores a fact for later polls and returns the body of its webhook.
func (p *Partner) AddFact(number, id string, fact map[string]any) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	body := encode(fact)
	polled := map[string]any{"id": id}
	for key, value := range fact {
		polled[key] = value
	}
	p.orders[number].facts = append(p.orders[number].facts, encode(polled))
	return body
}

// SignWebhook sets the headers of a webhook.
func SignWebhook(r *http.Request, user, secret, id string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	r.Header.Set("x-account", user)
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", stamp)
	r.Header.Set("webhook-signature", "v1,"+signature(secret, id, stamp, body))
}

func signature(secret, id, stamp string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// requireSignature accepts calls that are signed by the account, and runs one handler at a time.
func (p *Partner) requireSignature(handle func(*http.Request, map[string]any) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
		want := "v1," + signature(p.secret, id, stamp, raw)
		if id == "" || r.Header.Get("x-account") != p.user || r.Header.Get("webhook-signature") != want {
			writeAnswer(w, http.StatusUnauthorized, errorBody("unauthorized"))
			return
		}
		var body map[string]any
		if len(raw) > 0 && json.Unmarshal(raw, &body) != nil {
			writeAnswer(w, http.StatusBadRequest, errorBody("invalid_order"))
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls = append(p.calls, Call{r.Method, r.URL.Path, body})
		status, answer := handle(r, body)
		writeAnswer(w, status, answer)
	}
}

func writeAnswer(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(answer))
}

func encode(value any) json.RawMessage {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // the bodies of this package can always be encoded
	}
	return encoded
}

func errorBody(code string) map[string]string {
	return map[string]string{"code": code, "message": "says the partner"}
}
