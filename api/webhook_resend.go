package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// resendWindow is the longest time range that can be selected (client-api#post-v3orderresend_events).
const resendWindow = 60 * 24 * time.Hour

// ResendWebhookBody selects the orders whose latest webhook message is sent again: by their ids, by a time range in
// which a message was created, or by both.
type ResendWebhookBody struct {
	OrderIDs []string   `json:"order_ids,omitempty" maxLength:"64" maxItems:"1000" doc:"Required without start_at."`
	StartAt  *time.Time `json:"start_at,omitempty" maxLength:"64" doc:"Messages created since then. At most 60 days."`
	EndAt    *time.Time `json:"end_at,omitempty" maxLength:"64" doc:"Messages created before this time. Defaults to now."`
}

// ResendWebhookResponse names the orders whose latest webhook message is sent again.
type ResendWebhookResponse struct {
	OrderIDs []string `json:"order_ids" nullable:"false"`
}

type resendInput struct{ Body ResendWebhookBody }

// Resolve checks what a schema cannot say.
func (in *resendInput) Resolve(huma.Context) []error {
	b, errs := in.Body, []error(nil)
	for i, id := range b.OrderIDs {
		if _, ok := order.ParseID(id); !ok {
			errs = append(errs,
				newProblem("uuid_parsing", "Input should be a valid UUID", fmt.Sprintf("body.order_ids[%d]", i)))
		}
	}
	if len(b.OrderIDs) == 0 && b.StartAt == nil {
		errs = append(errs,
			newProblem("value_error", "At least one of order_ids and start_at is required", "body.order_ids"))
	}
	switch {
	case b.EndAt == nil:
	case b.StartAt == nil:
		errs = append(errs, newProblem("value_error", "Needs start_at", "body.end_at"))
	case !b.EndAt.After(*b.StartAt):
		errs = append(errs, newProblem("value_error", "Value is not after start_at", "body.end_at"))
	}
	return errs
}

func (s *server) resendWebhooks(ctx context.Context, in *resendInput) (*body[ResendWebhookResponse], error) {
	of := store.LatestWebhooksQuery{TeamID: callerOf(ctx).team.ID}
	for _, id := range in.Body.OrderIDs {
		of.OrderIDs = append(of.OrderIDs, canonicalUUID(id))
	}
	if in.Body.StartAt != nil {
		of.Since, of.Until = *in.Body.StartAt, s.now().Add(time.Microsecond)
		if in.Body.EndAt != nil {
			of.Until = *in.Body.EndAt
		}
		if of.Until.Sub(of.Since) > resendWindow {
			return nil, validationError(newProblem("value_error", "The time from start_at to end_at is longer than 60 days",
				"body.start_at"))
		}
	}
	orders, endpoints, err := s.Store.ResendLatestWebhooks(ctx, of)
	if err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "order.resend_events", of.TeamID, "", "")
	s.nudgeEndpoints(ctx, endpoints)
	return newAnswer(ResendWebhookResponse{OrderIDs: append([]string{}, orders...)}), nil
}
