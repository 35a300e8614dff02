package scenario

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"
)

// The ways to create an order. The patient lives in the area of the simulated phlebotomists
// (client-api#11-appointments).

func patient() map[string]any {
	return map[string]any{
		"first_name": "Ines", "last_name": "Okafor", "dob": "1988-11-30", "gender": "female",
		"phone_number": "+16025550142", "email": "ines@example.org",
	}
}

func address() map[string]any {
	return map[string]any{
		"receiver_name": "Ines Okafor", "first_line": "77 West Lincoln Street", "second_line": "Unit 4", "city": "Phoenix",
		"state": "AZ",
		"zip":   "85004", "country": "US",
	}
}

// tomorrow returns the date of tomorrow. An order with it in activate_by is not active yet.
func tomorrow() string { return time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly) }

// labTest returns the lab test of a collection method, with the policy if one is named.
func (s *System) labTest(method, policy string) string {
	if policy != "" {
		method += "/" + policy
	}
	return s.LabTests[method]
}

// PlaceOrder creates an order for a known patient. The keys of more are added to the request or replace its keys.
func (s *System) PlaceOrder(ctx context.Context, method, policy string, more map[string]any) (*Order, error) {
	body := map[string]any{
		"user_id": s.UserID, "order_set": map[string]any{"lab_test_ids": []string{s.labTest(method, policy)}},
		"patient_details": patient(), "patient_address": address(),
	}
	for k, v := range more {
		body[k] = v
	}
	return s.createOrder(ctx, method, "/v3/order", body)
}

// PlaceKit creates a kit that is registered later. script is the script of the simulated partner.
func (s *System) PlaceKit(ctx context.Context, policy, script string) (*Order, error) {
	to := address()
	to["phone_number"] = "+16025550142"
	return s.createOrder(ctx, Testkit, "/v3/order/testkit", map[string]any{
		"user_id": s.UserID, "lab_test_id": s.labTest(Testkit, policy), "shipping_details": to,
		"passthrough": "sandbox:" + script,
	})
}

// PlaceAtPartner creates a requisition at the partner as another system would, under a number of that system. script is
// the script of the simulated partner.
func (s *System) PlaceAtPartner(ctx context.Context, number, method, script string) error {
	err := s.callPartner(ctx, http.MethodPut, "/orders/"+number, map[string]any{
		"number": number, "collection_method": method, "patient": patient(), "address": address(),
		"tests": []map[string]any{{"code": "101", "name": "Lipids"}}, "script": script,
	})
	if err != nil {
		return fmt.Errorf("creating a requisition at the partner: %w", err)
	}
	return nil
}

// ImportOrder creates a requisition at the partner and imports it through the API.
func (s *System) ImportOrder(ctx context.Context, method string) (*Order, error) {
	number := "IMP" + rand.Text()[:13]
	if err := s.PlaceAtPartner(ctx, number, method, "silent"); err != nil {
		return nil, err
	}
	return s.createOrder(ctx, method, "/v3/order/import", map[string]any{
		"user_id": s.UserID, "billing_type": "client_bill",
		"order_set":         map[string]any{"lab_test_ids": []string{s.labTest(method, "")}},
		"collection_method": method, "patient_details": patient(), "patient_address": address(), "sample_id": number,
	})
}

func (s *System) createOrder(ctx context.Context, method, path string, body any) (*Order, error) {
	var created struct {
		Order struct {
			ID string `json:"id"`
		} `json:"order"`
	}
	if err := s.callAsClient(ctx, http.MethodPost, path, body, &created); err != nil {
		return nil, err
	}
	o := &Order{ID: created.Order.ID, Method: method, system: s}
	seen, err := o.inspect(ctx)
	o.Number = seen.Number
	return o, err
}
