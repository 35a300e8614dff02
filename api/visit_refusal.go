package api

import (
	"context"
	"log/slog"
	"strings"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// refusedByProviderTexts say what a provider of appointments refused, by the demand.
var refusedByProviderTexts = map[order.DemandKind]string{
	order.DemandBookAppointment:       "The provider refused to book the appointment",
	order.DemandRequestAppointment:    "The provider refused the request for an appointment",
	order.DemandRescheduleAppointment: "The provider refused to reschedule the appointment",
	order.DemandCancelAppointment:     "The provider refused to cancel the appointment",
}

// refusalCodeTexts say why a provider refused, by the outcome of the call. Other outcomes are a provider's own words,
// which clients do not see.
var refusalCodeTexts = map[string]string{
	"refused:outside_service_area": "it does not serve this address or site",
	"refused:invalid_order":        "it does not accept the data of the order or of the slot",
	"refused:invalid_requisition":  "it does not accept the data of the order or of the slot",
	"refused:unknown_test":         "it does not know a test of the order",
	"refused:unknown_order":        "it does not know the order or the appointment",
	"refused:not_reschedulable":    "this appointment cannot be rescheduled",
	"refused:not_cancellable":      "this appointment cannot be cancelled",
	"not_supported":                "it does not offer this",
}

// demandRefusal returns the answer to a demand that was refused. What a provider refused about an appointment, and why,
// is in its answer to the call.
func (s *server) demandRefusal(ctx context.Context, o *order.Order, kind order.DemandKind, from lifecycle.LowStatus,
	reason order.Reason) *Error {
	e := refusal(o, kind, from, reason, callerOf(ctx).team.Environment)
	text := refusedByProviderTexts[kind]
	if reason != order.ReasonLabRefused || text == "" {
		return e
	}
	outcome, err := s.Store.NewestCallOutcome(ctx, o.ID, string(kind))
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the outcome of a refused call cannot be read",
			slog.String("order_id", o.ID), slog.Any("error", err))
	}
	if why := refusalCodeTexts[outcome]; why != "" {
		text = strings.Join([]string{text, why}, ": ")
	}
	return newError(e.status, text)
}
