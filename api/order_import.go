package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// ImportOrderBody is the body of POST /v3/order/import: an order whose requisition was created elsewhere.
type ImportOrderBody struct {
	UserID string `json:"user_id" format:"uuid"`

	BillingType string `json:"billing_type" enum:"client_bill,commercial_insurance,patient_bill_passthrough,patient_bill"`

	OrderSet OrderSetRequest `json:"order_set"`

	CollectionMethod string `json:"collection_method" enum:"testkit,walk_in_test,at_home_phlebotomy,on_site_collection"`

	Physician      *PhysicianCreateRequest      `json:"physician,omitempty"`
	PatientDetails PatientDetailsWithValidation `json:"patient_details"`
	PatientAddress PatientAddressOfImport       `json:"patient_address"`

	SampleID string `json:"sample_id" minLength:"1" maxLength:"64"`

	LabAccountID *string `json:"lab_account_id,omitempty" format:"uuid" doc:"The account may still be pending."`
}

// PatientAddressOfImport is the patient's address. It is checked less strictly than the address of an order that we
// place.
type PatientAddressOfImport struct {
	ReceiverName string  `json:"receiver_name" maxLength:"255"`
	FirstLine    string  `json:"first_line" maxLength:"255"`
	SecondLine   *string `json:"second_line,omitempty" maxLength:"255"`
	City         string  `json:"city" maxLength:"255"`
	State        string  `json:"state" maxLength:"255"`
	Zip          string  `json:"zip" maxLength:"255"`
	Country      string  `json:"country" maxLength:"255"`
	AccessNotes  *string `json:"access_notes,omitempty" maxLength:"1000"`
}

type importInput struct {
	Body ImportOrderBody
}

// Resolve checks what a schema cannot say.
func (in *importInput) Resolve(ctx huma.Context) []error {
	errs := in.Body.PatientDetails.check(callerOf(ctx.Context()).today)
	given := in.Body.SampleID
	// Normalised like the order numbers in inbound messages: no message could name an order with another number.
	in.Body.SampleID = partnerhttp.SafeOrderNumber(given)
	if given != "" && in.Body.SampleID == "" {
		errs = append(errs, newProblem("value_error", "Value is blank, too long, or has control characters",
			"body.sample_id"))
	} else if given != "" && !partnerhttp.UsableInPath(in.Body.SampleID) {
		errs = append(errs, newProblem("value_error", "Value has a part . or .., which a call to the lab cannot name",
			"body.sample_id"))
	}
	return append(errs, in.Body.Physician.check()...)
}

func (s *server) importRoutes() {
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "import-order", Method: http.MethodPost, Path: "/v3/order/import", Tags: []string{tagOrders},
		Summary: "Import an order whose requisition was created elsewhere",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.importOrder)
}

// importOrder imports an order. The order gets the lab's own number, because the lab's messages will name that.
func (s *server) importOrder(ctx context.Context, in *importInput) (*body[PostOrderResponse], error) {
	c := callerOf(ctx)
	f, err := s.resolveSelection(ctx, selectionRequest{
		userID: in.Body.UserID, orderSet: &in.Body.OrderSet, method: &in.Body.CollectionMethod,
		account: in.Body.LabAccountID, allowPending: true,
	})
	if err != nil {
		return nil, err
	}
	o := f.newOrder(c.team.ID, s.now())
	if err := s.setPatient(ctx, o, &in.Body.PatientDetails, f.policy); err != nil {
		return nil, err
	}
	o.Imported, o.Number, o.SampleID = true, in.Body.SampleID, in.Body.SampleID
	o.Address, o.Physician = in.Body.PatientAddress.toOrderAddress(), in.Body.Physician.toPhysician()
	if o.Physician == nil && f.account.Profile.RequiresOwnPhysician() {
		return nil, badRequest("A physician is required by this lab account")
	}
	if err := s.setBilling(ctx, o, in.Body.BillingType, f.account.Profile); err != nil {
		return nil, err
	}
	if err := s.checkSampleIDUnused(ctx, o.TeamID, o.SampleID); err != nil {
		return nil, err
	}
	if err := s.storeCombinedTest(ctx, o.TeamID, f.test); err != nil {
		return nil, err
	}
	out, err := s.createAndStartOrder(ctx, o, f, "order imported")
	if errors.Is(err, store.ErrConflict) {
		return nil, sampleIDTakenError()
	}
	if err == nil {
		s.rememberPhysician(ctx, o.Physician)
	}
	return out, err
}

// checkSampleIDUnused refuses the sample id of another order of the team. For two imports at the same time a unique
// index does the same.
func (s *server) checkSampleIDUnused(ctx context.Context, teamID, sampleID string) error {
	_, err := s.Store.OrderIDByExactSample(ctx, teamID, sampleID)
	switch {
	case err == nil:
		return sampleIDTakenError()
	case errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}

func sampleIDTakenError() *Error {
	return validationError(newProblem("value_error", "There is an order with this sample id", "body.sample_id"))
}

func (a *PatientAddressOfImport) toOrderAddress() *order.Address {
	return &order.Address{
		ReceiverName: a.ReceiverName, FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City,
		State: normaliseState(a.State), Zip: a.Zip, Country: a.Country, AccessNotes: a.AccessNotes,
	}
}

// recordDrawCompleted records that the sample of an on-site order has been drawn.
func (s *server) recordDrawCompleted(ctx context.Context, in *OrderPath) (*body[PostOrderResponse], error) {
	o, _, err := s.submitDemand(ctx, callerOf(ctx).team.ID, in.OrderID,
		order.Demand{Kind: order.DemandDrawCompleted, By: lifecycle.Client}, nil)
	return answerOrder(o, "order updated", err)
}
