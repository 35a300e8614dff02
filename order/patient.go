package order

import (
	"encoding/json"
	"time"
)

// Patient is the person whom the order is for. Enumerations are stored as the client API spells them.
type Patient struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	DOB       Date   `json:"dob"`
	Gender    string `json:"gender"`
	Phone     string `json:"phone_number"`
	Email     string `json:"email"`
	// GuarantorDetails of client-api#clientfacinguser, as validated
	MedicalProxy      json.RawMessage `json:"medical_proxy,omitempty"`
	Race              *string         `json:"race,omitempty"`
	Ethnicity         *string         `json:"ethnicity,omitempty"`
	SexualOrientation *string         `json:"sexual_orientation,omitempty"`
	GenderIdentity    *string         `json:"gender_identity,omitempty"`
	HouseholdIncome   *int            `json:"household_income,omitempty"`
	HouseholdSize     *int            `json:"household_size,omitempty"`
}

// Address is where the patient lives, and where a kit is sent.
type Address struct {
	ReceiverName string  `json:"receiver_name"`
	FirstLine    string  `json:"first_line"`
	SecondLine   *string `json:"second_line,omitempty"`
	City         string  `json:"city"`
	State        string  `json:"state"`
	Zip          string  `json:"zip"`
	Country      string  `json:"country"`
	AccessNotes  *string `json:"access_notes,omitempty"`
	Phone        *string `json:"phone_number,omitempty"`
}

// Location returns the address as the location of an appointment.
func (a Address) Location() Location {
	return Location{FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City, State: a.State, Zip: a.Zip,
		Notes: a.AccessNotes}
}

// ShippingAddress is where an unregistered kit is sent.
type ShippingAddress struct {
	ReceiverName string  `json:"receiver_name"`
	FirstLine    string  `json:"first_line"`
	SecondLine   *string `json:"second_line,omitempty"`
	City         string  `json:"city"`
	State        string  `json:"state"`
	Zip          string  `json:"zip"`
	Country      string  `json:"country"`
	Phone        string  `json:"phone_number"`
}

// Physician is who orders the test.
type Physician struct {
	FirstName      string   `json:"first_name"`
	LastName       string   `json:"last_name"`
	Email          *string  `json:"email,omitempty"`
	NPI            string   `json:"npi"`
	LicensedStates []string `json:"licensed_states,omitempty"`
	Signature      *Image   `json:"signature_image,omitempty"`
}

// Consent is one consent that the patient gave.
type Consent struct {
	Type    string     `json:"consentType"`
	Version string     `json:"version"`
	At      *time.Time `json:"timeOfConsent,omitempty"`
}

// AoEAnswer answers one ask-on-order-entry question.
type AoEAnswer struct {
	MarkerID   int64  `json:"marker_id"`
	QuestionID int64  `json:"question_id"`
	Answer     string `json:"answer"`             // a choice's code
	Code       string `json:"code,omitempty"`     // the code that the lab gave the question
	Question   string `json:"question,omitempty"` // the question's text when it was asked
	Text       string `json:"text,omitempty"`     // the text of the choices; empty for other questions
}

// Registration is the sealed body of a demand that names the patient of a kit.
type Registration struct {
	UserID       string          `json:"user_id,omitempty"` // the order's new user; empty: the user does not change
	ClientUserID string          `json:"client_user_id,omitempty"`
	Patient      *Patient        `json:"patient_details"`
	Address      *Address        `json:"patient_address"`
	Physician    *Physician      `json:"physician,omitempty"`
	Consents     []Consent       `json:"consents,omitempty"`
	Insurance    json.RawMessage `json:"health_insurance,omitempty"`
	InsuranceID  string          `json:"health_insurance_id,omitempty"`
}

// Correction is what a recovery supplies: the data that the lab found missing or wrong. Absent parts do not change.
type Correction struct {
	Patient *Patient `json:"patient_details,omitempty"`
	Address *Address `json:"patient_address,omitempty"`
	Note    string   `json:"note,omitempty"`
}
