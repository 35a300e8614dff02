package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg" // so that images can be looked at
	_ "image/png"
	"slices"

	"github.com/aliquot-labs/aliquot/order"
)

// HealthInsuranceCreateRequest is insurance that comes with the order itself, which client-api#post-v3order calls
// legacy: it is kept, printed on the requisition, and decides nothing.
type HealthInsuranceCreateRequest struct {
	FrontImage              *Image             `json:"front_image,omitempty"`
	BackImage               *Image             `json:"back_image,omitempty"`
	PatientSignatureImage   *Image             `json:"patient_signature_image,omitempty"`
	Subjective              *string            `json:"subjective,omitempty" maxLength:"4000"`
	AssessmentPlan          *string            `json:"assessment_plan,omitempty" maxLength:"4000"`
	PayorCode               *string            `json:"payor_code,omitempty" maxLength:"100"`
	InsuranceID             *string            `json:"insurance_id,omitempty" maxLength:"100"`
	ResponsibleRelationship *string            `json:"responsible_relationship,omitempty" enum:"Self,Spouse,Other"`
	ResponsibleDetails      *ResponsiblePerson `json:"responsible_details,omitempty" doc:"Required where the relationship is not Self."`
	DiagnosisCodes          []string           `json:"diagnosis_codes,omitempty" maxItems:"100"`
}

// ResponsiblePerson is who answers for the bill.
type ResponsiblePerson struct {
	FirstName   string  `json:"first_name" minLength:"1"`
	LastName    string  `json:"last_name" minLength:"1"`
	Address     Address `json:"address"`
	PhoneNumber string  `json:"phone_number" minLength:"1"`
	PhoneType   *string `json:"phone_type,omitempty" doc:"Defaults to Mobile."`
}

// Image is a picture.
type Image struct {
	Content     string `json:"content" minLength:"1" doc:"Base64."`
	ContentType string `json:"content_type" enum:"image/jpeg,image/png"`
}

var imageTypes = []string{"image/jpeg", "image/png"}

// Bounds of images. One that is drawn takes up to 8 bytes a pixel of memory, however small it is packed.
const (
	maxImageSide   = 8000     // wide, and high
	maxImagePixels = 16 << 20 // pixels of one that is drawn; a telephone's photographs have 12 million
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

// toJSON is the insurance as it is kept; nil: none.
func (h *HealthInsuranceCreateRequest) toJSON() (json.RawMessage, error) {
	if h == nil {
		return nil, nil
	}
	kept := *h
	kept.ResponsibleDetails = h.ResponsibleDetails.normalised()
	b, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("encoding health insurance: %w", err)
	}
	return b, nil
}

// normalised is who is responsible as he is kept; nil: nobody. He has been checked.
func (p *ResponsiblePerson) normalised() *ResponsiblePerson {
	if p == nil {
		return nil
	}
	out := *p
	out.PhoneNumber, out.Address = normalisePhone(p.PhoneNumber), p.Address.normalised()
	if p.PhoneType == nil {
		out.PhoneType = new("Mobile")
	}
	return &out
}

// check looks at an image's head: the rest is looked at when it is drawn.
func (i *Image) check(path string) []error { return i.checkSize(path, maxImageSide*maxImageSide) }

func (i *Image) checkSize(path string, most int) []error {
	if i == nil || i.Content == "" {
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(i.Content)
	if err != nil {
		return []error{newProblem("value_error", "Value is not base64", path+".content")}
	}
	if !slices.Contains(imageTypes, i.ContentType) {
		return nil // which the schema has found
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || "image/"+format != i.ContentType || config.Width > maxImageSide || config.Height > maxImageSide ||
		config.Width*config.Height > most {
		return []error{newProblem("value_error", "Value is not an image of its content type, or too large", path+".content")}
	}
	return nil
}

// toOrderImage is the domain's image. It has been checked.
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
