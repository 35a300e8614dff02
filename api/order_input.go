package api

import (
	"encoding/json"

	"github.com/aliquot-labs/aliquot/order"
)

// CreateOrderRequest is the body of POST /v3/order. Fields of client-api#post-v3order that this server does not use are
// ignored.
type CreateOrderRequest struct {
	UserID    string           `json:"user_id" format:"uuid"`
	LabTestID *string          `json:"lab_test_id,omitempty" format:"uuid" deprecated:"true" doc:"Use order_set."`
	OrderSet  *OrderSetRequest `json:"order_set,omitempty"`

	CollectionMethod *string `json:"collection_method,omitempty" enum:"testkit,walk_in_test,at_home_phlebotomy,on_site_collection"`

	Physician *PhysicianCreateRequest `json:"physician,omitempty"`

	HealthInsurance *HealthInsuranceCreateRequest `json:"health_insurance,omitempty" deprecated:"true"`

	Priority *bool `json:"priority,omitempty"`

	BillingType *string `json:"billing_type,omitempty" enum:"client_bill,commercial_insurance,patient_bill_passthrough,patient_bill"`

	ICDCodes []string         `json:"icd_codes,omitempty" maxItems:"100" maxLength:"64"`
	Consents []ConsentRequest `json:"consents,omitempty" maxItems:"100"`

	ActivateBy *string `json:"activate_by,omitempty" format:"date"`

	AoEAnswers      []AoEAnswerRequest           `json:"aoe_answers,omitempty" maxItems:"1000"`
	Passthrough     *string                      `json:"passthrough,omitempty" maxLength:"10000"`
	ClinicalNotes   *string                      `json:"clinical_notes,omitempty" maxLength:"1000"`
	LabAccountID    *string                      `json:"lab_account_id,omitempty" format:"uuid"`
	CreatorMemberID *string                      `json:"creator_member_id,omitempty" format:"uuid"`
	PatientDetails  PatientDetailsWithValidation `json:"patient_details"`
	PatientAddress  PatientAddressWithValidation `json:"patient_address"`
}

// OrderSetRequest is what is ordered: lab tests, markers à la carte, or both.
type OrderSetRequest struct {
	LabTestIDs   []string    `json:"lab_test_ids,omitempty" maxItems:"100" format:"uuid"`
	AddOn        *AddOnOrder `json:"add_on,omitempty"`
	LabAccountID *string     `json:"lab_account_id,omitempty" format:"uuid"`
}

// AddOnOrder are markers that are ordered à la carte. Exactly one of the two lists is given.
type AddOnOrder struct {
	MarkerIDs   []int64  `json:"marker_ids,omitempty" maxItems:"1000"`
	ProviderIDs []string `json:"provider_ids,omitempty" maxItems:"1000" maxLength:"255" doc:"The lab's own codes."`
}

// PhysicianCreateRequest is the ordering physician.
type PhysicianCreateRequest struct {
	PhysicianCreateRequestBase
	SignatureImage *Image `json:"signature_image,omitempty"`
}

// PhysicianCreateRequestBase is the ordering physician without a signature.
type PhysicianCreateRequestBase struct {
	FirstName      string   `json:"first_name" maxLength:"255" minLength:"1"`
	LastName       string   `json:"last_name" maxLength:"255" minLength:"1"`
	Email          *string  `json:"email,omitempty" maxLength:"320"`
	NPI            string   `json:"npi" maxLength:"255" minLength:"1"`
	LicensedStates []string `json:"licensed_states,omitempty" maxItems:"100" maxLength:"64"`
}

// ConsentRequest is one consent of the patient. Its JSON keys are in camel case.
type ConsentRequest struct {
	ConsentType   string  `json:"consentType" enum:"terms-of-use,telehealth-informed-consent,mobile-terms-and-conditions,notice-of-privacy-practices,privacy-policy,hipaa-authorization"`
	Version       *string `json:"version,omitempty" maxLength:"255"`
	TimeOfConsent *string `json:"timeOfConsent,omitempty" maxLength:"64" format:"date-time" doc:"Defaults to now."`
}

// AoEAnswerRequest answers one AOE question of a marker.
type AoEAnswerRequest struct {
	MarkerID   int64  `json:"marker_id"`
	QuestionID int64  `json:"question_id"`
	Answer     string `json:"answer" maxLength:"10000"`
}

// PatientDetailsWithValidation are the details of the patient.
type PatientDetailsWithValidation struct {
	FirstName string `json:"first_name" minLength:"1" maxLength:"50" pattern:"^([a-zA-Z0-9]{1})([a-zA-Z0-9-.,']*(\\s[a-zA-Z0-9-.,']+)*[a-zA-Z0-9-.,']?)$"`
	LastName  string `json:"last_name" minLength:"1" maxLength:"50" pattern:"^([a-zA-Z0-9]{1})([a-zA-Z0-9-.,']*(\\s[a-zA-Z0-9-.,']+)*[a-zA-Z0-9-.,']?)$"`

	DOB          string            `json:"dob" maxLength:"64" minLength:"1" doc:"YYYY-MM-DD, or a timestamp at midnight."`
	Gender       string            `json:"gender" maxLength:"64" minLength:"1" doc:"female, male, other, unknown."`
	PhoneNumber  string            `json:"phone_number" maxLength:"64" minLength:"1"`
	Email        string            `json:"email" maxLength:"320" format:"email"`
	MedicalProxy *GuarantorDetails `json:"medical_proxy,omitempty" doc:"Required for a patient under 18."`

	Race              *string `json:"race,omitempty" enum:"african_american_or_black,asian,indigenous_native_american_alaska_native,other,pacific_islander_or_hawaiian,white_caucasian"`
	Ethnicity         *string `json:"ethnicity,omitempty" enum:"hispanic,non_hispanic,ashkenazi_jewish,other"`
	SexualOrientation *string `json:"sexual_orientation,omitempty" enum:"lesbian_gay_or_homosexual,heterosexual_or_straight,bisexual,dont_know,other"`
	GenderIdentity    *string `json:"gender_identity,omitempty" enum:"male,female,female_to_male_ftm_transgender_male_trans_man,male_to_female_mtf_transgender_female_trans_woman,genderqueer,other"`

	HouseholdIncome *int `json:"household_income,omitempty" minimum:"0"`
	HouseholdSize   *int `json:"household_size,omitempty" minimum:"0"`
}

