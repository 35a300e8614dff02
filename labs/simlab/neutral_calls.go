package simlab

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The operations of the neutral protocol, as the account and Script.Calls name them. In the account they have the prefix "neutral.".
const (
	opPlace             = "place"
	opRegister          = "register"
	opCancel            = "cancel"
	opResults           = "results"
	opFacts             = "facts"
	opAvailability      = "availability"
	opBook              = "book"
	opReschedule        = "reschedule"
	opCancelAppointment = "cancel_appointment"
)

// scriptedCalls are the calls that Script.Calls can speak of: those about one order, but for the two that have a field of their own.
var scriptedCalls = []string{opRegister, opCancel, opResults, opFacts, opReschedule, opCancelAppointment}

// refusal is an answer of the neutral protocol that is an error. The codes are those of docs/partners.md.
type refusal struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Codes of refusals that a script can give instead of words of its own.
const (
	codeInvalid            = "invalid_order"
	codeUnknownOrder       = "unknown_order"
	codeNotRegistrable     = "not_registrable"
	codeAlreadyRegistered  = "already_registered"
	codeNotCancellable     = "not_cancellable"
	codeSlotGone           = "slot_gone"
	codeNotReschedulable   = "not_reschedulable"
	codeNoResults          = "no_results"
	codeOutsideServiceArea = "outside_service_area"
	codeUnknownTest        = "unknown_test"
	codeUnavailable        = "unavailable"
	codeBadSignature       = "bad_signature"
	codeRefusedByScript    = "refused"
)

var statusOfCode = map[string]int{
	codeInvalid: http.StatusUnprocessableEntity, codeOutsideServiceArea: http.StatusUnprocessableEntity,
	codeUnknownTest:  http.StatusUnprocessableEntity,
	codeUnknownOrder: http.StatusNotFound, codeNoResults: http.StatusNotFound,
	codeNotRegistrable: http.StatusConflict, codeAlreadyRegistered: http.StatusConflict,
	codeNotCancellable: http.StatusConflict,
	codeSlotGone:       http.StatusConflict, codeNotReschedulable: http.StatusConflict,
}

func refuse(code, message string) *refusal {
	return &refusal{status: statusOfCode[code], Code: code, Message: message}
}

// refuseAsScripted takes the script's word as a code where it is one.
func refuseAsScripted(word string) *refusal {
	if _, known := statusOfCode[word]; known {
		return refuse(word, strings.ReplaceAll(word, "_", " "))
	}
	return &refusal{status: http.StatusUnprocessableEntity, Code: codeRefusedByScript, Message: word}
}

// neutralCall is a call of the neutral protocol whose signature is right.
type neutralCall struct {
	w       http.ResponseWriter
	r       *http.Request
	record  *callRecord
	account string
	body    []byte
}

func (c *neutralCall) number() string { return c.r.PathValue("number") }

func (c *neutralCall) refuse(problem *refusal) { writeJSON(c.w, problem.status, problem) }

// decodeBody reads the body; it has answered when it returns false. Unknown keys are ignored.
func (c *neutralCall) decodeBody(into any) bool {
	if err := json.Unmarshal(c.body, into); err != nil {
		c.refuse(&refusal{status: http.StatusBadRequest, Code: codeInvalid, Message: "body cannot be read"})
		return false
	}
	return true
}

func (s *Server) neutralRoutes(mux *http.ServeMux) {
	if s.cfg.NeutralURL == "" {
		return
	}
	for pattern, route := range map[string]struct {
		operation string
		next      func(*neutralCall)
	}{
		"PUT /neutral/orders/{number}":                               {opPlace, s.handleNeutralPlace},
		"PUT /neutral/orders/{number}/patient":                       {opRegister, s.handleNeutralRegister},
		"POST /neutral/orders/{number}/cancel":                       {opCancel, s.handleNeutralCancel},
		"GET /neutral/orders/{number}/results":                       {opResults, s.handleNeutralResults},
		"GET /neutral/orders/{number}/facts":                         {opFacts, s.handleNeutralFacts},
		"POST /neutral/availability":                                 {opAvailability, s.handleAvailability},
		"PUT /neutral/orders/{number}/appointments/{id}":             {opBook, s.handleBook},
		"POST /neutral/orders/{number}/appointments/{id}/reschedule": {opReschedule, s.handleReschedule},
		"POST /neutral/orders/{number}/appointments/{id}/cancel":     {opCancelAppointment, s.handleCancelAppointment},
	} {
		mux.HandleFunc(pattern, s.neutralCall(route.operation, route.next))
	}
	// The control endpoint that a holder of an account finds below its base URL.
	mux.HandleFunc("PUT /neutral/sandbox/orders/{number}/script", s.requireControlCredentials(s.handleReplaceScript))
}

// neutralCall books a call in the account and checks its signature. A signature's time is real time, whatever Config.Now says: the
// other side has a clock of its own.
func (s *Server) neutralCall(operation string, next func(*neutralCall)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		account, known := s.resolveAccount(r.Header.Get(headerAccount))
		call := s.traffic.startCall("neutral."+operation, account, s.cfg.Now())
		c := &neutralCall{w: &statusRecorder{ResponseWriter: w, call: call}, r: r, record: call, account: account}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPlaceBody))
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			c.refuse(&refusal{status: http.StatusRequestEntityTooLarge, Code: codeInvalid, Message: "request is too large"})
			return
		}
		if err != nil || !known || !verifyWebhook(r.Header, s.neutralKeys, time.Now(), body) {
			c.refuse(&refusal{status: http.StatusUnauthorized, Code: codeBadSignature, Message: "account or signature is wrong"})
			return
		}
		c.body = body
		if number := c.number(); number != "" && !hasOutcome(operation) {
			call.addOrder(number, "")
		}
		next(c)
	}
}

// resolveAccount is the account that a call names: ours, or ours with one provider (see serves).
func (s *Server) resolveAccount(given string) (name string, known bool) {
	base, provider, restricted := strings.Cut(given, ":")
	if !equal(base, s.cfg.NeutralAccount) || restricted && !slices.Contains(providers, provider) {
		return "unknown", false
	}
	return given, true
}
