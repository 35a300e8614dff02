package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
)

func patientBody() map[string]any {
	return map[string]any{
		"first_name": "Ines", "last_name": "Okafor", "dob": "1988-11-30", "gender": "female",
		"phone_number": "+16025550142", "email": "ines@example.org",
	}
}

func addressBody() map[string]any {
	return map[string]any{
		"receiver_name": "Ines Okafor", "first_line": "77 West Lincoln Street", "city": "Phoenix", "state": "AZ",
		"zip": "85004", "country": "US",
	}
}

// orderBody is the request body that creates an order of the plan.
func orderBody(s *scenario.System, k OrderPlan) map[string]any {
	if k.Kit {
		to := addressBody()
		to["phone_number"] = "+16025550142"
		return map[string]any{
			"user_id": s.UserID, "lab_test_id": s.LabTests[k.LabTest], "shipping_details": to,
			"passthrough": "sandbox:" + k.Script,
		}
	}
	body := map[string]any{
		"user_id": s.UserID, "order_set": map[string]any{"lab_test_ids": []string{s.LabTests[k.LabTest]}},
		"patient_details": patientBody(), "patient_address": addressBody(), "passthrough": "sandbox:" + k.Script,
	}
	if k.Scheduled {
		body["activate_by"] = time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly)
	}
	return body
}

// importBody is the request body that imports a requisition.
func importBody(s *scenario.System, k OrderPlan, number string) map[string]any {
	return map[string]any{
		"user_id": s.UserID, "billing_type": "client_bill",
		"order_set":         map[string]any{"lab_test_ids": []string{s.LabTests[k.LabTest]}},
		"collection_method": k.LabTest, "patient_details": patientBody(), "patient_address": addressBody(),
		"sample_id": number,
	}
}

// request is a request about an order.
type request struct {
	method, path, key string
	idempotencyKey    string // empty: the route takes none
	body              any
}

// requestFor returns the request for an action. Each try to book has its own idempotency key and another slot.
func (c *Callers) requestFor(ctx context.Context, k OrderPlan, id, sample string, do Action, try int) (request, error) {
	s := c.system
	switch do {
	case Cancel:
		return request{method: http.MethodPost, path: "/v3/order/" + id + "/cancel", key: s.Key}, nil
	case Activate:
		return request{method: http.MethodPatch, path: "/v3/order/" + id, key: s.Key,
			body: map[string]any{"activate_by": nil}}, nil
	case Register:
		return request{method: http.MethodPost, path: "/v3/order/testkit/register", key: s.Key, body: map[string]any{
			"sample_id": sample, "patient_details": patientBody(), "patient_address": addressBody(),
		}}, nil
	case RequestVisit:
		// In this area phlebotomists set the time (client-api#11-appointments).
		to := map[string]any{"first_line": "77 West Lincoln Street", "city": "Onalaska", "state": "WI", "zip_code": "54650"}
		return request{method: http.MethodPost, path: "/v3/order/" + id + "/phlebotomy/appointment/request", key: s.Key,
			body: map[string]any{
				"address": to, "provider": "phlebfinders",
			}}, nil
	case Book, BookAndWait:
		slot, err := c.nextSlot(ctx)
		return request{
			method: http.MethodPost, path: "/v3/order/" + id + "/psc/appointment/book", key: s.Key,
			idempotencyKey: fmt.Sprintf("%s-%d", id, try),
			body: map[string]any{
				"booking_key": slot, "async_confirmation": do == Book, "sync_confirmation_timeout_millisecond": 1000,
			},
		}, err
	case CompleteDraw:
		return request{method: http.MethodPatch, path: "/v3/order/" + id + "/draw_completed", key: s.Key}, nil
	case DoNotProcess:
		return request{
			method: http.MethodPost, path: "/ops/orders/" + id + "/do-not-process", key: s.OperationsKey,
			body: map[string]any{"reason": "patient_withdrew"},
		}, nil
	case Replace:
		return request{method: http.MethodPost, path: "/ops/orders/" + id + "/replace", key: s.OperationsKey}, nil
	}
	panic("chaos: " + k.Name + ": unknown action " + string(do))
}

// slots hands out the bookable times of patient service centers, each time once.
type slots struct {
	mu       sync.Mutex
	free     []string // booking keys
	searches int
}

// The zip codes of the simulated patient service centers, and the days from today at which callers search. A response
// covers two weeks.
var (
	pscZips       = []string{"85004", "10038", "90012", "77002", "98405"}
	searchOffsets = []int{2, 16, 30, 44}
)

// nextSlot returns the booking key of a free slot.
func (c *Callers) nextSlot(ctx context.Context) (string, error) {
	c.slots.mu.Lock()
	defer c.slots.mu.Unlock()
	for len(c.slots.free) == 0 {
		n := c.slots.searches
		if n == len(pscZips)*len(searchOffsets) {
			return "", errors.New("no patient service center has a free slot")
		}
		from := time.Now().UTC().AddDate(0, 0, searchOffsets[n/len(pscZips)]).Format(time.DateOnly)
		var err error
		if c.slots.free, err = c.freeSlots(ctx, pscZips[n%len(pscZips)], from); err != nil {
			return "", err
		}
		c.slots.searches++
	}
	key := c.slots.free[0]
	c.slots.free = c.slots.free[1:]
	return key, nil
}

// freeSlots lists the booking keys of free slots near a zip code from a date on.
func (c *Callers) freeSlots(ctx context.Context, zip, from string) ([]string, error) {
	var answered scenario.Availability
	path := fmt.Sprintf("/v3/order/psc/appointment/availability?lab=quest&zip_code=%s&start_date=%s", zip, from)
	err := c.retry(ctx, func() (bool, error) {
		err := c.call(ctx, http.MethodPost, path, "", c.system.Key, nil, &answered)
		return err == nil, err
	})
	return answered.Keys(), err
}
