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

// Settings are the JSON settings of an account: what has been agreed with its partner.
type Settings struct {
	// Methods are the collection methods that the partner supports. Defaults to testkit. With an empty list the partner
	// takes no orders and only makes appointments.
	Methods []lifecycle.Modality `json:"collection_methods"`
	// Registrable: the partner ships kits whose patient is registered later. Defaults to false.
	Registrable bool `json:"registrable"`
	// Cancel: the partner can cancel an order. Defaults to false.
	Cancel bool `json:"cancel"`
	// Correct: the partner takes corrected patient data for an order that it holds up. Defaults to false.
	Correct bool `json:"correct"`
	// Schedule: the partner makes appointments. Defaults to false.
	Schedule bool `json:"schedule"`
	// Provider is the client API's name of the provider of appointments. Required with Schedule.
	Provider string `json:"provider"`
	// Tiers are the ways in which appointments can be made. Defaults to appointment-ready if Schedule is set.
	Tiers []labs.Tier `json:"tiers"`
}

// providers maps the providers of client-api#17-enums to the type of their appointments.
var providers = map[string]order.AppointmentType{
	"getlabs":      order.Phlebotomy,
	"phlebfinders": order.Phlebotomy,
	"quest":        order.PatientServiceCenter,
	"sonora_quest": order.PatientServiceCenter,
}

// ParseSettings decodes an account's settings and fills in the defaults. Its error lists everything that is wrong. An
// empty document gives the defaults.
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
			problems = append(problems, fmt.Errorf("settings: collection_methods: %q is not a collection method", m))
		} else if slices.Contains(s.Methods[:i], m) {
			problems = append(problems, fmt.Errorf("settings: collection_methods: %s is listed twice", m))
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
			errors.New("settings: an account needs a collection method or schedule"))
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
			problems = append(problems, fmt.Errorf("settings: tiers: %s is listed twice", t))
		case t == labs.AppointmentRequest && providers[s.Provider] == order.PatientServiceCenter:
			problems = append(problems, fmt.Errorf("settings: tiers: %s is for phlebotomy", t))
		}
	}
	return errors.Join(problems...)
}

func (s Settings) supports(m lifecycle.Modality) bool { return slices.Contains(s.Methods, m) }
