package neutraltest

import (
	"fmt"
	"net/http"
)

func (p *Partner) place(r *http.Request, body map[string]any) (int, any) {
	number := r.PathValue("number")
	if o := p.orders[number]; o != nil {
		return http.StatusOK, map[string]any{"accession": o.kit, "kit_id": o.kit}
	}
	tests, _ := body["tests"].([]any)
	for _, test := range tests {
		if t, ok := test.(map[string]any); ok && t["code"] == UnknownTest {
			return http.StatusUnprocessableEntity, problem("unknown_test")
		}
	}
	if body["patient"] == nil && body["registrable"] != true {
		return http.StatusUnprocessableEntity, problem("invalid_order")
	}
	o := &kept{
		kit: fmt.Sprintf("N-%06d", len(p.orders)+1), registered: body["patient"] != nil, appointments: map[string]map[string]any{},
	}
	p.orders[number] = o
	return http.StatusCreated, map[string]any{"accession": o.kit, "kit_id": o.kit}
}

func (p *Partner) register(r *http.Request, body map[string]any) (int, any) {
	o := p.orders[r.PathValue("number")]
	switch {
	case o == nil:
		return http.StatusNotFound, problem("unknown_order")
	case body["patient"] == nil:
		return http.StatusUnprocessableEntity, problem("invalid_order")
	}
	status := http.StatusOK
	if !o.registered {
		status = http.StatusCreated
	}
	o.registered = true
	return status, map[string]any{"accession": o.kit}
}

func (p *Partner) cancel(r *http.Request, _ map[string]any) (int, any) {
	o := p.orders[r.PathValue("number")]
	if o == nil {
		return http.StatusNotFound, problem("unknown_order")
	}
	if len(o.facts) > 0 {
		return http.StatusConflict, problem("not_cancellable")
	}
	o.cancelled = true
	return http.StatusOK, map[string]any{}
}

func (p *Partner) results(r *http.Request, _ map[string]any) (int, any) {
	o := p.orders[r.PathValue("number")]
	if o == nil || o.report == nil {
		return http.StatusNotFound, problem("no_results")
	}
	return http.StatusOK, o.report
}

func (p *Partner) facts(r *http.Request, _ map[string]any) (int, any) {
	o := p.orders[r.PathValue("number")]
	if o == nil {
		return http.StatusNotFound, problem("unknown_order")
	}
	return http.StatusOK, map[string]any{"facts": o.facts}
}
