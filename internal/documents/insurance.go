package documents

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg" // decodes signatures
	"image/png"

	"codeberg.org/go-pdf/fpdf"

	"github.com/aliquot-labs/aliquot/order"
)

// drawInsurance draws the insurance of an order that is not billed to the team.
func (s *canvas) drawInsurance(o order.Order) {
	if c := o.BilledInsurance; c != nil {
		s.drawTitle("Insurance")
		s.drawFields([]field{
			{"Payor", c.PayorName + " (" + c.PayorCode + ")"},
			{"Address", formatAddress(&c.PayorAddress)},
			{"Member id", c.MemberID},
			{"Group id", textOrEmpty(c.GroupID)},
		}, insuredFields(c))
	}
	s.drawOrderInsurance(o.Insurance)
}

func insuredFields(c *order.BilledInsurance) []field {
	out := []field{
		{"Insured person", fullName(c.Insured.FirstName, c.Insured.LastName)},
		{"The patient is", relationToInsured(c.Relationship)},
		{"Address", formatAddress(&c.Insured.Address)},
	}
	if d := c.Insured.DOB; d != nil {
		out = append(out, field{"Date of birth", d.String()})
	}
	if g := c.Guarantor; g != nil {
		out = append(out, field{"Guarantor", fullName(g.FirstName, g.LastName) + "\n" + g.Phone})
	}
	return out
}

// relationToInsured describes the patient's relationship to the insured person.
func relationToInsured(relationship string) string {
	switch relationship {
	case "Self":
		return "the insured person"
	case "Spouse":
		return "the spouse"
	}
	return "another dependant"
}

// drawOrderInsurance draws the insurance document of the order, which has the form of the client API.
func (s *canvas) drawOrderInsurance(document json.RawMessage) {
	var in struct {
		PayorCode   string `json:"payor_code"`
		InsuranceID string `json:"insurance_id"`
		Responsible *struct {
			FirstName string `json:"first_name"`
			LastName  string `json:"last_name"`
			Phone     string `json:"phone_number"`
		} `json:"responsible_details"`
	}
	if json.Unmarshal(document, &in) != nil || in.PayorCode == "" && in.InsuranceID == "" {
		return
	}
	s.drawTitle("Insurance given with the order")
	var responsible []field
	if r := in.Responsible; r != nil {
		responsible = []field{{"Responsible", fullName(r.FirstName, r.LastName)}, {"Phone", r.Phone}}
	}
	s.drawFields([]field{{"Payor", in.PayorCode}, {"Insurance id", in.InsuranceID}}, responsible)
}

// drawSignature draws a physician's signature. A signature that cannot be decoded is left out, to be given by hand.
func (s *canvas) drawSignature(p *order.Physician) {
	const width, height = 60.0, 18.0
	if p == nil || p.Signature == nil {
		return
	}
	picture, _, err := image.Decode(bytes.NewReader(p.Signature.Content))
	if err != nil || picture.Bounds().Empty() {
		return
	}
	var plainPNG bytes.Buffer // encoded again, without features that the library does not read, such as interlacing
	if err := png.Encode(&plainPNG, picture); err != nil {
		return
	}
	s.ensureRoom(height + 12)
	s.drawTitle("Signature of the physician")
	bounds := picture.Bounds()
	scale := min(width/float64(bounds.Dx()), height/float64(bounds.Dy()))
	options := fpdf.ImageOptions{ImageType: "PNG"}
	s.pdf.RegisterImageOptionsReader("signature", options, &plainPNG)
	s.pdf.ImageOptions("signature", margin, s.y, float64(bounds.Dx())*scale, float64(bounds.Dy())*scale, false, options,
		0, "")
	s.y += height
}

// guardianName returns the name and phone of a minor's guardian, from the form of the client API.
func guardianName(document json.RawMessage) string {
	var in struct {
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		Phone     string `json:"phone_number"`
	}
	if json.Unmarshal(document, &in) != nil || in.LastName == "" {
		return ""
	}
	return fullName(in.FirstName, in.LastName) + ", " + in.Phone
}
