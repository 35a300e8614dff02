package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/billing"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// relationshipsOfOthers are the relationships in which the insured person is not the patient, so that a guarantor is
// required.
var relationshipsOfOthers = []string{"Spouse", "Other"}

// CreateInsuranceRequest is an insurance of a user.
type CreateInsuranceRequest struct {
	PayorCode    string            `json:"payor_code" minLength:"1" maxLength:"100" doc:"From the search for payors."`
	MemberID     string            `json:"member_id" minLength:"1" maxLength:"100"`
	GroupID      *string           `json:"group_id,omitempty" maxLength:"100"`
	Relationship string            `json:"relationship" enum:"Self,Spouse,Other" doc:"Of the user to the insured person."`
	Insured      InsuredPerson     `json:"insured"`
	Guarantor    *GuarantorDetails `json:"guarantor,omitempty" doc:"Required unless the relationship is Self."`
	IsPrimary    *bool             `json:"is_primary,omitempty" doc:"Defaults to true."`
}

// InsuredPerson is the holder of an insurance.
type InsuredPerson struct {
	FirstName   string  `json:"first_name" maxLength:"255" minLength:"1" pattern:"^([a-zA-Z0-9]{1})([a-zA-Z0-9-.,']*(\\s[a-zA-Z0-9-.,']+)*[a-zA-Z0-9-.,']?)$"`
	LastName    string  `json:"last_name" maxLength:"255" minLength:"1" pattern:"^([a-zA-Z0-9]{1})([a-zA-Z0-9-.,']*(\\s[a-zA-Z0-9-.,']+)*[a-zA-Z0-9-.,']?)$"`
	Gender      string  `json:"gender" maxLength:"64" minLength:"1" doc:"female, male, other or unknown, in any case."`
	Address     Address `json:"address"`
	DOB         string  `json:"dob" maxLength:"64" minLength:"1" doc:"YYYY-MM-DD, or a timestamp at midnight."`
	Email       string  `json:"email" maxLength:"320" minLength:"1"`
	PhoneNumber string  `json:"phone_number" maxLength:"64" minLength:"1"`
}

// ClientFacingInsurance is an insurance of a user, with the payor as it was when the insurance was added.
type ClientFacingInsurance struct {
	MemberID     string            `json:"member_id"`
	PayorCode    string            `json:"payor_code"`
	Relationship string            `json:"relationship"`
	Insured      InsuredPerson     `json:"insured"`
	Company      CompanyDetails    `json:"company"`
	GroupID      *string           `json:"group_id"`
	Guarantor    *GuarantorDetails `json:"guarantor"`
	IsPrimary    bool              `json:"is_primary"`
}

// CompanyDetails is the payor of an insurance.
type CompanyDetails struct {
	Name    string  `json:"name"`
	Address Address `json:"address"`
}

type createInsuranceInput struct {
	UserPath
	Body CreateInsuranceRequest
}

// Resolve checks what a schema cannot say.
func (in *createInsuranceInput) Resolve(ctx huma.Context) []error {
	errs := in.Body.Insured.check("body.insured", callerOf(ctx.Context()).today)
	if slices.Contains(relationshipsOfOthers, in.Body.Relationship) && in.Body.Guarantor == nil {
		errs = append(errs, missingProblem("body.guarantor"))
	}
	return append(errs, in.Body.Guarantor.check("body.guarantor")...)
}

type latestInsuranceInput struct {
	UserPath
	IsPrimary bool `query:"is_primary" default:"true"`
}

func (s *server) insuranceRoutes() {
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "create-insurance", Method: http.MethodPost, Path: "/v2/user/{user_id}/insurance",
		Tags:    []string{tagInsurance},
		Summary: "Add an insurance of a user", Errors: []int{http.StatusBadRequest, http.StatusNotFound},
		Description: "The user must have user info. Older insurances stay stored; the newest one is used.",
	}, s.createInsurance)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-latest-insurance", Method: http.MethodGet, Path: "/v2/user/{user_id}/insurance/latest",
		Tags:    []string{tagInsurance},
		Summary: "Read the newest insurance of a user", Errors: []int{http.StatusNotFound},
	}, s.getLatestInsurance)
	s.payorRoutes()
	s.diagnosisRoutes()
}

