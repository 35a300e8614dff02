package api

import (
	"net/http"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// refusalTexts say why something is refused, where it is not for want of a transition.
var refusalTexts = map[order.Reason]string{
	order.ReasonNotScheduled:   "The order was created without activate_by",
	order.ReasonActivated:      "The order is being processed already",
	order.ReasonPastDate:       "activate_by is in the past",
	order.ReasonNotRefused:     "The order's requisition has not been refused and is not waiting for an answer",
	order.ReasonNotBlocked:     "The order is not blocked at the lab",
	order.ReasonNotReplaceable: "The order has not failed, so there is nothing to replace",
	order.ReasonReplaced:       "The order has been replaced already",
	order.ReasonLimit:          "The order transaction has reached its limit of replacements",
	order.ReasonLabRefused:     "The lab does not do this any more",
	order.ReasonNoAttention:    "The order has no such open attention mark",
	order.ReasonNotHere:        "The order's collection method does not have this",
	order.ReasonRegistered:     "The kit is registered already",
	order.ReasonNoRequisition:  "The order has no requisition yet, and this team books appointments after it only",
	order.ReasonBooked:         "The order has an appointment already; reschedule or cancel it",
	order.ReasonNoAppointment:  "The order has no appointment that could still be changed",
	order.ReasonFixed:          "The appointment cannot be rescheduled, or not to this slot",
	order.ReasonBooking:        "Another change of the appointment is under way",
	order.ReasonSlotGone:       "The slot is not available any more; ask for the availability again",
	order.ReasonBeforeActive:   "The appointment starts before the order's activate_by",
	order.ReasonUnanswered:     "The provider did not confirm the appointment in time; it is not booked",
	order.ReasonNoResult:       "The order has no results that are held back",
}

// targets are the statuses that demands ask for.
var targets = map[order.DemandKind]lifecycle.Low{
	order.DemandCancel:            lifecycle.Cancelled,
	order.DemandDoNotProcess:      lifecycle.DoNotProcess,
	order.DemandRecover:           order.KitReceived.Status(),
	order.DemandRegister:          lifecycle.Registered,
	order.DemandDraw:              lifecycle.DrawCompleted,
	order.DemandBook:              following(lifecycle.AppointmentIsConfirmed),
	order.DemandRequest:           following(lifecycle.AppointmentIsPending),
	order.DemandReschedule:        following(lifecycle.AppointmentIsConfirmed),
	order.DemandCancelAppointment: following(lifecycle.AppointmentIsCancelled),
}

// following is the status of an order whose appointment is in a status.
func following(a lifecycle.AppointmentStatus) lifecycle.Low {
	low, _ := lifecycle.Following(a)
	return low
}

// refusal is the answer to a demand that the order does not allow. That to a cancellation has the keys of both shapes that the
// original API documents.
func refusal(o *order.Order, kind order.DemandKind, from lifecycle.Low, reason order.Reason, environment string) *Error {
	text, known := refusalTexts[reason]
	if !known {
		text = forbidden(o.Modality, kind, from)
	}
	e := fail(statusOf(reason, environment), text)
	if kind == order.DemandCancel {
		e.Name, e.Message, e.StatusCode = http.StatusText(e.status), text, e.status
	}
	return e
}

// statusOf is the status of a refusal. A slot that is gone is not found in production and refused in the sandbox, and a booking that
// nobody has confirmed is answered 500: client-api#11-appointments wants both.
func statusOf(reason order.Reason, environment string) int {
	switch {
	case reason == order.ReasonSlotGone && environment == store.Production:
		return http.StatusNotFound
	case reason == order.ReasonUnanswered:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

func forbidden(m lifecycle.Modality, kind order.DemandKind, from lifecycle.Low) string {
	current := lifecycle.MustFull(m, from)
	target, ok := targets[kind]
	if !ok {
		return "The order cannot be changed in status " + string(current)
	}
	to, ok := lifecycle.Full(m, target)
	if !ok {
		to = lifecycle.Status(target)
	}
	return (&lifecycle.RefusedError{From: current, To: to}).Error()
}
