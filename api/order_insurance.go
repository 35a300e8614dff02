package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg" // for image.DecodeConfig
	_ "image/png"  // for image.DecodeConfig
	"slices"

	"github.com/aliquot-labs/aliquot/order"
)

// HealthInsuranceCreateRequest is insurance in the request for an order, which client-api#post-v3order calls legacy. It
// is stored and printed on the requisition, and does not affect billing.
type HealthInsuranceCreateRequest struct {
	FrontImage              *Image  `json:"front_image,omitempty"`
	BackImage               *Image  `json:"back_image,omitempty"`
	PatientSignatureImage   *Image  `json:"patient_signature_image,omitempty"`
	Subjective              *string `json:"subjective,omitempty" maxLength:"4000"`
	AssessmentPlan          *string `json:"assessment_plan,omitempty" maxLength:"4000"`
	PayorCode               *string `json:"payor_code,omitempty" maxLength:"100"`
	InsuranceID             *string `json:"insurance_id,omitempty" maxLength:"100"`
	ResponsibleRelationship *string `json:"responsible_relationship,omitempty" enum:"Self,Spouse,Other"`

	ResponsibleDetails *ResponsiblePerson `json:"responsible_details,omitempty"`

	DiagnosisCodes []string `json:"diagnosis_codes,omitempty" maxLength:"64" maxItems:"100"`
}

// ResponsiblePerson is the person who is responsible for the bill.
type ResponsiblePerson struct {
	FirstName   string  `json:"first_name" maxLength:"255" minLength:"1"`
	LastName    string  `json:"last_name" maxLength:"255" minLength:"1"`
	Address     Address `json:"address"`
	PhoneNumber string  `json:"phone_number" maxLength:"64" minLength:"1"`
	PhoneType   *string `json:"phone_type,omitempty" maxLength:"255" doc:"Defaults to Mobile."`
}

// Image is a JPEG or PNG image.
type Image struct {
	Content     string `json:"content" maxLength:"67108864" minLength:"1" doc:"Base64."`
	ContentType string `json:"content_type" enum:"image/jpeg,image/png"`
}

var imageTypes = []string{"image/jpeg", "image/png"}

// Limits of images. An image that is drawn on a document takes up to 8 bytes of memory per pixel, however well it is
// compressed.
const (
	maxImageSide   = 8000     // pixels, of the width and of the height
	maxImagePixels = 16 << 20 // of an image that is drawn; the photographs of telephones have 12 million
)

func (h *HealthInsuranceCreateRequest) check(path string) []error {
	if h == nil {
		return nil
	}
	var errs []error
	if slices.Contains(relationshipsOfOthers, emptyIfNil(h.ResponsibleRelationship)) && h.ResponsibleDetails == nil {
		errs = append(errs, missingProblem(path+".responsible_details"))
	}
	if h.ResponsibleDetails != nil {
		errs = append(errs, checkPhone(h.ResponsibleDetails.PhoneNumber, path+".responsible_details.phone_number")...)
	}
	errs = append(errs, h.FrontImage.check(path+".front_image")...)
	errs = append(errs, h.BackImage.check(path+".back_image")...)
	return append(errs, h.PatientSignatureImage.check(path+".patient_signature_image")...)
}

// toJSON encodes the insurance in the form in which it is stored; nil for nil.
func (h *HealthInsuranceCreateRequest) toJSON() (json.RawMessage, error) {
	if h == nil {
		return nil, nil
	}
	stored := *h
	stored.ResponsibleDetails = h.ResponsibleDetails.normalise()
	b, err := json.Marshal(stored)
	if err != nil {
		return nil, fmt.Errorf("encoding health insurance: %w", err)
	}
	return b, nil
}

// normalise returns a checked person in the form in which it is stored; nil for nil.
func (p *ResponsiblePerson) normalise() *ResponsiblePerson {
	if p == nil {
		return nil
	}
	out := *p
	out.PhoneNumber, out.Address = normalisePhone(p.PhoneNumber), p.Address.normalise()
	if p.PhoneType == nil {
		out.PhoneType = new("Mobile")
	}
	return &out
}

// check checks the header of an image that is stored only.
func (i *Image) check(path string) []error { return i.checkSize(path, maxImageSide*maxImageSide) }

// checkSize checks the header of an image: its format, and that it has at most maxPixels pixels. It does not decode the
// rest of the image.
func (i *Image) checkSize(path string, maxPixels int) []error {
	if i == nil || i.Content == "" {
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(i.Content)
	if err != nil {
		return []error{newProblem("value_error", "Value is not base64", path+".content")}
	}
	if !slices.Contains(imageTypes, i.ContentType) {
		return nil // the schema reports it
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || "image/"+format != i.ContentType || config.Width > maxImageSide || config.Height > maxImageSide ||
		config.Width*config.Height > maxPixels {
		return []error{newProblem("value_error", "Value is not an image of its content type, or too large",
			path+".content")}
	}
	return nil
}

// toOrderImage converts a checked image to the domain's image; nil for nil.
func (i *Image) toOrderImage() *order.Image {
	if i == nil {
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(i.Content)
	if err != nil {
		return nil
	}
	return &order.Image{ContentType: i.ContentType, Content: content}
}
