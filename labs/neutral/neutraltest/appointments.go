package neutraltest

import (
	"net/http"
	"time"
)

func (p *Partner) handleAvailability(*http.Request, map[string]any) (int, any) {
	day := func(key string) map[string]any {
		return map[string]any{"date": freeSlots[key].Format(time.DateOnly), "site": nil, "slots": []any{map[string]any{
			"key": key, "start": freeSlots[key], "end": freeSlots[key].Add(time.Hour), "expires_at": nil, "price_cents": 9900,
			"priority": false, "available": 1,
		}}}
	}
	return http.StatusOK, map[string]any{"timezone": "America/Phoenix", "days": []any{day(FirstSlot), day(SecondSlot)}}
}

func (p *Partner) handleBook(r *http.Request, body map[string]any) (int, any) {
	o, id := p.orders[r.PathValue("number")], r.PathValue("id")
	if o == nil {
		return http.StatusNotFound, errorBody("unknown_order")
	}
	if a := o.appointments[id]; a != nil {
		return http.StatusOK, a
	}
	a := map[string]any{"id": id, "reference": "R-" + id[:8], "provider": "getlabs", "site": nil,
		"address": body["address"]}
	if key, ok := body["slot"].(string); !ok {
		a["status"], a["start"], a["end"], a["timezone"], a["can_reschedule"] = "pending", nil, nil, nil, false
	} else if !assignSlot(a, key) {
		return http.StatusConflict, errorBody("slot_gone")
	}
	o.appointments[id] = a
	return http.StatusCreated, a
}

// assignSlot sets an appointment's slot and times. It returns false if the slot is not free.
func assignSlot(a map[string]any, key string) bool {
	start, ok := freeSlots[key]
	if ok {
		a["status"], a["confirmation"], a["can_reschedule"] = "confirmed", "C-1", true
		a["start"], a["end"], a["timezone"] = start, start.Add(time.Hour), "America/Phoenix"
	}
	return ok
}

func (p *Partner) handleReschedule(r *http.Request, body map[string]any) (int, any) {
	a := p.findAppointment(r)
	switch {
	case a == nil:
		return http.StatusNotFound, errorBody("unknown_order")
	case a["status"] != "confirmed":
		return http.StatusConflict, errorBody("not_reschedulable")
	}
	if key, _ := body["slot"].(string); !assignSlot(a, key) {
		return http.StatusConflict, errorBody("slot_gone")
	}
	return http.StatusOK, a
}

func (p *Partner) handleCancelAppointment(r *http.Request, _ map[string]any) (int, any) {
	a := p.findAppointment(r)
	if a == nil {
		return http.StatusOK, map[string]any{}
	}
	a["status"], a["can_reschedule"] = "cancelled", false
	return http.StatusOK, a
}

func (p *Partner) findAppointment(r *http.Request) map[string]any {
	if o := p.orders[r.PathValue("number")]; o != nil {
		return o.appointments[r.PathValue("id")]
	}
	return nil
}
