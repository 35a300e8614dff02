package api

import (
	"context"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// RegisterTestkitRequest is the body of POST /v3/order/testkit/register.
type RegisterTestkitRequest struct {
	UserID          *string                       `json:"user_id,omitempty" format:"uuid" doc:"The order becomes this user's; without it, it stays with its own."`
	SampleID        string                        `json:"sample_id" minLength:"1" doc:"As printed on the kit."`
	PatientDetails  PatientDetailsWithValidation  `json:"patient_details"`
	PatientAddress  PatientAddressWithValidation  `json:"patient_address"`
	Physician       *PhysicianCreateRequestBase   `json:"physician,omitempty"`
	HealthInsurance *HealthInsuranceCreateRequest `json:"health_insurance,omitempty"`
	Consents        []ConsentRequest              `json:"consents,omitempty"`
}

type registerTestkitInput struct {
	Body RegisterTestkitRequest
}

// Resolve checks what a schema cannot say.
func (in *registerTestkitInput) Resolve(ctx huma.Context) []error {
	errs := in.Body.PatientDetails.check(callerOf(ctx.Context()).today)
	errs = append(errs, in.Body.PatientAddress.check("body.patient_address")...)
	return append(errs, in.Body.HealthInsurance.check("body.health_insurance")...)
}

// registerTestkit binds the patient to the kit that the sample id is printed on. Whose it is stays sealed in the demand's row until
// the order's recording moves it to its place.
func (s *server) registerTestkit(ctx context.Context, in *registerTestkitInput) (*body[PostOrderResponse], error) {
	c := callerOf(ctx)
	id, err := s.Store.OrderIDBySample(ctx, c.team.ID, in.Body.SampleID)
	if err != nil {
		return nil, mapNotFound(err, "Kit")
	}
	o, err := s.Store.Order(ctx, c.team.ID, id)
	if err != nil {
		return nil, mapNotFound(err, "Kit")
	}
	document, err := s.newRegistration(ctx, &in.Body, o)
	if err != nil {
		return nil, err
	}
	o, _, err = s.submitDemand(ctx, c.team.ID, id, order.Demand{Kind: order.DemandRegister, By: lifecycle.Client}, document)
	if err == nil {
		s.rememberPhysician(ctx, in.Body.Physician.toPhysician())
	}
	return answerOrder(o, "order registered", err)
}

// newRegistration is what the demand says, sealed in its row.
func (s *server) newRegistration(ctx context.Context, in *RegisterTestkitRequest, o *order.Order) ([]byte, error) {
	c := callerOf(ctx)
	bound := *o // as it will be
	bound.Address, bound.Consents = in.PatientAddress.toOrderAddress(), toConsents(in.Consents, s.now())
	var r order.Registration
	if in.UserID != nil && canonicalUUID(*in.UserID) != o.UserID {
		user, err := s.Store.User(ctx, c.team.ID, canonicalUUID(*in.UserID))
		if err != nil {
			return nil, mapNotFound(err, "User")
		}
		r.UserID, r.ClientUserID = user.ID, user.ClientUserID
		bound.UserID = user.ID
	}
	if err := s.setPatient(ctx, &bound, &in.PatientDetails, o.State.Policy); err != nil {
		return nil, err
	}
	account, err := s.Store.LabAccount(ctx, o.LabAccountID)
	if err != nil {
		return nil, err
	}
	if err := checkBilling(o.BillingType, account.Profile, bound.Address.State); err != nil {
		return nil, err
	}
	if bound.Physician, err = resolvePhysician(in.Physician.toPhysician(), account.Profile, bound.Consents); err != nil {
		return nil, err
	}
	if err := attachInsurance(&bound, in.HealthInsurance); err != nil {
		return nil, err
	}
	r.Patient, r.Address, r.Physician, r.Consents = bound.Patient, bound.Address, bound.Physician, bound.Consents
	r.Insurance, r.InsuranceID = bound.Insurance, bound.InsuranceID
	return json.Marshal(r)
}
