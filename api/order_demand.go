package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// UpdateOrderBody is the body of PATCH /v3/order/{order_id}. activate_by is required; null clears the date.
type UpdateOrderBody struct {
	ActivateBy *string `json:"activate_by" format:"date" doc:"Today or later; null to process the order now."`
}

type updateOrderInput struct {
	OrderPath
	Body UpdateOrderBody
}

// cancelOrder cancels an order as the client, also when the caller's role is operations.
func (s *server) cancelOrder(ctx context.Context, in *OrderPath) (*body[PostOrderResponse], error) {
	d := order.Demand{Kind: order.DemandCancel, By: lifecycle.Client}
	o, _, err := s.submitDemand(ctx, callerOf(ctx).team.ID, in.OrderID, d, nil)
	return answerOrder(o, "order cancelled", err)
}

func (s *server) updateOrder(ctx context.Context, in *updateOrderInput) (*body[PostOrderResponse], error) {
	d := order.Demand{Kind: order.DemandActivate, By: lifecycle.Client}
	if day := parseValidDate(in.Body.ActivateBy); day != nil {
		if day.Before(callerOf(ctx).today) {
			return nil, badRequest(refusalTexts[order.ReasonDateInThePast])
		}
		d.ActivateBy, d.ActivateAt = day.String(), day.Start(s.TimeZone)
	}
	o, _, err := s.submitDemand(ctx, callerOf(ctx).team.ID, in.OrderID, d, nil)
	return answerOrder(o, "order updated", err)
}

// answerOrder returns the answer with an order, or err.
func answerOrder(o *order.Order, message string, err error) (*body[PostOrderResponse], error) {
	if err != nil {
		return nil, err
	}
	return newAnswer(PostOrderResponse{Order: junction.FromOrder(*o), Status: statusSuccess, Message: message}), nil
}

// submitDemand sends a demand to an order's workflow and returns the order after it, and the workflow's answer. It
// refuses at once, without the workflow, what the stored state does not allow. Otherwise the workflow decides, and its
// answer comes after the change is recorded. sealed is stored encrypted as the demand's body. A demand with an id may
// have been submitted before, by a process that ended before it answered; submitDemand then resumes it.
func (s *server) submitDemand(ctx context.Context, teamID, id string, d order.Demand,
	sealed []byte) (*order.Order, order.DemandAnswer, error) {
	o, err := s.Store.Order(ctx, teamID, canonicalUUID(id))
	if err != nil {
		return nil, order.DemandAnswer{}, mapNotFound(err, "Order")
	}
	if d.ID == "" {
		d.ID = newID()
	} else if earlier, err := s.Store.Demand(ctx, d.ID); err == nil {
		return s.resumeDemand(ctx, o, d, earlier)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, order.DemandAnswer{}, err
	}
	if reason := o.State.CheckDemand(d, s.now()); reason != "" {
		s.appendChangeAudit(ctx, "order."+string(d.Kind)+".refused", o.TeamID, o.ID, "reason="+string(reason))
		return nil, order.DemandAnswer{}, s.demandRefusal(ctx, o, d.Kind, o.Status, reason)
	}
	if err := s.Store.AddDemand(ctx, store.DemandRow{ID: d.ID, OrderID: o.ID, Kind: d.Kind, By: d.By, Request: d,
		Body: sealed}); err != nil {
		return nil, order.DemandAnswer{}, err
	}
	a, err := s.askWorkflow(ctx, o, d)
	if err != nil {
		return nil, a, err
	}
	after, err := s.Store.Order(ctx, teamID, o.ID)
	return after, a, err
}

// resumeDemand returns the recorded outcome of a demand that was submitted before. If it has none, resumeDemand sends
// the demand to the workflow again.
func (s *server) resumeDemand(ctx context.Context, o *order.Order, d order.Demand,
	earlier store.DemandRow) (*order.Order, order.DemandAnswer, error) {
	switch earlier.State {
	case store.DemandRefused:
		return nil, order.DemandAnswer{}, s.demandRefusal(ctx, o, d.Kind, o.Status, earlier.Reason)
	case store.DemandDone:
		return o, order.DemandAnswer{Done: true}, nil
	}
	a, err := s.askWorkflow(ctx, o, d)
	if err != nil {
		return nil, a, err
	}
	after, err := s.Store.Order(ctx, o.TeamID, o.ID)
	return after, a, err
}

// askWorkflow sends a demand to the order's workflow, waits for the answer, and adds it to the audit. It turns a
// refusal and a missing answer into an error for the client.
func (s *server) askWorkflow(ctx context.Context, o *order.Order, d order.Demand) (order.DemandAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, demandTimeout)
	defer cancel()
	action, detail := "order."+string(d.Kind), "demand="+d.ID
	a, err := s.Workflows.Demand(ctx, o.ID, d)
	var away interface{ Unavailable() bool }
	switch {
	case errors.As(err, &away) && away.Unavailable(), errors.Is(err, context.DeadlineExceeded):
		s.appendChangeAudit(ctx, action+".unanswered", o.TeamID, o.ID, detail)
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "an order's workflow does not answer",
			slog.String("order_id", o.ID), slog.String("demand_id", d.ID), slog.Any("error", err))
		return a, unavailableError("Orders cannot be changed at the moment. Read the order before you try again")
	case err != nil:
		return a, err
	case a.Unanswered:
		s.appendChangeAudit(ctx, action+".unanswered", o.TeamID, o.ID, detail)
		return a, unavailableError("The lab has not answered yet, and the request to it is repeated. " +
			"Read the order later to see the outcome")
	case !a.Done:
		s.appendChangeAudit(ctx, action+".refused", o.TeamID, o.ID, detail+" reason="+string(a.Reason))
		from := a.FromStatus
		if from == "" {
			from = o.Status
		}
		return a, s.demandRefusal(ctx, o, d.Kind, from, a.Reason)
	}
	s.appendChangeAudit(ctx, action, o.TeamID, o.ID, detail)
	return a, nil
}

