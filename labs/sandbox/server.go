// Package sandbox is a simulated lab and a simulated courier aggregator: a real HTTP server that speaks the protocol of
// Molecular Testing Labs (PlaceOrder, webhooks with Basic authentication), of a tracker service (trackers, signed
// events) and, below /neutral, the neutral partner protocol of labs and appointment providers (docs/partners.md). It is an
// outside partner: it knows nothing of Aliquot but its webhook addresses.
//
// What happens to an order is a script, a list of steps with simulated delays. Scripts have names (docs/sandbox.md); an
// order names its script, and the control endpoints under /sandbox replace it, set results and send single facts. All state is in
// memory and bounded; patient data is checked when an order is placed and not kept.
package sandbox

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

// Server is the simulated lab and courier aggregator. Make it with New, serve its Handler, end it with Close.
type Server struct {
	cfg     Config
	handler http.Handler
	account *ledger
	sender  *sender

	ctx    context.Context // ends when the server is closed
	cancel context.CancelFunc
	runs   sync.WaitGroup

	mu       sync.Mutex // guards what follows and the orders and trackers in it
	closed   bool
	orders   *orderBook
	trackers map[string]*tracker // by tracking code
	diary    *diary

	neutralKeys [][]byte
	seed        maphash.Seed // of what is compared and not kept
}

// New checks the configuration and makes a server that is ready to serve. Its error lists all that is wrong.
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
		cfg:      cfg,
		account:  newLedger(cfg.Spacing, cfg.Memory),
		ctx:      ctx,
		cancel:   cancel,
		orders:   newOrderBook(),
		trackers: map[string]*tracker{},
		diary:    newDiary(),

		neutralKeys: keys,
		seed:        maphash.MakeSeed(),
	}
	s.sender = newSender(ctx, cfg, s.account)
	s.handler = s.routes()
	return s, nil
}

// Handler serves the lab, the tracker API and the control endpoints.
func (s *Server) Handler() http.Handler { return s.handler }

// Account is a copy of what the server has received and sent so far.
func (s *Server) Account() Account { return s.account.snapshot() }

// Close stops all scripts and sends nothing more; it returns when the last one has ended. It may be called again. Call it before
// the HTTP server is shut down: it also ends the connections that a script holds open.
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

	mux.HandleFunc("POST /PlaceOrder", s.labCall("PlaceOrder", s.placeOrders))
	mux.HandleFunc("GET /OrderInfo", s.labCall("OrderInfo", s.orderInfo))
	mux.HandleFunc("GET /Notifications", s.labCall("Notifications", s.notifications))
	mux.HandleFunc("GET /Results", s.labCall("Results", s.results))
	if s.cfg.CancelCall {
		mux.HandleFunc("POST /CancelOrder", s.labCall("CancelOrder", s.cancelOrder))
	}

	s.neutralRoutes(mux)

	mux.HandleFunc("POST /v2/trackers", s.createTracker)

	mux.HandleFunc("GET /sandbox/scripts", s.control(s.listScripts))
	mux.HandleFunc("GET /sandbox/account", s.control(s.showAccount))
	mux.HandleFunc("GET /sandbox/orders", s.control(s.listOrders))
	mux.HandleFunc("GET /sandbox/orders/{number}", s.control(s.showOrder))
	mux.HandleFunc("PUT /sandbox/orders/{number}/script", s.control(s.replaceScript))
	mux.HandleFunc("PUT /sandbox/orders/{number}/results", s.control(s.replaceResults))
	mux.HandleFunc("POST /sandbox/orders/{number}/facts", s.control(s.sendFact))
	mux.HandleFunc("GET /sandbox/orders/{number}/appointments", s.control(s.listAppointments))
	mux.HandleFunc("POST /sandbox/orders/{number}/appointments/{id}", s.control(s.actOnAppointment))
	return mux
}

// labCall books a call to the lab in the account and checks its credentials.
func (s *Server) labCall(operation string, next func(http.ResponseWriter, *http.Request, *callRecord)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		call := s.account.begin(operation, "", s.cfg.Now())
		booked := &bookedWriter{ResponseWriter: w, call: call}
		if !s.labCredentials(r) {
			writeError(booked, http.StatusUnauthorized, "user or token is invalid")
			return
		}
		next(booked, r, call)
	}
}

// control checks the credentials of a control endpoint, which are those of the lab, or the account and a secret of the neutral
// protocol.
func (s *Server) control(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.labCredentials(r) && !s.neutralCredentials(r) {
			writeError(w, http.StatusUnauthorized, "user or token is invalid")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
		next(w, r)
	}
}

func (s *Server) labCredentials(r *http.Request) bool {
	user := equal(r.Header.Get("user"), s.cfg.User)
	token := equal(r.Header.Get("token"), s.cfg.Token)
	return user && token
}

func (s *Server) neutralCredentials(r *http.Request) bool {
	_, known := s.neutralAccount(r.Header.Get("user"))
	right := false
	for _, secret := range s.cfg.NeutralSecrets {
		right = equal(r.Header.Get("token"), secret) || right
	}
	return known && right
}

func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// bookedWriter books the status of an answer before the caller can see it.
type bookedWriter struct {
	http.ResponseWriter
	call *callRecord
}

func (w *bookedWriter) WriteHeader(status int) {
	w.call.answered(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush the answer.
func (w *bookedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// labAnswer is the form in which the lab tells success and failure (molecular-api#register-kit).
type labAnswer struct {
	Success bool   `json:"success"`
	Message string `json:"error_msg"`
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, labAnswer{Message: message})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The only error left is a caller who went away.
	_ = json.NewEncoder(w).Encode(value)
}
