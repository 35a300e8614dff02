package order

import "strings"

// BilledInsurance is the insurance that an order is billed to, copied when the order was placed.
type BilledInsurance struct {
	PayorCode    string        `json:"payor_code"`
	PayorName    string        `json:"payor_name"`
	PayorAddress Address       `json:"payor_address"`
	MemberID     string        `json:"member_id"`
	GroupID      *string       `json:"group_id,omitempty"`
	Relationship string        `json:"relationship"` // of the patient to the insured person, as the client API spells it
	Insured      InsuredPerson `json:"insured"`
	// who pays the bill if the patient is not the insured person
	Guarantor *InsuredPerson `json:"guarantor,omitempty"`
	// Medicare says that the insurance is Medicare, so that the patient needs an ABN.
	Medicare bool `json:"medicare,omitempty"`
}

// InsuredPerson is the insured person or the guarantor on a bill. This need not be the patient. A guarantor has no date
// of birth.
type InsuredPerson struct {
	FirstName string  `json:"first_name"`
	LastName  string  `json:"last_name"`
	DOB       *Date   `json:"dob,omitempty"`
	Gender    string  `json:"gender,omitempty"`
	Phone     string  `json:"phone_number"`
	Email     string  `json:"email,omitempty"`
	Address   Address `json:"address"`
}

// HasABN reports whether the patient has to sign an advance beneficiary notice (ABN).
func (o *Order) HasABN() bool { return o.BilledInsurance != nil && o.BilledInsurance.Medicare }

// LabNotes returns the notes for the lab: the order's own, then those that its lab account adds to each order.
func (o *Order) LabNotes() string {
	var notes []string
	for _, n := range []*string{o.ClinicalNotes, o.AccountNotes} {
		if n != nil && strings.TrimSpace(*n) != "" {
			notes = append(notes, *n)
		}
	}
	return strings.Join(notes, "\n")
}

// Image is a picture that was sent with an order.
type Image struct {
	ContentType string `json:"content_type"` // image/jpeg or image/png
	Content     []byte `json:"content"`
}
