package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// CreateRegistrableTestkitOrderRequest is the body of POST /v3/order/testkit: a kit is sent out before anyone knows who will use it.
type CreateRegistrableTestkitOrderRequest struct {
	UserID          string                        `json:"user_id" format:"uuid" doc:"The patient, or a user that stands for a stock of kits."`
	LabTestID       string                        `json:"lab_test_id" format:"uuid" doc:"A test that is collected by testkit."`
	ShippingDetails ShippingAddressWithValidation `json:"shipping_details"`
	Passthrough     *string                       `json:"passthrough,omitempty"`
	LabAccountID    *string                       `json:"lab_account_id,omitempty" format:"uuid"`
}

// ShippingAddressWithValidation is where an unregistered kit is sent.
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
		OperationID: "create-testkit-order", Method: http.MethodPost, Path: "/v3/order/testkit", Tags: []string{tagOrders},
		Summary: "Send out a kit that is registered later", Errors: []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.createTestkit)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "register-testkit", Method: http.MethodPost, Path: "/v3/order/testkit/register", Tags: []string{tagOrders},
		Summary: "Say whose a kit is",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable},
	}, s.registerTestkit)
}

func (s *server) createTestkit(ctx context.Context, in *createTestkitInput) (*body[PostOrderResponse], error) {
	c := callerOf(ctx)
	method := methodTestkit
	f, err := s.resolveSelection(ctx, selectionRequest{
		userID: in.Body.UserID, labTestID: &in.Body.LabTestID, method: &method, account: in.Body.LabAccountID, mustBeRegistrable: true,
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
	return s.createAndStartOrder(ctx, o, f.policy, "order created")
}

func (a *ShippingAddressWithValidation) toShippingAddress() *order.ShippingAddress {
	return &order.ShippingAddress{
		ReceiverName: a.ReceiverName, FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City, State: normaliseState(a.State),
		Zip: a.Zip, Country: a.Country, Phone: normalisePhone(a.PhoneNumber),
	}
}
