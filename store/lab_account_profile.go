package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aliquot-labs/aliquot/order"
)

// The ways to delegate the lab's part of an order to the team (client-api#17-enums).
const (
	NotDelegated    = "not_delegated"
	OrderDelegated  = "order_delegated"
	ResultDelegated = "result_delegated"
	FullyDelegated  = "fully_delegated"
)

// BillingClientBill is the default billing type of orders. A lab account may allow the others in addition.
const BillingClientBill = "client_bill"

// BillingTypes returns the billing types of an order (client-api#17-enums).
func BillingTypes() []string {
	return []string{BillingClientBill, "commercial_insurance", "patient_bill_passthrough", "patient_bill"}
}

// USStates returns the states of client-api#17-enums, in that order.
func USStates() []string {
	return []string{
		"AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME",
		"MD", "MA", "MI", "MN", "MS",
		"MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX",
		"UT", "VT", "VA", "WA", "WV",
		"WI", "WY",
	}
}

// AccountProfile is what clients see of a lab account, and what it requires of their orders.
type AccountProfile struct {
	OrgID             *string  `json:"org_id,omitempty"`
	DelegatedFlow     string   `json:"delegated_flow,omitempty"`      // default: NotDelegated
	ProviderAccountID string   `json:"provider_account_id,omitempty"` // the lab's own number of the account
	Name              *string  `json:"account_name,omitempty"`
	ClinicalNotes     *string  `json:"default_clinical_notes,omitempty"` // sent to the lab with every order
	BusinessUnits     []string `json:"business_units,omitempty"`
	// AllowedBilling maps the allowed billing types to the states of the patients. The default is BillingClientBill
	// everywhere. A list of all USStates means everywhere too, because a list has no other codes (client-api#17-enums).
	AllowedBilling map[string][]string `json:"allowed_billing,omitempty"`
	// NetworkPhysician orders when the team names no physician. The default is none.
	NetworkPhysician *order.Physician `json:"network_physician,omitempty"`
}

// ParseAccountProfile parses a profile. An empty document is an empty profile. An unknown name is an error, so that
// misspelt names are found.
func ParseAccountProfile(document []byte) (AccountProfile, error) {
	var p AccountProfile
	if len(document) == 0 {
		return p, nil
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("reading the profile of a lab account: %w", err)
	}
	return p, p.validate()
}

func (p AccountProfile) validate() error {
	var errs []error
	switch p.DelegatedFlow {
	case "", NotDelegated, OrderDelegated, ResultDelegated, FullyDelegated:
	default:
		errs = append(errs, fmt.Errorf("delegated_flow is %q", p.DelegatedFlow))
	}
	for _, billing := range slices.Sorted(maps.Keys(p.AllowedBilling)) {
		if !slices.Contains(BillingTypes(), billing) {
			errs = append(errs, fmt.Errorf("allowed_billing has %q", billing))
		}
		for _, state := range p.AllowedBilling[billing] {
			if !slices.Contains(USStates(), state) {
				errs = append(errs, fmt.Errorf("allowed_billing.%s has %q, which is not a state", billing, state))
			}
		}
	}
	if d := p.NetworkPhysician; d != nil && (d.FirstName == "" || d.LastName == "" || d.NPI == "") {
		errs = append(errs, errors.New("network_physician has no name or no npi"))
	}
	return errors.Join(errs...)
}

// RequiresOwnPhysician reports whether the physician of an order must be the team's own.
func (p AccountProfile) RequiresOwnPhysician() bool {
	return p.DelegatedFlow == OrderDelegated || p.DelegatedFlow == FullyDelegated
}

// AllowsBilling reports whether orders may have this billing type in a state. An empty state means in any state. What
// allows all USStates also allows the federal district, the territories and the military post, which cannot be listed.
func (p AccountProfile) AllowsBilling(billing, state string) bool {
	if len(p.AllowedBilling) == 0 {
		return billing == BillingClientBill
	}
	states := p.AllowedBilling[billing]
	if state == "" {
		return len(states) > 0
	}
	return slices.Contains(states, state) || isEverywhere(states)
}

// isEverywhere reports whether a list has all USStates.
func isEverywhere(states []string) bool {
	return !slices.ContainsFunc(USStates(), func(state string) bool { return !slices.Contains(states, state) })
}
