package molecular

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

const (
	defaultShippingMethod = 9 // USPS First Class, 2 to 5 days
	defaultLineOfBusiness = "SC"
)

// linesOfBusiness are those of molecular-api#lines-of-business without DNA and FIT. Those two need a patient signature,
// by a rule that we could not read.
var linesOfBusiness = []string{"SC", "CGx", "ID"}

var (
	statePattern    = regexp.MustCompile(`^[A-Z]{2}$`)
	callPathPattern = regexp.MustCompile(`^(/[A-Za-z0-9_-]+)+$`)
)

// Settings are the JSON settings of an account: what MTL has agreed with it.
type Settings struct {
	// Physicians maps a two-letter state to the id, issued by MTL, of the overseeing physician registered there.
	Physicians map[string]int64 `json:"physicians"`
	// DefaultPhysician oversees the states that Physicians does not name. Defaults to 0: orders from those states are
	// refused before MTL is called (molecular-api#d27).
	DefaultPhysician int64 `json:"default_physician"`
	// PracticeID is the id of the practice or distributor. Defaults to 0: it is not sent.
	PracticeID int64 `json:"practice_id"`
	// ShippingMethod is MTL's id of the method by which kits are sent. Defaults to 9, USPS First Class.
	ShippingMethod int `json:"shipping_method"`
	// LineOfBusiness is MTL's code: SC, CGx or ID. Defaults to SC, self collect.
	LineOfBusiness string `json:"lob"`
	// Endpoints are the paths of the calls that MTL has confirmed for this account.
	Endpoints Endpoints `json:"endpoints"`
}

// Endpoints are paths below the account's base URL, such as /Results. The default, an empty path, means that the call
// is not supported.
type Endpoints struct {
	Results       string `json:"results"`       // GET with order_number
	OrderInfo     string `json:"order_info"`    // GET with order_number
	Notifications string `json:"notifications"` // GET with order_number
	Cancel        string `json:"cancel"`        // POST with order_number and kit_id
}

// ParseSettings decodes an account's settings and fills in the defaults. Its error lists everything that is wrong. An
// empty document gives the defaults.
func ParseSettings(document []byte) (Settings, error) {
	s := Settings{ShippingMethod: defaultShippingMethod, LineOfBusiness: defaultLineOfBusiness}
	if err := partnerhttp.DecodeSettings(document, &s); err != nil {
		return Settings{}, err
	}
	if err := s.check(); err != nil {
		return Settings{}, err
	}
	return s, nil
}

func (s Settings) check() error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("settings: "+format, args...))
	}
	for _, state := range slices.Sorted(maps.Keys(s.Physicians)) {
		if !statePattern.MatchString(state) {
			wrong("physicians: %q is not a state of two capital letters", state)
		}
		if s.Physicians[state] <= 0 {
			wrong("physicians: the id for %q is not positive", state)
		}
	}
	if s.DefaultPhysician < 0 {
		wrong("default_physician is negative")
	}
	if s.PracticeID < 0 {
		wrong("practice_id is negative")
	}
	if s.ShippingMethod <= 0 {
		wrong("shipping_method is not positive")
	}
	if !slices.Contains(linesOfBusiness, s.LineOfBusiness) {
		wrong("lob is not one of %s", strings.Join(linesOfBusiness, ", "))
	}
	for _, endpoint := range []struct{ name, path string }{
		{"results", s.Endpoints.Results}, {"order_info", s.Endpoints.OrderInfo},
		{"notifications", s.Endpoints.Notifications}, {"cancel", s.Endpoints.Cancel},
	} {
		if endpoint.path != "" && !callPathPattern.MatchString(endpoint.path) {
			wrong("endpoints: %s is not a path such as /Results", endpoint.name)
		}
	}
	return errors.Join(problems...)
}

// physicianFor returns the id of the physician who oversees orders from a state; 0: none.
func (s Settings) physicianFor(state string) int64 {
	if id, ok := s.Physicians[state]; ok {
		return id
	}
	return s.DefaultPhysician
}

// missingSettings lists the settings without which every order of an account is refused, or never gets its results.
// Settings that cannot be read are an error of New.
func missingSettings(a labs.Account) (lacks []string) {
	s, err := ParseSettings(a.Settings)
	if err != nil {
		return nil
	}
	if len(s.Physicians) == 0 && s.DefaultPhysician == 0 {
		lacks = append(lacks, "settings.physicians or settings.default_physician (the overseeing physician of the orders)")
	}
	if s.Endpoints.Results == "" {
		lacks = append(lacks,
			"settings.endpoints.results (the path from which results are fetched, as the lab has confirmed it)")
	}
	return lacks
}