func (s *server) createInsurance(ctx context.Context, in *createInsuranceInput) (*body[ClientFacingInsurance], error) {
	team, id := callerOf(ctx).team.ID, canonicalUUID(in.UserID)
	if _, err := s.Store.User(ctx, team, id); err != nil {
		return nil, mapNotFound(err, "User")
	}
	_, err := s.Store.UserInfo(ctx, team, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, badRequest("The user has no user info, which is required for insurance")
	}
	if err != nil {
		return nil, err
	}
	payor, err := s.findPayor(ctx, team, in.Body.PayorCode)
	if err != nil {
		return nil, err
	}
	insurance, err := in.Body.toInsurance(payor)
	if err != nil {
		return nil, err
	}
	document, err := json.Marshal(insurance)
	if err != nil {
		return nil, fmt.Errorf("encoding insurance of user %s: %w", id, err)
	}
	record := store.Insurance{ID: newID(), UserID: id, Primary: insurance.IsPrimary, Document: document,
		CreatedAt: s.now()}
	if err := s.Store.AddInsurance(ctx, team, record); err != nil {
		return nil, mapNotFound(err, "User")
	}
	s.appendChangeAudit(ctx, "user.add_insurance", team, "", "user="+id+" insurance="+record.ID)
	return newAnswer(insurance), nil
}

func (s *server) getLatestInsurance(ctx context.Context,
	in *latestInsuranceInput) (*body[ClientFacingInsurance], error) {
	team, id := callerOf(ctx).team.ID, canonicalUUID(in.UserID)
	record, err := s.Store.LatestInsurance(ctx, team, id, in.IsPrimary)
	if err != nil {
		return nil, mapNotFound(err, "Insurance")
	}
	if err := s.appendReadAudit(ctx, "user.read_insurance", team, "", "user="+id+" insurance="+record.ID); err != nil {
		return nil, err
	}
	insurance, err := decodeInsurance(record)
	if err != nil {
		return nil, err
	}
	return newAnswer(insurance), nil
}

func decodeInsurance(record store.Insurance) (ClientFacingInsurance, error) {
	var insurance ClientFacingInsurance
	if err := json.Unmarshal(record.Document, &insurance); err != nil {
		return ClientFacingInsurance{}, fmt.Errorf("decoding insurance %s: %w", record.ID, err)
	}
	return insurance, nil
}

// toInsurance returns the insurance of a checked request and its payor, normalised.
func (r *CreateInsuranceRequest) toInsurance(payor billing.Payor) (ClientFacingInsurance, error) {
	insured := r.Insured
	dob, err := parseBirthDate(insured.DOB)
	if err != nil {
		return ClientFacingInsurance{}, err
	}
	insured.FirstName, insured.LastName = collapseSpaces(insured.FirstName), collapseSpaces(insured.LastName)
	insured.Gender, insured.DOB, insured.PhoneNumber = normaliseGender(insured.Gender), dob.String(),
		normalisePhone(insured.PhoneNumber)
	insured.Address = insured.Address.normalise()
	payor = payor.ForState(insured.Address.State)
	return ClientFacingInsurance{
		MemberID: r.MemberID, PayorCode: payor.Code, Relationship: r.Relationship, Insured: insured,
		Company: CompanyDetails{Name: payor.Name, Address: payorAddress(payor)},
		GroupID: r.GroupID, Guarantor: r.Guarantor.normalise(), IsPrimary: r.IsPrimary == nil || *r.IsPrimary,
	}, nil
}

func (p *InsuredPerson) check(path string, today order.Date) []error {
	errs := checkBirthDate(p.DOB, path+".dob", today)
	if p.Gender != "" && !slices.Contains(genders, normaliseGender(p.Gender)) {
		errs = append(errs, newProblem("enum", "Input should be one of "+strings.Join(genders, ", "), path+".gender"))
	}
	return append(errs, checkPhone(p.PhoneNumber, path+".phone_number")...)
}
