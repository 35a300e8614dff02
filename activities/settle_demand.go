package activities

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// openDemandAge is how old a demand without an outcome is when a look settles it. A younger one has a caller who waits,
// and an update that is on its way to the run.
const openDemandAge = time.Minute

// settleOpenDemand settles a demand whose update did not reach a run, or was lost with it. Nobody waits for it any
// more, so no appointment is booked or moved for it. A cancellation waits for the outcome of a placement call.
func (s *settling) settleOpenDemand(ctx context.Context, d store.OpenDemand) error {
	waits := s.placementInFlight && d.Kind == order.DemandCancel
	if s.now.Sub(d.CreatedAt) < openDemandAge || s.state.IsAskedAbout(d.ID) || waits {
		return nil
	}
	if s.isLimitReached() {
		s.more = true
		return nil
	}
	cause := order.Cause{Demand: &d.Demand}
	if d.Kind.ConcernsAppointment() {
		cause = order.Cause{WaitOver: &d.Demand}
	}
	cause, err := s.withCapabilities(ctx, cause)
	if err == nil {
		_, err = s.settleCause(ctx, cause)
	}
	return err
}

// withCapabilities adds to a demand what the order's lab can do, where the decision depends on it. A lab account that
// cannot be used must not delay the demand: its calls will report the problem. An error of the store says nothing about
// the lab.
func (s *settling) withCapabilities(ctx context.Context, c order.Cause) (order.Cause, error) {
	if c.Demand == nil || c.Demand.Kind != order.DemandCancel && c.Demand.Kind != order.DemandRecover {
		return c, nil
	}
	lab, _, err := s.openOrderLab(ctx, s.orderID, &partnerCall{orderID: s.orderID}) // it makes no call
	if errors.Is(err, errUnusableAccount) {
		s.Log.WarnContext(ctx, "lab account not usable", "order_id", s.orderID, "error", err)
		return c, nil
	}
	if err != nil {
		return c, err
	}
	dm := *c.Demand
	dm.LabConfirmsCancels = dm.Kind == order.DemandCancel && lab.Capabilities().Cancel
	dm.LabTakesCorrections = dm.Kind == order.DemandRecover && lab.Capabilities().CorrectPatient
	return order.Cause{Demand: &dm}, nil
}

// answerOf returns the answer to the demand that a cause has settled; nil: it has settled none.
func answerOf(out store.Settled) *order.DemandAnswer {
	if out.SettledDemandID == "" {
		return nil
	}
	return &order.DemandAnswer{
		Done: out.Outcome == order.OutcomeApplied, Reason: out.Reason, FromStatus: out.From, Sequence: out.Sequence,
		ReplacementID: out.ReplacementID,
	}
}
