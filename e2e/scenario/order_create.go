package scenario

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"
)

// How orders begin. The patient lives where the simulated phlebotomists work (client-api#11-appointments).

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

// tomorrow is a date on which an order is not active yet.
func tomorrow() string { return time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly) }

// labTest is the lab test of a method, with a policy of its own where a pace is given.
func (s *System) labTest(method, policy string) string {
	if policy != "" {
		method += "/" + policy
	}
	return s.LabTests[method]
}

// PlaceOrder orders for a known patient. More keys are laid over the request's.
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

// PlaceKit orders a kit that is registered later. script is what the simulated partner is to do.
func (s *System) PlaceKit(ctx context.Context, pace, script string) (*Order, error) {
	to := address()
	to["phone_number"] = "+16025550142"
	return s.createOrder(ctx, Testkit, "/v3/order/testkit", map[string]any{
		"user_id": s.UserID, "lab_test_id": s.labTest(Testkit, pace), "shipping_details": to,
		"passthrough": "sandbox:" + script,
	})
}

// PlaceAtPartner makes a requisition at the partner, as somebody else would, under a number of theirs. script is what the simulated partner
// is to do.
func (s *System) PlaceAtPartner(ctx context.Context, number, method, script string) error {
	err := s.callPartner(ctx, http.MethodPut, "/orders/"+number, map[string]any{
		"number": number, "collection_method": method, "patient": patient(), "address": address(),
		"tests": []map[string]any{{"code": "101", "name": "Lipids"}}, "script": script,
	})
	if err != nil {
		return fmt.Errorf("making a requisition at the partner: %w", err)
	}
	return nil
}

// ImportOrder makes a requisition elsewhere and imports it.
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
