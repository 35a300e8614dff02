package scenario

import (
	"context"
	"net/http"
)

// The demands of clients and operations. A refusal by the API is a *RefusedError.

// Cancel cancels the order.
func (o *Order) Cancel(ctx context.Context) error {
	return o.system.callAsClient(ctx, http.MethodPost, "/v3/order/"+o.ID+"/cancel", nil, nil)
}

// Activate clears activate_by, which activates the order.
func (o *Order) Activate(ctx context.Context) error {
	return o.system.callAsClient(ctx, http.MethodPatch, "/v3/order/"+o.ID, map[string]any{"activate_by": nil}, nil)
}

// DrawCompleted reports that the draw of an on-site order is done.
func (o *Order) DrawCompleted(ctx context.Context) error {
	return o.system.callAsClient(ctx, http.MethodPatch, "/v3/order/"+o.ID+"/draw_completed", nil, nil)
}

// Register registers the kit's patient.
func (o *Order) Register(ctx context.Context) error {
	var sample string
	err := poll(ctx, func() (bool, error) {
		v, err := o.Read(ctx)
		if v.SampleID != nil {
			sample = *v.SampleID
		}
		return sample != "", err
	})
	if err != nil {
		return err
	}
	return o.system.callAsClient(ctx, http.MethodPost, "/v3/order/testkit/register", map[string]any{
		"sample_id": sample, "patient_details": patient(), "patient_address": address(),
	}, nil)
}

// DoNotProcess sends operations' demand do-not-process.
func (o *Order) DoNotProcess(ctx context.Context) error {
	return o.demand(ctx, "do-not-process", map[string]any{"reason": "patient_withdrew"})
}

// RetryRequisition places a refused requisition again.
func (o *Order) RetryRequisition(ctx context.Context) error { return o.demand(ctx, "place", nil) }

// RecoverKit reports that the lab has confirmed the recovery of a kit.
func (o *Order) RecoverKit(ctx context.Context) error {
	return o.demand(ctx, "recover", map[string]any{"confirmed_by_lab": true})
}

func (o *Order) demand(ctx context.Context, what string, body any) error {
	return o.system.callAsOperations(ctx, http.MethodPost, "/ops/orders/"+o.ID+"/"+what, body, nil)
}
