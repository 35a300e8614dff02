package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Day is the unit of most deadlines.
const Day = 24 * time.Hour

// Duration is a time.Duration that is written as text ("336h0m0s") in JSON.
type Duration time.Duration

// Std converts the duration to the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// MarshalText writes the form that time.ParseDuration reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the form that time.ParseDuration reads.
func (d *Duration) UnmarshalText(b []byte) error {
	parsed, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 336h or 90m", b)
	}
	*d = Duration(parsed)
	return nil
}

// ReplacementPolicy says what happens after a testkit order failed.
type ReplacementPolicy string

// The replacement policies.
const (
	ReplaceNever  ReplacementPolicy = "never"
	ReplaceManual ReplacementPolicy = "manual"
	ReplaceAuto   ReplacementPolicy = "auto"
)

// Policy is everything that a deployment, team, lab account or lab test may decide about how orders run. It is resolved
// when an order is created and stored with the order, so a later change does not move the deadlines of open orders.
type Policy struct {
	Replacement ReplacementPolicy `json:"replacement"` // Defaults to manual.
	// Replacements per order transaction. Defaults to 2.
	ReplacementLimit      int  `json:"replacement_limit"`
	PartialResultWebhooks bool `json:"partial_result_webhooks"` // Defaults to false.
	BookBeforeRequisition bool `json:"book_before_requisition"` // Defaults to false.
	// Orders for patients under 18. Defaults to false.
	AllowMinors bool `json:"minors"`
	// Sandbox orders stay where they are until they are simulated, and raise no marks for waiting. Lab accounts set it;
	// ForOrder says for which of their orders. Defaults to false.
	Silent    bool           `json:"silent,omitempty"`
	Recovery  RecoveryPolicy `json:"recovery"`
	Deadlines DeadlinePolicy `json:"deadlines"`
}

// scriptPrefix precedes the name of a script of the simulated lab in the passthrough of an order.
const scriptPrefix = "sandbox:"

// ScriptName returns the name of the simulated lab's script in the passthrough of an order; empty: it names none.
func (o *Order) ScriptName() string {
	if o.Passthrough == nil {
		return ""
	}
	name, found := strings.CutPrefix(*o.Passthrough, scriptPrefix)
	if !found {
		return ""
	}
	return name
}

// ForOrder returns the policy for an order in a sandbox, or in production. Only orders of a sandbox can be silent, and
// only those that name no script of the simulated lab.
func (p Policy) ForOrder(o *Order, sandbox bool) Policy {
	p.Silent = p.Silent && sandbox && o.ScriptName() == ""
	return p
}

// RecoveryPolicy is how long a rejected kit can be saved, and when operations are reminded of it.
type RecoveryPolicy struct {
	Window Duration `json:"window"` // Defaults to 14 days (Molecular accounts: 7 days).
	// Time after the rejection. Defaults to 3, 7 and 10 days (Molecular accounts: 3 and 5).
	Reminders   []Duration `json:"reminders"`
	MaxRestarts int        `json:"max_restarts"` // How often a repeated rejection restarts the window. Defaults to 2.
}

// DeadlinePolicy has the limits of order-lifecycle#deadlines: how long an order may wait in a status.
type DeadlinePolicy struct {
	// ordered or registered, with a placement that has started. Defaults to 8 h.
	Requisition  Duration `json:"requisition"`
	Shipment     Duration `json:"shipment"`      // requisition made, nothing shipped. Defaults to 7 days.
	Outbound     Duration `json:"outbound"`      // in transit to the customer. Defaults to 10 days.
	OutboundLost Duration `json:"outbound_lost"` // the same, until lost or silent. Defaults to 30 days.
	WithCustomer Duration `json:"with_customer"` // Defaults to 30 days.
	Inbound      Duration `json:"inbound"`       // in transit to the lab. Defaults to 7 days.
	InboundLost  Duration `json:"inbound_lost"`  // the same, until lost or silent. Defaults to 21 days.
	// at the lab, unless the test has a worst-case turnaround. Defaults to 14 days.
	Results           Duration `json:"results"`
	ResultsFetch      Duration `json:"results_fetch"`      // announced, not fetched. Defaults to 25 h.
	PartialResults    Duration `json:"partial_results"`    // Defaults to 14 days.
	ParkedFact        Duration `json:"out_of_place"`       // a parked fact. Defaults to 24 h.
	Visit             Duration `json:"visit"`              // walk-in, phlebotomy: no visit. Defaults to 14 days.
	AppointmentAssign Duration `json:"appointment_assign"` // appointment_pending. Defaults to 48 h.
	DrawReport        Duration `json:"draw_report"`        // after the end of an appointment. Defaults to 24 h.
	OnSiteDraw        Duration `json:"on_site_draw"`       // on-site collection: no draw. Defaults to 14 days.
	KitExpiry         Duration `json:"kit_expiry"`         // registrable, unregistered. Defaults to 365 days.
}

