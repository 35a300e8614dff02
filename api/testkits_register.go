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
	UserID          *string                      `json:"user_id,omitempty" format:"uuid" doc:"The order becomes this user's; without it, it stays with its own."`
	SampleID        string                       `json:"sample_id" minLength:"1" doc:"As printed on the kit."`
	PatientDetails  PatientDetailsWithValidation `json:"patient_details"`
	PatientAddress  PatientAddressWithValidation `json:"patient_address"`
	Physician       *PhysicianCreateRequest      `json:"physician,omitempty"`
	HealthInsurance json.RawMessage              `json:"health_insurance,omitempty" doc:"Kept as it is sent."`
	Consents        []ConsentRequest             `json:"consents,omitempty"`
}

type registerTestkitInput struct {
	Body RegisterTestkitRequest
}

// Resolve checks what a schema cannot say.
func (in *registerTestkitInput) Resolve(ctx huma.Context) []error {
	errs := in.Body.PatientDetails.check(callerOf(ctx.Context()).today)
	return append(errs, in.Body.PatientAddress.check("body.patient_address")...)
}

// registerTestkit binds the patient to the kit that the sample id is printed on. Whose it is stays sealed in the demand's row until
// the order's recording moves it to its place.
func (s *server) registerTestkit(ctx context.Context, in *registerTestkitInput) (*body[PostOrderResponse], error) {
	c := callerOf(ctx)
	id, err := s.Store.OrderIDBySample(ctx, c.team.ID, in.Body.SampleID)
	if err != nil {
		return nil, orNotFound(err, "Kit")
	}
	o, err := s.Store.Order(ctx, c.team.ID, id)
	if err != nil {
		return nil, orNotFound(err, "Kit")
	}
	document, err := s.registration(ctx, &in.Body, o)
	if err != nil {
		return nil, err
	}
	o, _, err = s.demand(ctx, c.team.ID, id, order.Demand{Kind: order.DemandRegister, By: lifecycle.Client}, document)
	return posted(o, "order registered", err)
}

// registration is what the demand says, sealed in its row.
func (s *server) registration(ctx context.Context, in *RegisterTestkitRequest, o *order.Order) ([]byte, error) {
	c := callerOf(ctx)
	patient, err := in.PatientDetails.patient()
	if err != nil {
		return nil, err
	}
	if err := allowed(patient, o.Modality, o.State.Policy, c.today); err != nil {
		return nil, err
	}
	r := order.Registration{
		Patient: patient, Address: in.PatientAddress.address(), Physician: in.Physician.physician(),
		Consents: consents(in.Consents, s.now()), Insurance: given(in.HealthInsurance),
	}
	if in.UserID != nil && canonical(*in.UserID) != o.UserID {
		user, err := s.Store.User(ctx, c.team.ID, canonical(*in.UserID))
		if err != nil {
			return nil, orNotFound(err, "User")
		}
		r.UserID, r.ClientUserID = user.ID, user.ClientUserID
	}
	return json.Marshal(r)
}

// given is nil for a JSON null.
func given(document json.RawMessage) json.RawMessage {
	if string(document) == "null" {
		return nil
	}
	return document
}
