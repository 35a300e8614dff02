// Package simlab is the simulated lab: an HTTP server that plays the labs, a courier aggregator and the providers of
// appointments. It has the protocol of Molecular Testing Labs (PlaceOrder, webhooks with Basic authentication), that of
// a tracker service (trackers, signed events) and, below /neutral, the neutral protocol (docs/partners.md). It is an
// outside partner: all that it knows of Aliquot are the URLs of its webhooks.
//
// A script decides what happens to an order. It is a list of steps with simulated delays. Scripts have names
// (docs/sandbox.md), and an order names its script. The control endpoints below /sandbox replace an order's script, set
// its results and send single facts. All state is in memory and bounded. Patient data is checked when an order is
// placed, and not stored.
package simlab

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"hash/maphash"
	"net/http"
	"sync"
)

const (
	maxPlaceBody   = 1 << 20
	maxControlBody = 8 << 20
)

// Server is the simulated lab. New makes it, Handler serves its calls, Close ends it.
type Server struct {
	cfg     Config
	handler http.Handler
	traffic *trafficLog
	sender  *webhookSender

	ctx    context.Context // ends when the server is closed
	cancel context.CancelFunc
	runs   sync.WaitGroup

	mu           sync.Mutex // guards the fields below, and the orders and trackers in them
	closed       bool
	orders       *orderBook
	trackers     map[string]*tracker // by tracking code
	appointments *appointmentBook

	neutralKeys [][]byte
	hashSeed    maphash.Seed // for patientHash
}

// New checks the configuration and makes a server. Its error lists everything that is wrong.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	keys, err := parseSecrets(cfg.NeutralSecrets)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg:          cfg,
		traffic:      newTrafficLog(cfg.Spacing, cfg.MaxCalls),
		ctx:          ctx,
		cancel:       cancel,
		orders:       newOrderBook(),
		trackers:     map[string]*tracker{},
		appointments: newAppointmentBook(),

		neutralKeys: keys,
		hashSeed:    maphash.MakeSeed(),
	}
	s.sender = newSender(ctx, cfg, s.traffic)
	s.handler = s.routes()
	return s, nil
}

// Handler serves the lab, the tracker API and the control endpoints.
func (s *Server) Handler() http.Handler { return s.handler }

// Traffic returns a copy of the traffic log.
func (s *Server) Traffic() Traffic { return s.traffic.snapshot() }

// Close stops all scripts and waits until they have ended; nothing is sent after that. It may be called again. Call it
// before the HTTP server is shut down, because it also ends the connections that scripts hold open.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.runs.Wait()
	s.sender.close()
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})

	mux.HandleFunc("POST /PlaceOrder", s.recordLabCall("PlaceOrder", s.handlePlaceOrders))
	mux.HandleFunc("GET /OrderInfo", s.recordLabCall("OrderInfo", s.handleOrderInfo))
	mux.HandleFunc("GET /Notifications", s.recordLabCall("Notifications", s.handleNotifications))
	mux.HandleFunc("GET /Results", s.recordLabCall("Results", s.handleResults))
	if s.cfg.CancelCall {
		mux.HandleFunc("POST /CancelOrder", s.recordLabCall("CancelOrder", s.handleCancelOrder))
	}

	s.neutralRoutes(mux)

	mux.HandleFunc("POST /v2/trackers", s.handleCreateTracker)

	mux.HandleFunc("GET /sandbox/scripts", s.requireControlCredentials(s.handleListScripts))
	mux.HandleFunc("GET /sandbox/account", s.requireControlCredentials(s.handleTraffic))
	mux.HandleFunc("GET /sandbox/orders", s.requireControlCredentials(s.handleListOrders))
	mux.HandleFunc("GET /sandbox/orders/{number}", s.requireControlCredentials(s.handleOrder))
	mux.HandleFunc("PUT /sandbox/orders/{number}/script", s.requireControlCredentials(s.handleReplaceScript))
	mux.HandleFunc("PUT /sandbox/orders/{number}/results", s.requireControlCredentials(s.handleReplaceResults))
	mux.HandleFunc("POST /sandbox/orders/{number}/facts", s.requireControlCredentials(s.handleSendFact))
	mux.HandleFunc("GET /sandbox/orders/{number}/appointments", s.requireControlCredentials(s.handleListAppointments))
	mux.HandleFunc("POST /sandbox/orders/{number}/appointments/{id}",
		s.requireControlCredentials(s.handleActOnAppointment))
	return mux
}

// recordLabCall returns a handler that records a call to the lab in the traffic log and checks its credentials.
func (s *Server) recordLabCall(operation string,
	next func(http.ResponseWriter, *http.Request, *callRecord)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		call := s.traffic.startCall(operation, "", s.cfg.Now())
		recorder := &statusRecorder{ResponseWriter: w, call: call}
		if !s.hasLabCredentials(r) {
			writeError(recorder, http.StatusUnauthorized, "user or token is invalid")
			return
		}
		next(recorder, r, call)
	}
}

// requireControlCredentials checks the credentials of a control endpoint: those of the lab, or the account and a secret
// of the neutral protocol.
func (s *Server) requireControlCredentials(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.hasLabCredentials(r) && !s.hasNeutralCredentials(r) {
			writeError(w, http.StatusUnauthorized, "user or token is invalid")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
		next(w, r)
	}
}

func (s *Server) hasLabCredentials(r *http.Request) bool {
	user := equal(r.Header.Get("user"), s.cfg.User)
	token := equal(r.Header.Get("token"), s.cfg.Token)
	return user && token
}

func (s *Server) hasNeutralCredentials(r *http.Request) bool {
	_, known := s.resolveAccount(r.Header.Get("user"))
	right := false
	for _, secret := range s.cfg.NeutralSecrets {
		right = equal(r.Header.Get("token"), secret) || right
	}
	return known && right
}

func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// statusRecorder records the status of an answer in the traffic log before the caller gets it.
type statusRecorder struct {
	http.ResponseWriter
	call *callRecord
}

func (w *statusRecorder) WriteHeader(status int) {
	w.call.setStatus(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush the answer.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// molecularAnswer is the lab's form of success and failure (molecular-api#register-kit).
type molecularAnswer struct {
	Success bool   `json:"success"`
	Message string `json:"error_msg"`
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, molecularAnswer{Message: message})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// the only possible error is a closed connection
	_ = json.NewEncoder(w).Encode(value)
}
