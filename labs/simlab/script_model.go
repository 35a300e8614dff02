package simlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kinds of steps. The first four are the lab's webhook types.
const (
	KindShipped  = "kit_shipped"
	KindReceived = "kit_received"
	KindRejected = "kit_rejected"
	KindReport   = "report_ready"
	KindCourier  = "courier" // a courier event
	KindResults  = "results" // results are published; the second time a corrected version of them
	KindHappens  = "happens" // a lab fact happens, and a later step sends it with this step's time
)

// Kinds of steps of the neutral protocol only. It also has kit_shipped, report_ready, courier, results and happens.
const (
	KindTransit        = "transit"
	KindDraw           = "draw_completed"
	KindSample         = "sample_received"
	KindSampleRejected = "sample_rejected"
	KindAppointment    = "appointment" // the provider changes the order's appointment and sends that
)

// The legs of a kit's transit.
const (
	LegOutbound = "outbound" // from the lab to the customer
	LegInbound  = "inbound"  // from the customer to the lab
)

const (
	maxSteps       = 100
	maxTimes       = 10
	maxAfter       = 10 * 365 * 24 * time.Hour
	maxHold        = 10 * time.Minute
	maxPause       = time.Hour
	maxUnavailable = 1000
)

var (
	labKinds     = []string{KindShipped, KindReceived, KindRejected, KindReport}
	neutralKinds = []string{KindShipped, KindTransit, KindDraw, KindSample, KindSampleRejected, KindReport,
		KindAppointment}
)

// Script is the sequence of steps that the simulated lab performs for one order, and how it answers calls about the
// order.
type Script struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Place says how the call that places the order is answered.
	Place CallBehaviour `json:"place"`
	// Steps are performed in this sequence after the order has been accepted.
	Steps []Step `json:"steps"`
	// Redraw is the name of the script of an order that replaces one with this script. Empty: this script.
	Redraw string `json:"redraw,omitempty"`
	OrderBehaviour
}

// OrderBehaviour says how calls about a placed order are answered. It is for the neutral protocol only.
type OrderBehaviour struct {
	// Book says how bookings of appointments are answered.
	Book BookingBehaviour `json:"book,omitzero"`
	// Calls says how other calls are answered, by operation: register, cancel, results, facts, reschedule,
	// cancel_appointment.
	Calls map[string]CallBehaviour `json:"calls,omitempty"`
}

// BookingBehaviour says how a booking is answered, and how the appointment is confirmed.
type BookingBehaviour struct {
	CallBehaviour
	// a booking is answered as pending even if the provider usually confirms at once
	Pending bool `json:"pending,omitempty"`
	// the provider does not confirm pending and reserved appointments
	NeverConfirmed bool `json:"unconfirmed,omitempty"`
	// simulated time until the confirmation; defaults to 4 hours
	ConfirmAfter       Duration `json:"confirm,omitempty"`
	ConfirmationUnsent bool     `json:"lost,omitempty"` // the confirmation is not sent
}

// CallBehaviour says how a call is answered. With the zero value it succeeds.
type CallBehaviour struct {
	Unavailable int `json:"unavailable,omitempty"` // number of calls that are answered 503 first
	// Molecular: error_msg of a refusal. Neutral protocol: a code, or a text
	RefuseWith string `json:"refuse,omitempty"`
	DropAnswer bool   `json:"drop_answer,omitempty"` // accepts the call, then closes the connection without an answer
	// real time until the connection is closed. Neutral protocol: without drop_answer, real time until the answer
	HoldOpen Duration `json:"hold,omitempty"`
}

// Step is one thing that happens to an order.
type Step struct {
	Kind   string   `json:"kind"`
	After  Duration `json:"after,omitempty"` // simulated time after the previous step
	Pause  Duration `json:"pause,omitempty"` // real time to wait after that, at any speed
	Times  int      `json:"times,omitempty"` // how often the same webhook is sent; defaults to 1
	Fact   string   `json:"fact,omitempty"`  // "happens" only: the webhook type of the fact
	Empty  bool     `json:"empty,omitempty"` // "results" only: a lab report without observations
	Unsent bool     `json:"lost,omitempty"`  // the webhook is not sent; GET /Notifications has it

	Partial bool `json:"partial,omitempty"` // "results": only the first half of them
	// "results": interpretation of the first result; all others are normal. Empty: normal, and in Molecular's protocol
	// what the order's number gives
	Interpretation string `json:"interpretation,omitempty"`
	Missing        string `json:"missing,omitempty"` // "results": the last result is missing for this failure type
	// "results": their types, in turn; empty: the types of the tests
	ResultTypes []string `json:"result_types,omitempty"`

	// The following fields are for the neutral protocol only.
	//
	// Awaits is a condition that has to be met before After begins and when it ends.
	Awaits string `json:"awaits,omitempty"`
	// "appointment": provider of a new appointment if the order has no active one; empty: nothing happens
	Provider string `json:"provider,omitempty"`
	Site     string `json:"site,omitempty"` // "appointment": site of a new appointment at a patient service center
	Details
}

