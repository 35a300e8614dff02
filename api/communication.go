package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// CommunicationSettings say how the patient of an order may be written to. Aliquot itself writes to no patient: what sends messages
// for a deployment asks here.
type CommunicationSettings struct {
	OrderID    string `json:"order_id" format:"uuid"`
	SMSEnabled bool   `json:"sms_enabled"`
}

type communicationInput struct {
	OrderPath
	Body struct {
		SMSEnabled bool `json:"sms_enabled"`
	}
}

func (s *server) communicationRoutes() {
	op := huma.Operation{
		OperationID: "get-communication-settings", Method: http.MethodGet, Path: "/v3/order/{order_id}/communication_settings",
		Tags: []string{tagOrders}, Summary: "Read how the patient of an order may be written to", Errors: []int{http.StatusNotFound},
	}
	registerOperation(s, scopeOwnRead, op, s.getCommunication)
	op.OperationID, op.Method, op.Summary = "patch-communication-settings", http.MethodPatch, "Say how the patient of an order may be written to"
	registerOperation(s, scopeOwnChange, op, s.patchCommunication)
}

func (s *server) getCommunication(ctx context.Context, in *OrderPath) (*body[CommunicationSettings], error) {
	id := canonicalUUID(in.OrderID)
	enabled, err := s.Store.SMSEnabled(ctx, callerOf(ctx).team.ID, id)
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	return newAnswer(CommunicationSettings{OrderID: id, SMSEnabled: enabled}), nil
}

func (s *server) patchCommunication(ctx context.Context, in *communicationInput) (*body[CommunicationSettings], error) {
	team, id := callerOf(ctx).team.ID, canonicalUUID(in.OrderID)
	if err := s.Store.SetSMSEnabled(ctx, team, id, in.Body.SMSEnabled); err != nil {
		return nil, mapNotFound(err, "Order")
	}
	s.appendChangeAudit(ctx, "order.communication", team, id, "sms="+strconv.FormatBool(in.Body.SMSEnabled))
	return newAnswer(CommunicationSettings{OrderID: id, SMSEnabled: in.Body.SMSEnabled}), nil
}
