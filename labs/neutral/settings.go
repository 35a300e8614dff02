package neutral

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Settings are what has been agreed with a partner, as its account keeps them in JSON.
type Settings struct {
	// Methods are how samples for this partner can be collected. Defaults to testkit. An empty list is a provider of appointments
	// only: it takes no orders.
	Methods []lifecycle.Modality `json:"collection_methods"`
	// Registrable: the partner ships kits before it is known whose they are. Defaults to false.
	Registrable bool `json:"registrable"`
	// Cancel: the partner can cancel an order. Defaults to false.
	Cancel bool `json:"cancel"`
	// Correct: the partner takes patient data anew for an order that it holds up. Defaults to false.
	Correct bool `json:"correct"`
	// Schedule: the partner makes appointments. Defaults to false.
	Schedule bool `json:"schedule"`
	// Provider is the client API's name of who keeps the appointments. Required with Schedule.
	Provider string `json:"provider"`
	// Tiers are how appointments are made. Defaults to appointment-ready where Schedule is set.
	Tiers []labs.Tier `json:"tiers"`
}

// providers are those of client-api#17-enums, with the appointments that they keep.
var providers = map[string]order.AppointmentType{
	"getlabs":      order.Phlebotomy,
	"phlebfinders": order.Phlebotomy,
	"quest":        order.PatientServiceCenter,
	"sonora_quest": order.PatientServiceCenter,
}

// ParseSettings reads an account's settings and fills in the defaults. Its error lists all that is wrong. No settings at all are
// the defaults.
func ParseSettings(document []byte) (Settings, error) {
	s := Settings{Methods: []lifecycle.Modality{lifecycle.Testkit}}
	if err := partnerhttp.DecodeSettings(document, &s); err != nil {
		return Settings{}, err
	}
	if s.Schedule && s.Tiers == nil {
		s.Tiers = []labs.Tier{labs.AppointmentReady}
	}
	if err := errors.Join(s.checkOrders(), s.checkAppointments()); err != nil {
		return Settings{}, err
	}
	return s, nil
}

func (s Settings) checkOrders() error {
	var problems []error
	for i, m := range s.Methods {
		if !m.Valid() {
			problems = append(problems, fmt.Errorf("settings: collection_methods: %q is none", m))
		} else if slices.Contains(s.Methods[:i], m) {
			problems = append(problems, fmt.Errorf("settings: collection_methods: %s is there twice", m))
		}
	}
	if s.Registrable && !s.supports(lifecycle.Testkit) {
		problems = append(problems, errors.New("settings: registrable is for accounts with the collection method testkit"))
	}
	if len(s.Methods) == 0 && (s.Cancel || s.Correct) {
		problems = append(problems, errors.New("settings: cancel and correct are for accounts with a collection method"))
	}
	if len(s.Methods) == 0 && !s.Schedule {
		problems = append(problems,
			errors.New("settings: an account with neither a collection method nor schedule is for nothing"))
	}
	return errors.Join(problems...)
}

func (s Settings) checkAppointments() error {
	if !s.Schedule {
		if s.Provider != "" || len(s.Tiers) > 0 {
			return errors.New("settings: provider and tiers are for accounts with schedule")
		}
		return nil
	}
	var problems []error
	if providers[s.Provider] == "" {
		problems = append(problems, errors.New("settings: provider is none of getlabs, phlebfinders, quest, sonora_quest"))
	}
	if len(s.Tiers) == 0 {
		problems = append(problems, errors.New("settings: tiers are empty"))
	}
	for i, t := range s.Tiers {
		switch {
		case t != labs.AppointmentReady && t != labs.AppointmentRequest:
			problems = append(problems, fmt.Errorf("settings: tiers: %q is neither %s nor %s", t, labs.AppointmentReady,
				labs.AppointmentRequest))
		case slices.Contains(s.Tiers[:i], t):
			problems = append(problems, fmt.Errorf("settings: tiers: %s is there twice", t))
		case t == labs.AppointmentRequest && providers[s.Provider] == order.PatientServiceCenter:
			problems = append(problems, fmt.Errorf("settings: tiers: %s is for phlebotomy", t))
		}
	}
	return errors.Join(problems...)
}

func (s Settings) supports(m lifecycle.Modality) bool { return slices.Contains(s.Methods, m) }
