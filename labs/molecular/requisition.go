package molecular

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Limits and formats of molecular-api#3-limits and molecular-api#52-post-placeorder-request.
const (
	maxOrderNumber     = 20
	stampFormat        = "2006-01-02T15:04:05.000000Z07:00"
	country            = "USA"
	customScriptPrefix = "sandbox:"
)

var (
	postcodePattern    = regexp.MustCompile(`^\d{5}(-\d{4})?$`)
	orderNumberPattern = regexp.MustCompile(`^[0-9A-Za-z-]+$`)
)

// placeRequest is one element of a PlaceOrder call. Race, ethnicity and insurance are not sent (molecular-api#d28).
type placeRequest struct {
	Shipping       shippingInfo `json:"shipping_info"`
	OrderNumber    string       `json:"order_number"`
	OrderedDate    string       `json:"ordered_date"`
	Gender         string       `json:"gender"` // sex at birth
	DateOfBirth    string       `json:"date_of_birth"`
	Email          string       `json:"email"`
	Phone          string       `json:"phone"`
	ShippingMethod int          `json:"shipping_method"`
	PanelID        []int        `json:"panel_id"`
	PhysicianID    int64        `json:"physician_id"`
	PracticeID     int64        `json:"practice_id,omitempty"`
	LineOfBusiness string       `json:"lob"`
	Fulfillment    bool         `json:"fulfillment"` // always true: MTL ships the kit
	KitID          *string      `json:"kit_id"`      // always null: MTL ships the kit and assigns its number
	// PatientSignature is always null: only lines of business that we do not use need it.
	PatientSignature *bool       `json:"patient_signature"`
	Replacement      replacement `json:"replacement"`
	PatientID        string      `json:"patient_id"`
	CustomField      customField `json:"custom_field"`
}

// shippingInfo has the only fields for the patient's name. It is always the patient's name, even if somebody else
// receives the parcel.
type shippingInfo struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Address1  string `json:"address_1"`
	Address2  string `json:"address_2"`
	City      string `json:"city"`
	State     string `json:"state"`
	Postcode  string `json:"postcode"`
	Country   string `json:"country"`
}

type replacement struct {
	OriginOrderNumber *string `json:"origin_order_number"`
}

type customField struct {
	Custom01 string `json:"custom_01,omitempty"` // the script of the order, for the simulated lab only
}

// requisition builds the body for an order, or returns a RefusedError before MTL is called (molecular-api#d27,
// molecular-api#d28). The body depends on the order and the settings only, so that every attempt sends the same.
func (c *Client) requisition(r labs.Requisition) (placeRequest, error) {
	o := r.Order
	if o.Modality != lifecycle.Testkit { // MTL tests only what comes in its kits
		return placeRequest{}, &labs.RefusedError{Code: labs.CodeInvalidRequisition, Fields: []string{"collection_method"}}
	}
	if o.Patient == nil || o.Address == nil {
		return placeRequest{}, &labs.RefusedError{Code: labs.CodeRegistrationNeeded}
	}
	body := placeRequest{
		Shipping:       shippingInfoOf(o.Patient, o.Address),
		OrderNumber:    r.OrderNumber,
		OrderedDate:    o.CreatedAt.UTC().Format(stampFormat),
		Gender:         sexAtBirth(o.Patient.Gender),
		DateOfBirth:    o.Patient.DOB.String(),
		Email:          strings.TrimSpace(o.Patient.Email),
		Phone:          formatPhone(o.Patient.Phone),
		ShippingMethod: c.settings.ShippingMethod,
		PanelID:        o.LabTest.PanelIDs,
		PracticeID:     c.settings.PracticeID,
		LineOfBusiness: c.settings.LineOfBusiness,
		Fulfillment:    true,
	}
	if r.OriginNumber != "" {
		body.Replacement.OriginOrderNumber = &r.OriginNumber
	}
	if r.Script != "" && c.account.Environment == labs.Sandbox {
		body.CustomField.Custom01 = customScriptPrefix + strings.TrimPrefix(r.Script, customScriptPrefix)
	}
	if fields := body.invalidFields(c.caller.Now()); len(fields) > 0 {
		return placeRequest{}, &labs.RefusedError{Code: labs.CodeInvalidRequisition, Fields: fields}
	}
	body.PhysicianID = c.settings.physicianFor(body.Shipping.State)
	if body.PhysicianID == 0 {
		return placeRequest{}, &labs.RefusedError{Code: labs.CodeNoPhysician}
	}
	return body, nil
}

