package scenario

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// What the partner does. The tests use its control endpoints (docs/sandbox.md). The partner sends each fact immediately
// by its protocol, and again where it is answered 503, as labs do.

// SendFact has the partner send a fact of the kind. data are the parameters of the fact.
func (o *Order) SendFact(ctx context.Context, kind string, data map[string]any) error {
	body := map[string]any{"type": kind, "repeat": true}
	maps.Copy(body, data)
	var sent struct {
		Status int `json:"status"`
	}
	if err := o.system.callLab(ctx, http.MethodPost, "/sandbox/orders/"+o.Number+"/facts", body, &sent); err != nil {
		return err
	}
	if sent.Status/100 != 2 {
		return fmt.Errorf("order %s: %s got status %d", o.ID, kind, sent.Status)
	}
	return nil
}

// SendTransit has the partner report the kit's transit status as a courier would.
func (o *Order) SendTransit(ctx context.Context, status string) error {
	leg := "outbound"
	if strings.HasSuffix(status, "lab") {
		leg = "inbound"
	}
	return o.SendFact(ctx, "transit", map[string]any{"leg": leg, "status": status})
}

// SendRejection has the lab reject the kit or the sample, recoverable or not.
func (o *Order) SendRejection(ctx context.Context, recoverable bool) error {
	reason := "Hemolyzation"
	if recoverable {
		reason = "Missing collection date"
	}
	return o.SendFact(ctx, "sample_rejected", map[string]any{"recoverable": recoverable, "reason": reason})
}

// The statuses and interpretations of lab reports.
const (
	Partial = "partial"
	Final   = "final"
)

// PublishReport publishes a new report at the lab and sends its announcement. failure is the reason why the last marker
// has no result; empty: all markers have one.
func (o *Order) PublishReport(ctx context.Context, status, interpretation, failure string) error {
	o.reportCount++
	value := float64(120 + o.reportCount)
	body := map[string]any{"status": status, "results": []map[string]any{{
		"code": "1010", "name": "Total Cholesterol", "loinc": "2093-3", "type": "numeric", "result": fmt.Sprint(value),
		"value": value,
		"unit":  "mg/dL", "reference_range": "100-199", "min": 100, "max": 199, "interpretation": interpretation,
	}}, "interpretation": interpretation}
	if failure != "" {
		body["missing"] = []map[string]any{{"code": "1011", "name": "HDL Cholesterol", "loinc": "2085-9", "failure": failure}}
	}
	if err := o.system.callLab(ctx, http.MethodPut, "/sandbox/orders/"+o.Number+"/results", body, nil); err != nil {
		return err
	}
	return o.SendFact(ctx, "report_ready", nil)
}

// SetCallBehaviour sets how the partner responds to calls about the order.
func (o *Order) SetCallBehaviour(ctx context.Context, behaviour map[string]any) error {
	body := map[string]any{"steps": []any{}}
	maps.Copy(body, behaviour)
	return o.system.callLab(ctx, http.MethodPut, "/sandbox/orders/"+o.Number+"/script", body, nil)
}

// ChangeAppointment has the provider change the order's current appointment to a new status.
func (o *Order) ChangeAppointment(ctx context.Context, status string) error {
	var done struct {
		Status int `json:"status"`
	}
	err := o.system.callLab(ctx, http.MethodPost, "/sandbox/orders/"+o.Number+"/appointments/active",
		map[string]any{"status": status, "repeat": true}, &done)
	if err == nil && done.Status/100 != 2 {
		err = fmt.Errorf("order %s: the appointment's %s got status %d", o.ID, status, done.Status)
	}
	return err
}