// refusalTexts are the texts of refusals, by reason. Where a reason has none, the text names the transition that the
// order does not allow.
var refusalTexts = map[order.Reason]string{
	order.ReasonNotScheduled:       "The order was created without activate_by",
	order.ReasonAlreadyActivated:   "The order is being processed already",
	order.ReasonDateInThePast:      "activate_by is in the past",
	order.ReasonNotPlaceable:       "The order's requisition has not been refused and is not waiting for an answer",
	order.ReasonNotBlocked:         "The order is not blocked at the lab",
	order.ReasonNotReplaceable:     "The order has not failed, so there is nothing to replace",
	order.ReasonAlreadyReplaced:    "The order has been replaced already",
	order.ReasonReplacementLimit:   "The order transaction has reached its limit of replacements",
	order.ReasonLabRefused:         "The lab does not do this any more",
	order.ReasonNoSuchAttention:    "The order has no such open attention mark",
	order.ReasonNotForThisMethod:   "The order's collection method does not have this",
	order.ReasonAlreadyRegistered:  "The kit is registered already",
	order.ReasonNoRequisition:      "The order has no requisition yet, and this team books appointments only after it",
	order.ReasonAlreadyBooked:      "The order has an appointment already; reschedule or cancel it",
	order.ReasonNoAppointment:      "The order has no appointment that could still be changed",
	order.ReasonNotReschedulable:   "The appointment cannot be rescheduled, or not to this slot",
	order.ReasonBookingUnderWay:    "Another change of the appointment is under way",
	order.ReasonSlotGone:           "The slot is not available any more; ask for the availability again",
	order.ReasonBeforeActivation:   "The appointment starts before the order's activate_by",
	order.ReasonProviderUnanswered: "The provider did not confirm the appointment in time; it is not booked",
	order.ReasonNoSuchResult:       "The order has no results that are held back",
	order.ReasonRecordingFailed:    "The order could not be changed because of a fault in this service",
}

// demandTargets are the statuses that demands ask for, by kind.
var demandTargets = map[order.DemandKind]lifecycle.LowStatus{
	order.DemandCancel:                lifecycle.Cancelled,
	order.DemandDoNotProcess:          lifecycle.DoNotProcess,
	order.DemandRecover:               order.FactKitReceived.Status(),
	order.DemandRegister:              lifecycle.Registered,
	order.DemandDrawCompleted:         lifecycle.DrawCompleted,
	order.DemandBookAppointment:       statusFollowing(lifecycle.AppointmentStatusConfirmed),
	order.DemandRequestAppointment:    statusFollowing(lifecycle.AppointmentStatusPending),
	order.DemandRescheduleAppointment: statusFollowing(lifecycle.AppointmentStatusConfirmed),
	order.DemandCancelAppointment:     statusFollowing(lifecycle.AppointmentStatusCancelled),
}

// statusFollowing returns the status that an order has while its appointment has the given status.
func statusFollowing(a lifecycle.AppointmentStatus) lifecycle.LowStatus {
	low, _ := lifecycle.Following(a)
	return low
}

// refusal returns the answer to a demand that the order does not allow. For a cancellation it has the keys of both
// shapes that the original API documents.
func refusal(o *order.Order, kind order.DemandKind, from lifecycle.LowStatus, reason order.Reason,
	environment string) *Error {
	text, known := refusalTexts[reason]
	if !known {
		text = transitionText(o.Modality, kind, from)
	}
	e := newError(refusalStatus(reason, environment), text)
	if kind == order.DemandCancel {
		e.Name, e.Message, e.StatusCode = http.StatusText(e.status), text, e.status
	}
	return e
}

// refusalStatus returns the HTTP status of a refusal. client-api#11-appointments has two exceptions from 400: a slot
// that is no longer available is 404 in production, and a booking that the provider did not confirm is 500.
func refusalStatus(reason order.Reason, environment string) int {
	switch {
	case reason == order.ReasonSlotGone && environment == store.Production:
		return http.StatusNotFound
	case reason == order.ReasonProviderUnanswered, reason == order.ReasonRecordingFailed:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// transitionText returns a text that names the transition which a demand asked for and the order's status does not
// allow.
func transitionText(m lifecycle.Modality, kind order.DemandKind, from lifecycle.LowStatus) string {
	current := lifecycle.MustFullStatus(m, from)
	target, ok := demandTargets[kind]
	if !ok {
		return "The order cannot be changed in status " + string(current)
	}
	to, ok := lifecycle.FullStatus(m, target)
	if !ok {
		to = lifecycle.Status(target)
	}
	return (&lifecycle.RefusedError{From: current, To: to}).Error()
}
