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

// The operations of the neutral protocol. Script.Calls uses these names; the traffic log adds the prefix "neutral.".
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

// scriptedCalls are the operations that Script.Calls can have. Script.Place and Script.Book are for the two other ones
// about an order.
var scriptedCalls = []string{opRegister, opCancel, opResults, opFacts, opReschedule, opCancelAppointment}

// refusal is an error answer of the neutral protocol. docs/partners.md lists the codes.
type refusal struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Codes of refusals. CallBehaviour.RefuseWith may be a code or a free text.
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
	codeUnknownTest: http.StatusUnprocessableEntity, codeUnknownOrder: http.StatusNotFound,
	codeNoResults:      http.StatusNotFound,
	codeNotRegistrable: http.StatusConflict, codeAlreadyRegistered: http.StatusConflict,
	codeNotCancellable: http.StatusConflict, codeSlotGone: http.StatusConflict, codeNotReschedulable: http.StatusConflict,
}

func refuse(code, message string) *refusal {
	return &refusal{status: statusOfCode[code], Code: code, Message: message}
}

// refuseAsScripted returns the refusal of a script: with the code if the text is a known code, and otherwise with the
// text as its message.
func refuseAsScripted(text string) *refusal {
	if _, known := statusOfCode[text]; known {
		return refuse(text, strings.ReplaceAll(text, "_", " "))
	}
	return &refusal{status: http.StatusUnprocessableEntity, Code: codeRefusedByScript, Message: text}
}

// neutralCall is a call of the neutral protocol with a valid signature.
type neutralCall struct {
	w       http.ResponseWriter
	r       *http.Request
	record  *callRecord
	account string
	body    []byte
}

func (c *neutralCall) number() string { return c.r.PathValue("number") }

func (c *neutralCall) refuse(problem *refusal) { writeJSON(c.w, problem.status, problem) }

// decodeBody decodes the body. It has answered if it returns false. Unknown keys are ignored.
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
	// This control endpoint is below the base URL of an account as well.
	mux.HandleFunc("PUT /neutral/sandbox/orders/{number}/script", s.requireControlCredentials(s.handleReplaceScript))
}

// neutralCall returns a handler that records a call in the traffic log and verifies its signature. Signatures are
// checked by real time, not by Config.Now, because the caller signs with its own clock.
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

// resolveAccount returns the account of a call: ours, or ours with one provider (see accountServes). known is false for
// another account.
func (s *Server) resolveAccount(given string) (name string, known bool) {
	base, provider, restricted := strings.Cut(given, ":")
	if !equal(base, s.cfg.NeutralAccount) || restricted && !slices.Contains(providers, provider) {
		return "unknown", false
	}
	return given, true
}
