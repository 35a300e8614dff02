package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// CreateRegistrableTestkitOrderRequest is the body of POST /v3/order/testkit, which ships a kit before its patient is
// known.
type CreateRegistrableTestkitOrderRequest struct {
	UserID          string                        `json:"user_id" format:"uuid"`
	LabTestID       string                        `json:"lab_test_id" format:"uuid" doc:"A lab test that has testkits."`
	ShippingDetails ShippingAddressWithValidation `json:"shipping_details"`
	Passthrough     *string                       `json:"passthrough,omitempty"`
	LabAccountID    *string                       `json:"lab_account_id,omitempty" format:"uuid"`
}

// ShippingAddressWithValidation is the address to which an unregistered kit is shipped.
type ShippingAddressWithValidation struct {
	ReceiverName string  `json:"receiver_name" minLength:"1"`
	FirstLine    string  `json:"first_line" minLength:"1"`
	SecondLine   *string `json:"second_line,omitempty"`
	City         string  `json:"city" minLength:"1"`
	State        string  `json:"state" minLength:"1" doc:"Two-letter USPS code."`
	Zip          string  `json:"zip" pattern:"^\\d{5}(-\\d{4})?$"`
	Country      string  `json:"country" minLength:"1"`
	PhoneNumber  string  `json:"phone_number" minLength:"1"`
}

type createTestkitInput struct {
	Body CreateRegistrableTestkitOrderRequest
}

// Resolve checks what a schema cannot say.
func (in *createTestkitInput) Resolve(huma.Context) []error {
	return checkPhone(in.Body.ShippingDetails.PhoneNumber, "body.shipping_details.phone_number")
}

func (s *server) testkitRoutes() {
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "create-testkit-order", Method: http.MethodPost, Path: "/v3/order/testkit",
		Tags:    []string{tagOrders},
		Summary: "Ship a kit that is registered to a patient later",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.createTestkit)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "register-testkit", Method: http.MethodPost, Path: "/v3/order/testkit/register",
		Tags:    []string{tagOrders},
		Summary: "Register a kit to its patient",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable},
	}, s.registerTestkit)
}

func (s *server) createTestkit(ctx context.Context, in *createTestkitInput) (*body[PostOrderResponse], error) {
	c := callerOf(ctx)
	method := methodTestkit
	f, err := s.resolveSelection(ctx, selectionRequest{
		userID: in.Body.UserID, labTestID: &in.Body.LabTestID, method: &method, account: in.Body.LabAccountID,
		mustBeRegistrable: true,
	})
	if err != nil {
		return nil, err
	}
	if err := checkBilling(store.BillingClientBill, f.account.Profile, ""); err != nil {
		return nil, err
	}
	o := f.newOrder(c.team.ID, s.now())
	if o.AoEAnswers, err = resolveAoEAnswers(f.test, nil); err != nil {
		return nil, err
	}
	o.Registrable, o.Shipping, o.Passthrough = true, in.Body.ShippingDetails.toShippingAddress(), in.Body.Passthrough
	return s.createAndStartOrder(ctx, o, f, "order created")
}

func (a *ShippingAddressWithValidation) toShippingAddress() *order.ShippingAddress {
	return &order.ShippingAddress{
		ReceiverName: a.ReceiverName, FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City,
		State: normaliseState(a.State), Zip: a.Zip, Country: a.Country, Phone: normalisePhone(a.PhoneNumber),
	}
}

// RegisterTestkitRequest is the body of POST /v3/order/testkit/register.
type RegisterTestkitRequest struct {
	UserID          *string                       `json:"user_id,omitempty" format:"uuid"`
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

// registerTestkit registers the kit with a sample id to a patient. The patient's data is sealed in the demand's row
// until the order's recording moves it into the order.
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
	o, _, err = s.submitDemand(ctx, c.team.ID, id, order.Demand{Kind: order.DemandRegister, By: lifecycle.Client},
		document)
	if err == nil {
		s.rememberPhysician(ctx, in.Body.Physician.toPhysician())
	}
	return answerOrder(o, "order registered", err)
}

// newRegistration checks a request for a registration and returns the body of its demand, as JSON.
func (s *server) newRegistration(ctx context.Context, in *RegisterTestkitRequest, o *order.Order) ([]byte, error) {
	c := callerOf(ctx)
	bound := *o // the order as it will be after the registration
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
	bound.Physician, err = resolvePhysician(in.Physician.toPhysician(), account.Profile, bound.Consents)
	if err != nil {
		return nil, err
	}
	if err := attachInsurance(&bound, in.HealthInsurance); err != nil {
		return nil, err
	}
	r.Patient, r.Address, r.Physician, r.Consents = bound.Patient, bound.Address, bound.Physician, bound.Consents
	r.Insurance, r.InsuranceID = bound.Insurance, bound.InsuranceID
	return json.Marshal(r)
}
