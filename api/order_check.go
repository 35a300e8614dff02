package api

import (
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// This file checks in requests for orders what a schema cannot express. Every check reports a problem with its path, so
// that a client learns all problems at once. The schema checks that required fields are not empty.

// firstBirthYear is the earliest year of birth that is plausible, and that labs take (molecular-api#d28).
const firstBirthYear = 1900

// maxConsentLead is how far ahead of our clock a consent may be, so that a client's clock and its time zone may be
// wrong.
const maxConsentLead = 24 * time.Hour

var genders = []string{"female", "male", "other", "unknown"}

func (in *CreateOrderRequest) check(today order.Date) []error {
	var errs []error
	if in.LabTestID == nil && in.OrderSet == nil {
		errs = append(errs, missingProblem("body.order_set"))
	}
	errs = append(errs, in.PatientDetails.check(today)...)
	errs = append(errs, in.Physician.check()...)
	errs = append(errs, in.HealthInsurance.check("body.health_insurance")...)
	return append(errs, in.PatientAddress.check("body.patient_address")...)
}

func (p *PatientDetailsWithValidation) check(today order.Date) []error {
	const path = "body.patient_details"
	errs := checkBirthDate(p.DOB, path+".dob", today)
	if p.Gender != "" && !slices.Contains(genders, normaliseGender(p.Gender)) {
		errs = append(errs, newProblem("enum", "Input should be one of "+strings.Join(genders, ", "), path+".gender"))
	}
	errs = append(errs, checkPhone(p.PhoneNumber, path+".phone_number")...)
	errs = append(errs, p.MedicalProxy.check(path+".medical_proxy")...)
	return append(errs, checkEmail(p.Email, path+".email")...)
}

// checkEmail refuses an address with a display name, which the schema's format allows.
func checkEmail(email, path string) []error {
	if a, err := mail.ParseAddress(email); err == nil && a.Address != email {
		return []error{newProblem("value_error", "Value is not a valid email address", path)}
	}
	return nil
}

func checkBirthDate(day, path string, today order.Date) []error {
	if day == "" {
		return nil
	}
	dob, err := parseBirthDate(day)
	switch {
	case err != nil:
		return []error{newProblem("date_from_datetime_parsing", "Input should be a valid date in the format YYYY-MM-DD",
			path)}
	case today.Before(dob):
		return []error{newProblem("value_error", "Date should be in the past", path)}
	case dob.Year < firstBirthYear:
		return []error{newProblem("value_error", "Date should be in 1900 or later", path)}
	}
	return nil
}

func (a *PatientAddressWithValidation) check(path string) []error {
	return checkPhone(emptyIfNil(a.PhoneNumber), path+".phone_number")
}

// checkFallbackBirthDate checks the birth date of a user, whose form the schema has checked.
func checkFallbackBirthDate(day *string, today order.Date) []error {
	if d := parseValidDate(day); d != nil {
		return checkBirthDate(d.String(), "body.fallback_birth_date", today)
	}
	return nil
}

// checkConsents refuses consents that are given in the future.
func checkConsents(given []ConsentRequest, now time.Time) (errs []error) {
	for i, c := range given {
		at, err := time.Parse(time.RFC3339, emptyIfNil(c.TimeOfConsent))
		if err == nil && at.After(now.Add(maxConsentLead)) {
			errs = append(errs, newProblem("value_error", "Value is more than 24 hours in the future",
				fmt.Sprintf("body.consents[%d].timeOfConsent", i)))
		}
	}
	return errs
}

var errNotMidnight = errors.New("a date of birth has no time of day")

// parseBirthDate parses a date, or a timestamp at midnight, which some clients send.
func parseBirthDate(s string) (order.Date, error) {
	d, err := order.ParseDate(s)
	if err == nil {
		return d, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999"} {
		t, timeErr := time.Parse(layout, s)
		if timeErr != nil {
			continue
		}
		if h, m, sec := t.Clock(); h != 0 || m != 0 || sec != 0 || t.Nanosecond() != 0 {
			return order.Date{}, errNotMidnight
		}
		return order.DateOf(t), nil
	}
	return order.Date{}, err
}

func normaliseGender(s string) string { return strings.ToLower(s) }

// normaliseState returns the code of a state or territory of the United States that is given by its code or its name, a
// code of two other letters in upper case, and any other text unchanged.
func normaliseState(s string) string {
	if code, ok := order.USStateCode(s); ok {
		return code
	}
	if len(s) == 2 {
		return strings.ToUpper(s)
	}
	return s
}

// normaliseStates does so for each state of a list.
func normaliseStates(given []string) []string {
	out := slices.Clone(given)
	for i, state := range out {
		out[i] = normaliseState(state)
	}
	return out
}

// collapseSpaces separates the words of a name by one space each. The pattern of names allows tabs and newlines.
func collapseSpaces(name string) string { return strings.Join(strings.Fields(name), " ") }
