package junction

import (
	"encoding/json"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// ClientFacingUser is a user of a team: a person for whom the team creates orders.
type ClientFacingUser struct {
	UserID       string    `json:"user_id" format:"uuid"`
	TeamID       string    `json:"team_id" format:"uuid"`
	ClientUserID string    `json:"client_user_id"`
	CreatedOn    time.Time `json:"created_on"`

	ConnectedSources []ConnectedSource `json:"connected_sources" nullable:"false" doc:"Always empty: not supported."`

	FallbackTimeZone  *FallbackTimeZone  `json:"fallback_time_zone"`
	FallbackBirthDate *FallbackBirthDate `json:"fallback_birth_date"`
	IngestionStart    *order.Date        `json:"ingestion_start"`
	IngestionEnd      *order.Date        `json:"ingestion_end"`
}

// UserSuccessResponse confirms that a request to change a user has been carried out.
type UserSuccessResponse struct {
	Success bool `json:"success"`
}

// ConnectedSource is a wearable provider that the user has connected. Aliquot does not support wearables, so the type
// has no fields.
type ConnectedSource struct{}

// FallbackTimeZone is the time zone that the client gave for the user.
type FallbackTimeZone struct {
	ID         string    `json:"id"`
	SourceSlug string    `json:"source_slug"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// FallbackBirthDate is the date of birth that the client gave for the user.
type FallbackBirthDate struct {
	Value      order.Date `json:"value"`
	SourceSlug string     `json:"source_slug"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

// PatientDetails is the patient of an order. The date of birth is written as a time, midnight UTC
// (client-api#16-shared-schemas).
type PatientDetails struct {
	FirstName         *string         `json:"first_name"`
	LastName          *string         `json:"last_name"`
	DOB               time.Time       `json:"dob"`
	Gender            string          `json:"gender"`
	PhoneNumber       *string         `json:"phone_number"`
	Email             *string         `json:"email"`
	MedicalProxy      json.RawMessage `json:"medical_proxy"`
	Race              *string         `json:"race"`
	Ethnicity         *string         `json:"ethnicity"`
	SexualOrientation *string         `json:"sexual_orientation"`
	GenderIdentity    *string         `json:"gender_identity"`
}

// UnmarshalJSON also accepts a date of birth without a time, which older documents have.
func (p *PatientDetails) UnmarshalJSON(b []byte) error {
	type plain PatientDetails
	in := struct {
		*plain
		DOB flexibleTime `json:"dob"`
	}{plain: (*plain)(p)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	p.DOB = time.Time(in.DOB)
	return nil
}

// flexibleTime is decoded from an RFC 3339 time, or from a date, which means midnight UTC.
type flexibleTime time.Time

func (t *flexibleTime) UnmarshalText(b []byte) error {
	if d, err := order.ParseDate(string(b)); err == nil {
		*t = flexibleTime(d.Start(time.UTC))
		return nil
	}
	parsed, err := time.Parse(time.RFC3339, string(b))
	*t = flexibleTime(parsed)
	return err
}

// PatientAddress is the address of the patient, to which a kit is sent.
type PatientAddress struct {
	ReceiverName string  `json:"receiver_name"`
	FirstLine    string  `json:"first_line"`
	SecondLine   *string `json:"second_line"`
	City         string  `json:"city"`
	State        string  `json:"state"`
	Zip          string  `json:"zip"`
	Country      string  `json:"country"`
	AccessNotes  *string `json:"access_notes"`
	PhoneNumber  *string `json:"phone_number"`
}

// ShippingAddress is the address to which a kit that has no patient yet is sent.
type ShippingAddress struct {
	ReceiverName string  `json:"receiver_name"`
	FirstLine    string  `json:"first_line"`
	SecondLine   *string `json:"second_line"`
	City         string  `json:"city"`
	State        string  `json:"state"`
	Zip          string  `json:"zip"`
	Country      string  `json:"country"`
	PhoneNumber  string  `json:"phone_number"`
}

func fromPatient(p *order.Patient) *PatientDetails {
	if p == nil {
		return nil
	}
	return &PatientDetails{
		FirstName:         nilIfEmpty(p.FirstName),
		LastName:          nilIfEmpty(p.LastName),
		DOB:               p.DOB.Start(time.UTC),
		Gender:            p.Gender,
		PhoneNumber:       nilIfEmpty(p.Phone),
		Email:             nilIfEmpty(p.Email),
		MedicalProxy:      p.MedicalProxy,
		Race:              p.Race,
		Ethnicity:         p.Ethnicity,
		SexualOrientation: p.SexualOrientation,
		GenderIdentity:    p.GenderIdentity,
	}
}

func fromAddress(a *order.Address) *PatientAddress {
	if a == nil {
		return nil
	}
	return &PatientAddress{
		ReceiverName: a.ReceiverName,
		FirstLine:    a.FirstLine,
		SecondLine:   a.SecondLine,
		City:         a.City,
		State:        a.State,
		Zip:          a.Zip,
		Country:      a.Country,
		AccessNotes:  a.AccessNotes,
		PhoneNumber:  a.Phone,
	}
}

func fromShipping(a *order.ShippingAddress) *ShippingAddress {
	if a == nil {
		return nil
	}
	return &ShippingAddress{
		ReceiverName: a.ReceiverName,
		FirstLine:    a.FirstLine,
		SecondLine:   a.SecondLine,
		City:         a.City,
		State:        a.State,
		Zip:          a.Zip,
		Country:      a.Country,
		PhoneNumber:  a.Phone,
	}
}
