package billing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Payor is an insurer or a public program.
type Payor struct {
	Code    string   `json:"code"` // the code in insurance data
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
	Address Address  `json:"address"`
	// Medicare: the patient has to sign an ABN for tests that may not be covered.
	Medicare bool `json:"medicare,omitempty"`
	// Plans maps two-letter states to the name of the program there, if the states have their own plans.
	Plans map[string]string `json:"plans,omitempty"`
	// ProviderIDs maps clearing houses to the payor's id there.
	ProviderIDs map[string]string `json:"provider_ids,omitempty"`
}

// Address is the address of a payor.
type Address struct {
	FirstLine  string  `json:"first_line"`
	SecondLine *string `json:"second_line,omitempty"`
	City       string  `json:"city"`
	State      string  `json:"state"`
	Zip        string  `json:"zip"`
	Country    string  `json:"country"`
}

// clearingHouses lists the clearing houses of client-api#17-enums.
func clearingHouses() []string {
	return []string{"change_healthcare", "availity", "stedi", "waystar", "claim_md", "apero", "pverify"}
}

func (p Payor) problems() []error {
	var errs []error
	if p.Code == "" || p.Name == "" {
		errs = append(errs, errors.New("a payor has no code or no name"))
	}
	if p.Address.FirstLine == "" || p.Address.City == "" || p.Address.State == "" || p.Address.Zip == "" ||
		p.Address.Country == "" {
		errs = append(errs, fmt.Errorf("payor %q has an incomplete address", p.Code))
	}
	for provider := range p.ProviderIDs {
		if !slices.Contains(clearingHouses(), provider) {
			errs = append(errs, fmt.Errorf("payor %q has an id at %q, which is unknown", p.Code, provider))
		}
	}
	for state := range p.Plans {
		if len(state) != 2 || strings.ToUpper(state) != state {
			errs = append(errs, fmt.Errorf("payor %q has a plan of %q, which is not a state", p.Code, state))
		}
	}
	return errs
}

// ForState returns the payor with its name in a state.
func (p Payor) ForState(state string) Payor {
	if plan, ok := p.Plans[state]; ok {
		p.Name = plan
	}
	return p
}

// PayorByCode finds a payor by its code.
func (r *Reference) PayorByCode(code string) (Payor, bool) {
	i, ok := r.payorIndex[code]
	if !ok {
		return Payor{}, false
	}
	return r.payors[i], true
}

// PayorQuery selects payors. Empty fields do not matter; a payor has to match all others.
type PayorQuery struct {
	Name       string // part of the name, of an alias or of a state's plan, in any case
	Provider   string // a clearing house that has the payor
	ProviderID string // the payor's id there, or at any clearing house if Provider is empty
}

// SearchPayors finds payors, sorted by name.
func (r *Reference) SearchPayors(q PayorQuery) []Payor {
	found := slices.DeleteFunc(slices.Clone(r.payors), func(p Payor) bool { return !q.Matches(p) })
	SortPayors(found)
	return found
}

// SortPayors sorts payors by name, ignoring case.
func SortPayors(payors []Payor) {
	slices.SortStableFunc(payors,
		func(a, b Payor) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
}

// Matches reports whether a payor matches the query.
func (q PayorQuery) Matches(p Payor) bool { return q.matchesName(p) && q.matchesProvider(p) }

func (q PayorQuery) matchesName(p Payor) bool {
	part := strings.ToLower(strings.TrimSpace(q.Name))
	has := func(name string) bool { return strings.Contains(strings.ToLower(name), part) }
	if has(p.Name) || slices.ContainsFunc(p.Aliases, has) {
		return true
	}
	for _, plan := range p.Plans {
		if has(plan) {
			return true
		}
	}
	return false
}

func (q PayorQuery) matchesProvider(p Payor) bool {
	if q.Provider == "" && q.ProviderID == "" {
		return true
	}
	for provider, id := range p.ProviderIDs {
		if (q.Provider == "" || q.Provider == provider) && (q.ProviderID == "" || strings.EqualFold(q.ProviderID, id)) {
			return true
		}
	}
	return false
}