// PatientAddressWithValidation is the patient's address.
type PatientAddressWithValidation struct {
	ReceiverName *string `json:"receiver_name,omitempty" maxLength:"255"`
	FirstLine    string  `json:"first_line" maxLength:"255" minLength:"1"`
	SecondLine   *string `json:"second_line,omitempty" maxLength:"255"`
	City         string  `json:"city" maxLength:"255" minLength:"1"`
	State        string  `json:"state" maxLength:"255" minLength:"1" doc:"Two-letter USPS code."`
	Zip          string  `json:"zip" pattern:"^\\d{5}(-\\d{4})?$"`
	Country      string  `json:"country" maxLength:"255" minLength:"1"`
	AccessNotes  *string `json:"access_notes,omitempty" maxLength:"1000"`
	PhoneNumber  *string `json:"phone_number,omitempty" maxLength:"64"`
}

// GuarantorDetails are the details of a minor's medical proxy, or of the guarantor of an insurance.
type GuarantorDetails struct {
	FirstName       string  `json:"first_name" maxLength:"255" minLength:"1"`
	LastName        string  `json:"last_name" maxLength:"255" minLength:"1"`
	Address         Address `json:"address"`
	PhoneNumber     string  `json:"phone_number" maxLength:"64" minLength:"1"`
	HouseholdIncome *int    `json:"household_income,omitempty" minimum:"0"`
	HouseholdSize   *int    `json:"household_size,omitempty" minimum:"0"`
	Email           *string `json:"email,omitempty" maxLength:"320"`
}

// toPatient converts checked details to the domain's patient, normalised.
func (p *PatientDetailsWithValidation) toPatient() (*order.Patient, error) {
	dob, err := parseBirthDate(p.DOB)
	if err != nil {
		return nil, err
	}
	out := &order.Patient{
		FirstName:         collapseSpaces(p.FirstName),
		LastName:          collapseSpaces(p.LastName),
		DOB:               dob,
		Gender:            normaliseGender(p.Gender),
		Phone:             normalisePhone(p.PhoneNumber),
		Email:             p.Email,
		Race:              p.Race,
		Ethnicity:         p.Ethnicity,
		SexualOrientation: p.SexualOrientation,
		GenderIdentity:    p.GenderIdentity,
		HouseholdIncome:   p.HouseholdIncome,
		HouseholdSize:     p.HouseholdSize,
	}
	if p.MedicalProxy != nil {
		out.MedicalProxy, err = json.Marshal(p.MedicalProxy.normalise())
	}
	return out, err
}

func (a *PatientAddressWithValidation) toOrderAddress() *order.Address {
	out := &order.Address{
		FirstLine:   a.FirstLine,
		SecondLine:  a.SecondLine,
		City:        a.City,
		State:       normaliseState(a.State),
		Zip:         a.Zip,
		Country:     a.Country,
		AccessNotes: a.AccessNotes,
	}
	if a.ReceiverName != nil {
		out.ReceiverName = *a.ReceiverName
	}
	if a.PhoneNumber != nil && *a.PhoneNumber != "" {
		n := normalisePhone(*a.PhoneNumber)
		out.Phone = &n
	}
	return out
}

func (p *PhysicianCreateRequest) toPhysician() *order.Physician {
	if p == nil {
		return nil
	}
	out := p.PhysicianCreateRequestBase.toPhysician()
	out.Signature = p.SignatureImage.toOrderImage()
	return out
}

func (p *PhysicianCreateRequestBase) toPhysician() *order.Physician {
	if p == nil {
		return nil
	}
	return &order.Physician{FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, NPI: p.NPI,
		LicensedStates: normaliseStates(p.LicensedStates)}
}

func (p *PhysicianCreateRequest) check() []error {
	if p == nil {
		return nil
	}
	return p.SignatureImage.checkSize("body.physician.signature_image", maxImagePixels)
}

// normalise returns a checked guarantor in the form in which it is stored; nil for nil.
func (g *GuarantorDetails) normalise() *GuarantorDetails {
	if g == nil {
		return nil
	}
	out := *g
	out.PhoneNumber = normalisePhone(g.PhoneNumber)
	out.Address = g.Address.normalise()
	return &out
}

func (g *GuarantorDetails) check(path string) []error {
	if g == nil {
		return nil
	}
	return checkPhone(g.PhoneNumber, path+".phone_number")
}

// orEmpty returns the text, or an empty one for nil, which is the default of client-api#patientaddresswithvalidation.
func orEmpty(text *string) *string {
	if text == nil {
		return new(string)
	}
	return text
}
