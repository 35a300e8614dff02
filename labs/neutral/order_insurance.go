package neutral

import "github.com/aliquot-labs/aliquot/order"

// insurance holds what a lab needs to bill an insurer.
type insurance struct {
	PayorCode    string   `json:"payor_code"`
	PayorName    string   `json:"payor_name"`
	MemberID     string   `json:"member_id"`
	GroupID      string   `json:"group_id,omitempty"`
	Relationship string   `json:"relationship"` // of the patient to the insured person: Self, Spouse or Other
	Insured      insured  `json:"insured"`
	Guarantor    *insured `json:"guarantor,omitempty"`
}

type insured struct {
	FirstName string   `json:"first_name"`
	LastName  string   `json:"last_name"`
	DOB       string   `json:"dob,omitempty"`
	Gender    string   `json:"gender,omitempty"`
	Phone     string   `json:"phone_number"`
	Address   *address `json:"address"`
}

func insuranceOf(c *order.BilledInsurance) *insurance {
	if c == nil {
		return nil
	}
	out := &insurance{
		PayorCode: c.PayorCode, PayorName: c.PayorName, MemberID: c.MemberID, Relationship: c.Relationship,
		Insured: insuredOf(c.Insured),
	}
	if c.GroupID != nil {
		out.GroupID = *c.GroupID
	}
	if c.Guarantor != nil {
		guarantor := insuredOf(*c.Guarantor)
		out.Guarantor = &guarantor
	}
	return out
}

func insuredOf(p order.InsuredPerson) insured {
	out := insured{FirstName: p.FirstName, LastName: p.LastName, Gender: p.Gender, Phone: p.Phone,
		Address: addressOf(&p.Address)}
	if p.DOB != nil {
		out.DOB = p.DOB.String()
	}
	return out
}
