package sandbox

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

var labKinds = []string{KindShipped, KindReceived, KindRejected, KindReport}

// Script is what happens to an order.
type Script struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Place is how the PlaceOrder call itself is answered.
	Place Place `json:"place"`
	// Steps follow, one after the other, once the order has been accepted.
	Steps []Step `json:"steps"`
}

// Place is how a PlaceOrder call is answered. The zero value accepts the order.
type Place struct {
	Unavailable int      `json:"unavailable,omitempty"` // so many calls are answered 503 first
	Refuse      string   `json:"refuse,omitempty"`      // success=false with this error_msg
	DropAnswer  bool     `json:"drop_answer,omitempty"` // accept, then close the connection without an answer
	Hold        Duration `json:"hold,omitempty"`        // before closing it, keep it open so long, in real time
}

// Step is one thing that happens.
type Step struct {
	Kind  string   `json:"kind"`
	After Duration `json:"after,omitempty"` // simulated time since the step before
	Pause Duration `json:"pause,omitempty"` // real time to wait after that, whatever the speed
	Times int      `json:"times,omitempty"` // how often its webhook is sent, the same each time; defaults to once
	Fact  string   `json:"fact,omitempty"`  // "happens" only: the webhook type that happens
	Empty bool     `json:"empty,omitempty"` // "results" only: a report without observations
	Lost  bool     `json:"lost,omitempty"`  // its webhook is made and never sent; GET /Notifications has it
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

	Leg          string `json:"leg,omitempty"` // courier
	Status       string `json:"status,omitempty"`
	StatusDetail string `json:"status_detail,omitempty"`
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
	if s.Place.Unavailable < 0 || s.Place.Unavailable > maxUnavailable {
		return fmt.Errorf("place: unavailable is between 0 and %d", maxUnavailable)
	}
	if hold := time.Duration(s.Place.Hold); hold < 0 || hold > maxHold {
		return fmt.Errorf("place: hold is between 0 and %s", maxHold)
	}
	for i, step := range s.Steps {
		if err := step.check(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
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
	switch s.Kind {
	case KindResults:
		return nil
	case KindHappens:
		if !slices.Contains(labKinds, s.Fact) {
			return errors.New("fact must be a webhook type of the lab")
		}
		return nil
	}
	return s.Details.check(s.Kind)
}

// check returns what is wrong with the parameters of a webhook of this kind.
func (d Details) check(kind string) error {
	if slices.Contains(labKinds, kind) {
		return nil
	}
	if kind != KindCourier {
		return errors.New("kind is unknown")
	}
	if d.Leg != LegOutbound && d.Leg != LegInbound {
		return errors.New("leg must be outbound or inbound")
	}
	if d.Status == "" {
		return errors.New("status is missing")
	}
	return nil
}
