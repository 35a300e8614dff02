package neutraltest

import (
	"fmt"
	"net/http"
)

func (p *Partner) handlePlace(r *http.Request, body map[string]any) (int, any) {
	number := r.PathValue("number")
	if o := p.orders[number]; o != nil {
		return http.StatusOK, map[string]any{"accession": o.kitID, "kit_id": o.kitID}
	}
	tests, _ := body["tests"].([]any)
	for _, test := range tests {
		if t, ok := test.(map[string]any); ok && t["code"] == UnknownTest {
			return http.StatusUnprocessableEntity, errorBody("unknown_test")
		}
	}
	if body["patient"] == nil && body["registrable"] != true {
		return http.StatusUnprocessableEntity, errorBody("invalid_order")
	}
	o := &orderRecord{
		kitID: fmt.Sprintf("N-%06d", len(p.orders)+1), registered: body["patient"] != nil,
		appointments: map[string]map[string]any{},
	}
	p.orders[number] = o
	return http.StatusCreated, map[string]any{"accession": o.kitID, "kit_id": o.kitID}
}

func (p *Partner) handleRegister(r *http.Request, body map[string]any) (int, any) {
	o := p.orders[r.PathValue("number")]
	switch {
	case o == nil:
		return http.StatusNotFound, errorBody("unknown_order")
	case body["patient"] == nil:
		return http.StatusUnprocessableEntity, errorBody("invalid_order")
	}
	status := http.StatusOK
	if !o.registered {
		status = http.StatusCreated
	}
	o.registered = true
	return status, map[string]any{"accession": o.kitID}
}

func (p *Partner) handleCancel(r *http.Request, _ map[string]any) (int, any) {
	o := p.orders[r.PathValue("number")]
	if o == nil {
		return http.StatusNotFound, errorBody("unknown_order")
	}
	if len(o.facts) > 0 {
		return http.StatusConflict, errorBody("not_cancellable")
	}
	o.cancelled = true
	return http.StatusOK, map[string]any{}
}

func (p *Partner) handleResults(r *http.Request, _ map[string]any) (int, any) {
	o := p.orders[r.PathValue("number")]
	if o == nil || o.report == nil {
		return http.StatusNotFound, errorBody("no_results")
	}
	return http.StatusOK, o.report
}

func (p *Partner) handleFacts(r *http.Request, _ map[string]any) (int, any) {
	o := p.orders[r.PathValue("number")]
	if o == nil {
		return http.StatusNotFound, errorBody("unknown_order")
	}
	return http.StatusOK, map[string]any{"facts": o.facts}
}