// Details are the parameters of a webhook. All are optional, except leg and status of a courier event.
type Details struct {
	At              *time.Time `json:"at,omitempty"`               // when the fact happened; defaults to now
	AccessionNumber string     `json:"accession_number,omitempty"` // defaults to the order's kit id

	Outbound           *string `json:"outbound,omitempty"` // kit_shipped: tracking numbers; default to the order's
	Inbound            *string `json:"inbound,omitempty"`
	RegistrationCode   *string `json:"kit_reg_code,omitempty"`
	OraquickExpiration string  `json:"oraquick_lot_exp,omitempty"`

	Recoverable *bool  `json:"recoverable,omitempty"` // kit_rejected; if it is absent here, the webhook does not have it
	Reason      string `json:"reason,omitempty"`

	Leg          string `json:"leg,omitempty"`    // courier, transit
	Status       string `json:"status,omitempty"` // courier, transit, appointment
	StatusDetail string `json:"status_detail,omitempty"`

	// The following fields are for the neutral protocol only.
	KitID       *string    `json:"kit_id,omitempty"`       // kit_shipped; defaults to the order's
	CollectedAt *time.Time `json:"collected_at,omitempty"` // draw_completed, sample_received
	Detail      string     `json:"detail,omitempty"`       // sample_rejected: a status detail
	// the whole data of the fact, instead of the other parameters
	Data      json.RawMessage `json:"data,omitempty"`
	WebhookID string          `json:"webhook_id,omitempty"` // defaults to a new id
}

// Duration is a time.Duration with a JSON form like "36h".
type Duration time.Duration

// MarshalJSON encodes the duration as text.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// UnmarshalJSON decodes a text that time.ParseDuration accepts.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(text)
	*d = Duration(parsed)
	return err
}

// check returns what is wrong with a script of a request.
func (s Script) check() error {
	if len(s.Steps) > maxSteps {
		return fmt.Errorf("a script has at most %d steps", maxSteps)
	}
	if err := s.Place.check(); err != nil {
		return fmt.Errorf("place: %w", err)
	}
	if err := s.OrderBehaviour.check(); err != nil {
		return err
	}
	for i, step := range s.Steps {
		if err := step.check(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func (p CallBehaviour) check() error {
	if p.Unavailable < 0 || p.Unavailable > maxUnavailable {
		return fmt.Errorf("unavailable is between 0 and %d", maxUnavailable)
	}
	if hold := time.Duration(p.HoldOpen); hold < 0 || hold > maxHold {
		return fmt.Errorf("hold is between 0 and %s", maxHold)
	}
	return nil
}

func (m OrderBehaviour) check() error {
	if err := m.Book.CallBehaviour.check(); err != nil {
		return fmt.Errorf("book: %w", err)
	}
	if confirm := time.Duration(m.Book.ConfirmAfter); confirm < 0 || confirm > maxAfter {
		return fmt.Errorf("book: confirm is between 0 and %s", maxAfter)
	}
	for operation, behaviour := range m.Calls {
		if !slices.Contains(scriptedCalls, operation) {
			return errors.New("calls: operation is unknown")
		}
		if err := behaviour.check(); err != nil {
			return fmt.Errorf("calls: %w", err)
		}
	}
	return nil
}

func (s Step) check() error {
	if after := time.Duration(s.After); after < 0 || after > maxAfter {
		return fmt.Errorf("after is between 0 and %s", maxAfter)
	}
	if pause := time.Duration(s.Pause); pause < 0 || pause > maxPause {
		return fmt.Errorf("pause is between 0 and %s", maxPause)
	}
	if s.Times < 0 || s.Times > maxTimes {
		return fmt.Errorf("times is at most %d", maxTimes)
	}
	if s.Provider != "" && providerZones[s.Provider] == nil {
		return errors.New("provider is unknown")
	}
	if s.Awaits != "" && conditions[s.Awaits] == nil {
		return errors.New("awaits is an unknown condition")
	}
	switch s.Kind {
	case KindResults:
		return s.checkResults()
	case KindHappens:
		if !slices.Contains(labKinds, s.Fact) && (s.Fact == KindAppointment || !slices.Contains(neutralKinds, s.Fact)) {
			return errors.New("fact must be a webhook type of the lab")
		}
		return nil
	}
	return s.Details.check(s.Kind)
}

func (s Step) checkResults() error {
	if s.Interpretation != "" && !slices.Contains(interpretations, s.Interpretation) {
		return errors.New("interpretation is unknown")
	}
	if slices.ContainsFunc(s.ResultTypes, func(kind string) bool { return !slices.Contains(resultTypes, kind) }) {
		return errors.New("result_types has an unknown type")
	}
	if s.Missing != "" && !slices.Contains(failureTypes, s.Missing) {
		return errors.New("missing must be a failure type")
	}
	return nil
}

// isForProtocol reports whether orders of the neutral protocol (or of Molecular's protocol) can have the step.
func (s Step) isForProtocol(neutral bool) bool {
	kind := s.Kind
	switch kind {
	case KindResults, KindCourier:
		return true
	case KindHappens:
		kind = s.Fact
	}
	if neutral {
		return slices.Contains(neutralKinds, kind)
	}
	return slices.Contains(labKinds, kind) && s.Awaits == ""
}

// isForProtocol reports whether orders of the protocol can have all steps of the script.
func (s Script) isForProtocol(neutral bool) bool {
	return !slices.ContainsFunc(s.Steps, func(step Step) bool { return !step.isForProtocol(neutral) })
}

// check returns what is wrong with the parameters of a webhook of this kind.
func (d Details) check(kind string) error {
	switch {
	case kind == KindAppointment:
		if !slices.Contains(appointmentStatuses, d.Status) {
			return errors.New("status must be one of an appointment")
		}
		return nil
	case kind != KindCourier && kind != KindTransit:
		if !slices.Contains(labKinds, kind) && !slices.Contains(neutralKinds, kind) {
			return errors.New("kind is unknown")
		}
		return nil
	}
	if d.Leg != LegOutbound && d.Leg != LegInbound {
		return errors.New("leg must be outbound or inbound")
	}
	if d.Status == "" {
		return errors.New("status is missing")
	}
	return nil
}
