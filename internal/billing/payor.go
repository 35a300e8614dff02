package billing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Payor is an insurer, or a public programme.
type Payor struct {
	Code    string   `json:"code"` // by which insurance names it
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
	Address Address  `json:"address"`
	// Medicare says that the patient has to be told in advance what may not be paid for.
	Medicare bool `json:"medicare,omitempty"`
	// Plans are the names of the programme in the states, by their two letters, where each state has a plan of its own.
	Plans map[string]string `json:"plans,omitempty"`
	// ProviderIDs are its ids at the clearing houses, by their name (one of Providers).
	ProviderIDs map[string]string `json:"provider_ids,omitempty"`
}

// Address is where a payor is.
type Address struct {
	FirstLine  string  `json:"first_line"`
	SecondLine *string `json:"second_line,omitempty"`
	City       string  `json:"city"`
	State      string  `json:"state"`
	Zip        string  `json:"zip"`
	Country    string  `json:"country"`
}

// clearingHouses are the clearing houses of client-api#17-enums.
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
		errs = append(errs, fmt.Errorf("payor %q has no whole address", p.Code))
	}
	for provider := range p.ProviderIDs {
		if !slices.Contains(clearingHouses(), provider) {
			errs = append(errs, fmt.Errorf("payor %q has an id at %q, which is not known", p.Code, provider))
		}
	}
	for state := range p.Plans {
		if len(state) != 2 || strings.ToUpper(state) != state {
			errs = append(errs, fmt.Errorf("payor %q has a plan of %q, which is no state", p.Code, state))
		}
	}
	return errs
}

// ForState is the payor as it is called in a state.
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

// PayorQuery says which payors are looked for. What is empty does not matter; the rest has to hold together.
type PayorQuery struct {
	Name       string // part of the name, of an alias or of a state's plan, in any case
	Provider   string // the clearing house that knows it
	ProviderID string // its id there, or at any of them
}

// SearchPayors finds payors, by their names in alphabetical order.
func (r *Reference) SearchPayors(q PayorQuery) []Payor {
	found := slices.DeleteFunc(slices.Clone(r.payors), func(p Payor) bool { return !q.Matches(p) })
	SortPayors(found)
	return found
}

// SortPayors puts payors in the order in which they are shown.
func SortPayors(payors []Payor) {
	slices.SortStableFunc(payors,
		func(a, b Payor) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
}

// Matches reports whether a payor is one that is looked for.
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