// DefaultPolicy returns the defaults of order-lifecycle#deadlines, order-lifecycle#kit-rejection and
// order-lifecycle#replacement.
func DefaultPolicy() Policy {
	return Policy{
		Replacement:      ReplaceManual,
		ReplacementLimit: 2,
		Recovery: RecoveryPolicy{
			Window:      Duration(14 * Day),
			Reminders:   []Duration{Duration(3 * Day), Duration(7 * Day), Duration(10 * Day)},
			MaxRestarts: 2,
		},
		Deadlines: DeadlinePolicy{
			Requisition:       Duration(8 * time.Hour),
			Shipment:          Duration(7 * Day),
			Outbound:          Duration(10 * Day),
			OutboundLost:      Duration(30 * Day),
			WithCustomer:      Duration(30 * Day),
			Inbound:           Duration(7 * Day),
			InboundLost:       Duration(21 * Day),
			Results:           Duration(14 * Day),
			ResultsFetch:      Duration(25 * time.Hour),
			PartialResults:    Duration(14 * Day),
			ParkedFact:        Duration(Day),
			Visit:             Duration(14 * Day),
			AppointmentAssign: Duration(48 * time.Hour),
			DrawReport:        Duration(Day),
			OnSiteDraw:        Duration(14 * Day),
			KitExpiry:         Duration(365 * Day),
		},
	}
}

// ResolvePolicy applies JSON overlays to the defaults. Later ones have priority: team, lab account, lab test. An
// overlay names only what it changes. An unknown name is an error, because a misspelt deadline must not be lost
// silently. Empty overlays have no effect.
func ResolvePolicy(overlays ...[]byte) (Policy, error) {
	p := DefaultPolicy()
	for _, o := range overlays {
		if len(o) == 0 {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(o))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			return Policy{}, fmt.Errorf("reading a policy overlay: %w", err)
		}
		if d.More() {
			return Policy{}, errors.New("reading a policy overlay: more than one value")
		}
	}
	return p, p.validate()
}

// validate returns all errors of the policy, joined.
func (p Policy) validate() error {
	var errs []error
	switch p.Replacement {
	case ReplaceNever, ReplaceManual, ReplaceAuto:
	default:
		errs = append(errs, fmt.Errorf("replacement is %q, not never, manual or auto", p.Replacement))
	}
	if p.ReplacementLimit < 0 {
		errs = append(errs, errors.New("replacement_limit is negative"))
	}
	if p.Recovery.Window <= 0 {
		errs = append(errs, errors.New("recovery.window is not positive"))
	}
	if p.Recovery.MaxRestarts < 0 {
		errs = append(errs, errors.New("recovery.max_restarts is negative"))
	}
	for i, r := range p.Recovery.Reminders {
		if r <= 0 || r >= p.Recovery.Window {
			errs = append(errs, fmt.Errorf("recovery.reminders[%d] does not lie inside the window", i))
		}
	}
	return errors.Join(append(errs, p.Deadlines.validate()...)...)
}

func (d DeadlinePolicy) validate() []error {
	var errs []error
	for _, row := range []struct {
		name  string
		value Duration
	}{
		{"requisition", d.Requisition}, {"shipment", d.Shipment}, {"outbound", d.Outbound}, {"outbound_lost", d.OutboundLost},
		{"with_customer", d.WithCustomer}, {"inbound", d.Inbound}, {"inbound_lost", d.InboundLost}, {"results", d.Results},
		{"results_fetch", d.ResultsFetch}, {"partial_results", d.PartialResults}, {"out_of_place", d.ParkedFact},
		{"visit", d.Visit}, {"appointment_assign", d.AppointmentAssign}, {"draw_report", d.DrawReport},
		{"on_site_draw", d.OnSiteDraw}, {"kit_expiry", d.KitExpiry},
	} {
		if row.value <= 0 {
			errs = append(errs, fmt.Errorf("deadlines.%s is not positive", row.name))
		}
	}
	return errs
}
