package simlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kinds of steps. The first four are the webhook types of the lab.
const (
	KindShipped  = "kit_shipped"
	KindReceived = "kit_received"
	KindRejected = "kit_rejected"
	KindReport   = "report_ready"
	KindCourier  = "courier" // a tracker event
	KindResults  = "results" // results exist from now on; a second time: their corrected version
	KindHappens  = "happens" // a lab fact happens now and is told by a later step, with this step's time
)

// Kinds of steps of the neutral protocol besides kit_shipped, report_ready, courier, results and happens: its other fact types.
const (
	KindTransit        = "transit"
	KindDraw           = "draw_completed"
	KindSample         = "sample_received"
	KindSampleRejected = "sample_rejected"
	KindAppointment    = "appointment" // the provider does something about the order's appointment, and tells it
)

// Legs of a kit's way.
const (
	LegOutbound = "outbound" // lab to customer
	LegInbound  = "inbound"  // customer to lab
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

// Script is what happens to an order.
type Script struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Place is how the PlaceOrder call itself is answered.
	Place CallBehaviour `json:"place"`
	// Steps follow, one after the other, once the order has been accepted.
	Steps []Step `json:"steps"`
	// Redraw names the script of an order that replaces one with this script. Empty: the same.
	Redraw string `json:"redraw,omitempty"`
	OrderBehaviour
}

// OrderBehaviour is how the calls about an order are answered, and its appointments made, after it has been placed. Neutral protocol only.
type OrderBehaviour struct {
	// Book is how its appointments are booked.
	Book BookingBehaviour `json:"book,omitzero"`
	// Calls is how other calls are answered, by operation: register, cancel, results, facts, reschedule, cancel_appointment.
	Calls map[string]CallBehaviour `json:"calls,omitempty"`
}

// BookingBehaviour is how an appointment is booked.
type BookingBehaviour struct {
	CallBehaviour
	// a booking that a provider would confirm at once is answered as pending
	Pending            bool     `json:"pending,omitempty"`
	NeverConfirmed     bool     `json:"unconfirmed,omitempty"` // what is pending or reserved is not confirmed by itself
	ConfirmAfter       Duration `json:"confirm,omitempty"`     // simulated time until it is; defaults to 4 hours
	ConfirmationUnsent bool     `json:"lost,omitempty"`        // that it is confirmed is never sent
}

// CallBehaviour is how a PlaceOrder call, or another call that is scripted, is answered. The zero value accepts it.
type CallBehaviour struct {
	Unavailable int    `json:"unavailable,omitempty"` // so many calls are answered 503 first
	RefuseWith  string `json:"refuse,omitempty"`      // success=false with this error_msg. Neutral: a code, or words
	DropAnswer  bool   `json:"drop_answer,omitempty"` // accept, then close the connection without an answer
	// before closing it, keep it open so long, in real time. Neutral: also without drop_answer, before answering
	HoldOpen Duration `json:"hold,omitempty"`
}

// Step is one thing that happens.
type Step struct {
	Kind   string   `json:"kind"`
	After  Duration `json:"after,omitempty"` // simulated time since the step before
	Pause  Duration `json:"pause,omitempty"` // real time to wait after that, whatever the speed
	Times  int      `json:"times,omitempty"` // how often its webhook is sent, the same each time; defaults to once
	Fact   string   `json:"fact,omitempty"`  // "happens" only: the webhook type that happens
	Empty  bool     `json:"empty,omitempty"` // "results" only: a report without observations
	Unsent bool     `json:"lost,omitempty"`  // its webhook is made and never sent; GET /Notifications has it

	// The rest is for the neutral protocol only.
	// a condition that must be met before After begins, and when it is over
	Awaits  string `json:"awaits,omitempty"`
	Partial bool   `json:"partial,omitempty"` // "results": the first half of them
	// "results": abnormal, critical or unknown, the first result; defaults to normal
	Interpretation string `json:"interpretation,omitempty"`
	Missing        string `json:"missing,omitempty"` // "results": a failure type, the last result is missing for it
	// "results": their types, in turn; empty: as the tests are.
	ResultTypes []string `json:"result_types,omitempty"`
	// "appointment": of an order without one that is ahead or under way, one is made with this provider. Empty: nothing happens.
	Provider string `json:"provider,omitempty"`
	Site     string `json:"site,omitempty"` // the same: where, at a patient service center
	Details
}

// Details are the parameters of a webhook. All are optional but leg and status of a courier event.
type Details struct {
	At              *time.Time `json:"at,omitempty"`               // when it happened; defaults to now
	AccessionNumber string     `json:"accession_number,omitempty"` // defaults to the order's kit id

	Outbound           *string `json:"outbound,omitempty"` // kit_shipped: tracking numbers, default to the order's own
	Inbound            *string `json:"inbound,omitempty"`
	RegistrationCode   *string `json:"kit_reg_code,omitempty"`
	OraquickExpiration string  `json:"oraquick_lot_exp,omitempty"`

	Recoverable *bool  `json:"recoverable,omitempty"` // kit_rejected; absent here, it is absent in the webhook
	Reason      string `json:"reason,omitempty"`

	Leg          string `json:"leg,omitempty"`    // courier, transit
	Status       string `json:"status,omitempty"` // courier, transit, appointment
	StatusDetail string `json:"status_detail,omitempty"`

	// The rest is for the neutral protocol only.
	KitID       *string    `json:"kit_id,omitempty"`       // kit_shipped; defaults to the order's own
	CollectedAt *time.Time `json:"collected_at,omitempty"` // draw_completed, sample_received
	Detail      string     `json:"detail,omitempty"`       // sample_rejected: a status detail
	// the whole data of the fact, instead of what the parameters say
	Data      json.RawMessage `json:"data,omitempty"`
	WebhookID string          `json:"webhook_id,omitempty"` // defaults to a new one
}

// Duration is a time.Duration that is written like "36h" in JSON.
type Duration time.Duration

// MarshalJSON writes the duration as text.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// UnmarshalJSON reads what time.ParseDuration reads.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(text)
	*d = Duration(parsed)
	return err
}

// check returns what is wrong with a script that came from outside.
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
	for operation, how := range m.Calls {
		if !slices.Contains(scriptedCalls, operation) {
			return errors.New("calls: operation is unknown")
		}
		if err := how.check(); err != nil {
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

// isForProtocol reports whether the step can be of an order that came by the neutral protocol, or of one that did not.
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

// isForProtocol reports whether all of its steps do.
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
