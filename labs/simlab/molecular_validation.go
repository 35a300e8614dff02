package simlab

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Limits of molecular-api#3-limits.
const (
	maxOrderNumber = 20
	maxKitID       = 10
)

var (
	genders   = []string{"male", "female", "unknown"}
	stateCode = regexp.MustCompile(`^[A-Z]{2}$`)
	postcode  = regexp.MustCompile(`^\d{5}(-\d{4})?$`)
)

// placeRequest is one element of a PlaceOrder call, with the fields that the simulated lab checks.
type placeRequest struct {
	Shipping struct {
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		Address1  string `json:"address_1"`
		City      string `json:"city"`
		State     string `json:"state"`
		Postcode  string `json:"postcode"`
		Country   string `json:"country"`
	} `json:"shipping_info"`
	OrderNumber    string  `json:"order_number"`
	OrderedDate    string  `json:"ordered_date"`
	Gender         string  `json:"gender"`
	DateOfBirth    string  `json:"date_of_birth"`
	Email          string  `json:"email"`
	Phone          string  `json:"phone"`
	ShippingMethod int     `json:"shipping_method"`
	PanelID        []int   `json:"panel_id"`
	PhysicianID    int64   `json:"physician_id"`
	LOB            string  `json:"lob"`
	Fulfillment    *bool   `json:"fulfillment"`
	KitID          *string `json:"kit_id"`
	Replacement    struct {
		Origin *string `json:"origin_order_number"`
	} `json:"replacement"`
	Custom struct {
		Custom01 string `json:"custom_01"`
	} `json:"custom_field"`
}

// requestedKitID returns the caller's kit id; empty: the lab assigns one.
func (r placeRequest) requestedKitID() string {
	if r.KitID == nil {
		return ""
	}
	return *r.KitID
}

// readPlaceRequest decodes and checks one element. problem is the lab's error_msg; empty: the element is valid.
func readPlaceRequest(element json.RawMessage, now time.Time) (request placeRequest, problem string) {
	err := json.Unmarshal(element, &request)
	if wrongType := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrongType) && wrongType.Field != "" {
		return request, wrongType.Field + " is invalid"
	}
	if err != nil {
		return request, "order is not an object"
	}
	for _, check := range []func(placeRequest) string{missingField, malformedField, checkKitID} {
		if problem := check(request); problem != "" {
			return request, problem
		}
	}
	return request, checkBirthDate(request.DateOfBirth, now)
}

func missingField(r placeRequest) string {
	required := []struct {
		name  string
		given bool
	}{
		{"order_number", r.OrderNumber != ""},
		{"shipping_info.first_name", r.Shipping.FirstName != ""},
		{"shipping_info.last_name", r.Shipping.LastName != ""},
		{"shipping_info.address_1", r.Shipping.Address1 != ""},
		{"shipping_info.city", r.Shipping.City != ""},
		{"shipping_info.state", r.Shipping.State != ""},
		{"shipping_info.postcode", r.Shipping.Postcode != ""},
		{"shipping_info.country", r.Shipping.Country != ""},
		{"ordered_date", r.OrderedDate != ""},
		{"gender", r.Gender != ""},
		{"date_of_birth", r.DateOfBirth != ""},
		{"email or phone", r.Email != "" || r.Phone != ""},
		{"panel_id", len(r.PanelID) > 0},
		{"physician_id", r.PhysicianID > 0},
		{"lob", r.LOB != ""},
		{"fulfillment", r.Fulfillment != nil},
	}
	for _, field := range required {
		if !field.given {
			return field.name + " is missing"
		}
	}
	return ""
}

func malformedField(r placeRequest) string {
	if len(r.OrderNumber) > maxOrderNumber {
		return "order_number is longer than 20 characters"
	}
	if r.Replacement.Origin != nil && len(*r.Replacement.Origin) > maxOrderNumber {
		return "replacement.origin_order_number is longer than 20 characters"
	}
	if !slices.Contains(genders, r.Gender) {
		return "gender is invalid"
	}
	if !stateCode.MatchString(r.Shipping.State) {
		return "shipping_info.state is invalid"
	}
	if !postcode.MatchString(r.Shipping.Postcode) {
		return "shipping_info.postcode is invalid"
	}
	// The lab's own example has a trailing blank.
	if _, err := time.Parse(time.RFC3339, strings.TrimSpace(r.OrderedDate)); err != nil {
		return "ordered_date is invalid"
	}
	return ""
}

// checkKitID requires a kit id if the lab does not ship the kit, and forbids it otherwise.
func checkKitID(r placeRequest) string {
	switch kitID := r.requestedKitID(); {
	case *r.Fulfillment && kitID != "":
		return "kit_id must be null when fulfillment is true"
	case *r.Fulfillment && r.ShippingMethod <= 0:
		return "shipping_method is missing"
	case !*r.Fulfillment && kitID == "":
		return "kit_id is missing"
	case len(kitID) > maxKitID:
		return "kit_id is longer than 10 characters"
	}
	return ""
}

func checkBirthDate(date string, now time.Time) string {
	born, err := time.Parse(time.DateOnly, date)
	if err != nil || born.After(now) {
		return "date_of_birth is invalid"
	}
	return ""
}
