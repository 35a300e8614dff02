package bulkorders

import (
	"math/rand/v2"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// usualPath lists the statuses of an order without problems, by modality.
var usualPath = map[lifecycle.Modality][]lifecycle.LowStatus{
	lifecycle.Testkit: {
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.TransitCustomer, lifecycle.OutForDelivery,
		lifecycle.WithCustomer,
		lifecycle.TransitLab, lifecycle.DeliveredToLab, lifecycle.Completed,
	},
	lifecycle.WalkIn: {
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.AppointmentPending, lifecycle.AppointmentScheduled,
		lifecycle.PartialResults, lifecycle.Completed,
	},
	lifecycle.AtHomePhlebotomy: {
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.AppointmentPending, lifecycle.AppointmentScheduled,
		lifecycle.DrawCompleted, lifecycle.PartialResults, lifecycle.Completed,
	},
	lifecycle.OnSite: {
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.DrawCompleted, lifecycle.PartialResults,
		lifecycle.Completed,
	},
}

// unregisteredKitPath lists the statuses of a kit that is never registered.
var unregisteredKitPath = []lifecycle.LowStatus{
	lifecycle.Ordered, lifecycle.AwaitingRegistration, lifecycle.TransitCustomer, lifecycle.OutForDelivery,
	lifecycle.WithCustomer,
}

// alternativeEnds are other final statuses, by the status before them.
var alternativeEnds = []struct {
	after, end lifecycle.LowStatus
	perMille   int
}{
	{lifecycle.RequisitionCreated, lifecycle.Cancelled, 50},
	{lifecycle.AppointmentScheduled, lifecycle.Cancelled, 20},
	{lifecycle.TransitCustomer, lifecycle.FailureToDeliverToCustomer, 8},
	{lifecycle.TransitLab, lifecycle.Lost, 5},
	{lifecycle.TransitLab, lifecycle.FailureToDeliverToLab, 3},
	{lifecycle.DeliveredToLab, lifecycle.SampleError, 15},
	{lifecycle.PartialResults, lifecycle.SampleError, 10},
	{lifecycle.WithCustomer, lifecycle.DoNotProcess, 4},
	{lifecycle.Completed, lifecycle.Corrected, 20},
}

// stuckOrderEvery: one of so many orders keeps its status and does not end.
const stuckOrderEvery = 60

// addHistory adds events to an order, about two days apart, until it has ended or the given time is reached.
func addHistory(r *rand.Rand, o *order.Order, until time.Time) {
	steps := usualPath[o.Modality]
	if o.Registrable {
		steps = unregisteredKitPath
	}
	at := o.CreatedAt
	if o.ActivateBy != nil {
		at = o.ActivateBy.Start(time.UTC)
	}
	stays := r.IntN(stuckOrderEvery) == 0
	addEvent(o, lifecycle.Ordered, o.CreatedAt)
	for _, low := range steps[1:] {
		at = at.Add(time.Duration(r.Int64N(int64(4 * 24 * time.Hour))))
		if at.After(until) || stays && r.IntN(len(steps)) == 0 {
			return
		}
		addEvent(o, low, at)
		for _, e := range alternativeEnds {
			if _, possible := lifecycle.FullStatus(o.Modality, e.end); !possible || e.after != low ||
				r.IntN(1000) >= e.perMille {
				continue
			}
			if at = at.Add(time.Hour); at.Before(until) {
				addEvent(o, e.end, at)
			}
			return
		}
	}
}

func addEvent(o *order.Order, low lifecycle.LowStatus, at time.Time) {
	n := int64(len(o.Events) + 1)
	o.Events = append(o.Events, order.Event{
		Sequence: n, Status: lifecycle.MustFullStatus(o.Modality, low), Cause: order.CauseCall(o.ID + "-" + string(low)),
		OccurredAt: at, RecordedAt: at,
	})
	o.Status, o.Sequence, o.Revision, o.UpdatedAt = low, n, n, at
}

// finalState returns the state of the order at the end of its history.
func finalState(o *order.Order) order.State {
	var activateAt time.Time
	if o.ActivateBy != nil {
		activateAt = o.ActivateBy.Start(time.UTC)
	}
	s := order.NewState(o, order.DefaultPolicy(), activateAt)
	if o.Status == lifecycle.Ordered {
		return s
	}
	s.Status, s.Sequence, s.Revision, s.NewestFactAt, s.EnteredAt = o.Status, o.Sequence, o.Revision, o.UpdatedAt,
		o.UpdatedAt
	s.Placement, s.Accession, s.Deadlines = order.Placement{State: order.PlacementDone}, o.Accession, nil
	return s
}