func shippingInfoOf(p *order.Patient, a *order.Address) shippingInfo {
	second := ""
	if a.SecondLine != nil {
		second = strings.TrimSpace(*a.SecondLine)
	}
	return shippingInfo{
		FirstName: strings.TrimSpace(p.FirstName),
		LastName:  strings.TrimSpace(p.LastName),
		Address1:  strings.TrimSpace(a.FirstLine),
		Address2:  second,
		City:      strings.TrimSpace(a.City),
		State:     upperState(a.State),
		Postcode:  strings.TrimSpace(a.Zip),
		Country:   countryCode(a.Country),
	}
}

// invalidFields returns the names of the fields that are missing or invalid.
func (p placeRequest) invalidFields(now time.Time) []string {
	origin := p.Replacement.OriginOrderNumber
	checks := []struct {
		field string
		valid bool
	}{
		{"order_number", validNumber(p.OrderNumber)},
		{"replacement.origin_order_number", origin == nil || validNumber(*origin)},
		{"shipping_info.first_name", p.Shipping.FirstName != ""},
		{"shipping_info.last_name", p.Shipping.LastName != ""},
		{"shipping_info.address_1", p.Shipping.Address1 != ""},
		{"shipping_info.city", p.Shipping.City != ""},
		{"shipping_info.state", statePattern.MatchString(p.Shipping.State)},
		{"shipping_info.postcode", postcodePattern.MatchString(p.Shipping.Postcode)},
		{"shipping_info.country", p.Shipping.Country != ""},
		{"gender", p.Gender != ""},
		{"date_of_birth", isPastDate(p.DateOfBirth, now)},
		{"email or phone", p.Email != "" || p.Phone != ""},
		{"panel_id", len(p.PanelID) > 0 && slices.Min(p.PanelID) > 0},
	}
	var fields []string
	for _, check := range checks {
		if !check.valid {
			fields = append(fields, check.field)
		}
	}
	return fields
}

func validNumber(number string) bool {
	return len(number) <= maxOrderNumber && orderNumberPattern.MatchString(number)
}

// isPastDate reports whether the date exists, is not before 1900, and has begun in at least one time zone.
func isPastDate(date string, now time.Time) bool {
	day, err := time.Parse(time.DateOnly, date)
	return err == nil && day.Year() >= 1900 && !day.After(now.UTC().Add(14*time.Hour))
}

// sexAtBirth converts the patient's gender to MTL's values, which mean the sex at birth. For "other" it is unknown. It
// is empty for a gender that MTL has no value for.
func sexAtBirth(gender string) string {
	switch gender = strings.ToLower(strings.TrimSpace(gender)); gender {
	case "male", "female", "unknown":
		return gender
	case "other":
		return "unknown"
	}
	return ""
}

// formatPhone returns a US number in MTL's format, NNN-NNN-NNNN, which has no place for an extension; empty for any
// other number.
func formatPhone(number string) string {
	number = strings.TrimSpace(order.PhoneWithoutExtension(number))
	if strings.HasPrefix(number, "+") && !strings.HasPrefix(number, "+1") {
		return ""
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	if len(digits) == 11 {
		digits = strings.TrimPrefix(digits, "1")
	}
	if len(digits) != 10 {
		return ""
	}
	return digits[:3] + "-" + digits[3:6] + "-" + digits[6:]
}

// countryCode returns MTL's code of the United States; empty for any other country, since MTL does not ship there.
func countryCode(name string) string {
	if order.IsUnitedStates(name) {
		return country
	}
	return ""
}
