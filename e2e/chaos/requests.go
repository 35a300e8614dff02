package chaos

import (
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/e2e/drive"
)

func patient() map[string]any {
	return map[string]any{
		"first_name": "Ines", "last_name": "Okafor", "dob": "1988-11-30", "gender": "female",
		"phone_number": "+16025550142", "email": "ines@example.org",
	}
}

func address() map[string]any {
	return map[string]any{
		"receiver_name": "Ines Okafor", "first_line": "77 West Lincoln Street", "city": "Phoenix", "state": "AZ", "zip": "85004", "country": "US",
	}
}

// order is the request for an order of a kind.
func order(s *drive.System, k Kind) map[string]any {
	if k.Kit {
		to := address()
		to["phone_number"] = "+16025550142"
		return map[string]any{
			"user_id": s.UserID, "lab_test_id": s.Tests[k.Test], "shipping_details": to, "passthrough": "sandbox:" + k.Script,
		}
	}
	body := map[string]any{
		"user_id": s.UserID, "order_set": map[string]any{"lab_test_ids": []string{s.Tests[k.Test]}},
		"patient_details": patient(), "patient_address": address(), "passthrough": "sandbox:" + k.Script,
	}
	if k.Scheduled {
		body["activate_by"] = time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly)
	}
	return body
}

// request is one about an order.
type request struct {
	method, path, key string
	body              any
}

// deed is the request that a caller makes about an order.
func deed(s *drive.System, k Kind, id, sample string, do Deed) request {
	switch do {
	case Cancel:
		return request{http.MethodPost, "/v3/order/" + id + "/cancel", s.Key, nil}
	case Activate:
		return request{http.MethodPatch, "/v3/order/" + id, s.Key, map[string]any{"activate_by": nil}}
	case Register:
		return request{http.MethodPost, "/v3/order/testkit/register", s.Key, map[string]any{
			"sample_id": sample, "patient_details": patient(), "patient_address": address(),
		}}
	case Request:
		// Where phlebotomists set the time (client API contract, section 11).
		to := map[string]any{"first_line": "77 West Lincoln Street", "city": "Onalaska", "state": "WI", "zip_code": "54650"}
		return request{http.MethodPost, "/v3/order/" + id + "/phlebotomy/appointment/request", s.Key, map[string]any{
			"address": to, "provider": "phlebfinders",
		}}
	case Draw:
		return request{http.MethodPatch, "/v3/order/" + id + "/draw_completed", s.Key, nil}
	case Stop:
		return request{http.MethodPost, "/ops/orders/" + id + "/do-not-process", s.OperationsKey, map[string]any{"reason": "patient_withdrew"}}
	}
	panic("chaos: " + k.Name + ": there is no deed " + string(do))
}
