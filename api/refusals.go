package api

import (
	"net/http"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// refusalTexts say why something is refused, where it is not for want of a transition.
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
	order.ReasonNoRequisition:      "The order has no requisition yet, and this team books appointments after it only",
	order.ReasonAlreadyBooked:      "The order has an appointment already; reschedule or cancel it",
	order.ReasonNoAppointment:      "The order has no appointment that could still be changed",
	order.ReasonNotReschedulable:   "The appointment cannot be rescheduled, or not to this slot",
	order.ReasonBookingUnderWay:    "Another change of the appointment is under way",
	order.ReasonSlotGone:           "The slot is not available any more; ask for the availability again",
	order.ReasonBeforeActivation:   "The appointment starts before the order's activate_by",
	order.ReasonProviderUnanswered: "The provider did not confirm the appointment in time; it is not booked",
	order.ReasonNoSuchResult:       "The order has no results that are held back",
}

// demandTargets are the statuses that demands ask for.
var demandTargets = map[order.DemandKind]lifecycle.LowStatus{
	order.DemandCancel:                lifecycle.Cancelled,
	order.DemandDoNotProcess:          lifecycle.DoNotProcess,
	order.DemandRecover:               order.FactKitReceived.Status(),
	order.DemandRegister:              lifecycle.Registered,
	order.DemandDrawCompleted:         lifecycle.DrawCompleted,
	order.DemandBookAppointment:       following(lifecycle.AppointmentStatusConfirmed),
	order.DemandRequestAppointment:    following(lifecycle.AppointmentStatusPending),
	order.DemandRescheduleAppointment: following(lifecycle.AppointmentStatusConfirmed),
	order.DemandCancelAppointment:     following(lifecycle.AppointmentStatusCancelled),
}

// following is the status of an order whose appointment is in a status.
func following(a lifecycle.AppointmentStatus) lifecycle.LowStatus {
	low, _ := lifecycle.Following(a)
	return low
}

// refusal is the answer to a demand that the order does not allow. That to a cancellation has the keys of both shapes that the
// original API documents.
func refusal(o *order.Order, kind order.DemandKind, from lifecycle.LowStatus, reason order.Reason, environment string) *Error {
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

// refusalStatus is the status of a refusal. A slot that is gone is not found in production and refused in the sandbox, and a booking that
// nobody has confirmed is answered 500: client-api#11-appointments wants both.
func refusalStatus(reason order.Reason, environment string) int {
	switch {
	case reason == order.ReasonSlotGone && environment == store.Production:
		return http.StatusNotFound
	case reason == order.ReasonProviderUnanswered:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

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
