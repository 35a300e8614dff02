package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// correctAtLab sends a correction to the lab until the lab has answered or the order is not blocked any more. A newer
// correction is sent when the present round has ended.
func (r *orderRun) correctAtLab(ctx workflow.Context) error {
	for r.agenda.Correct != nil {
		pending := *r.agenda.Correct
		id := fmt.Sprintf("correct-%s-%d", pending.DemandID, pending.UnansweredRounds)
		call := partnerCall{
			activity: dispatch.ActivityCorrect, options: placeOptions,
			in:       &dispatch.CallInput{OrderID: r.id, CallID: id, MaxCalls: maxPlaceCalls, DemandID: pending.DemandID},
			isWanted: func() bool { return r.isCorrecting(pending.DemandID) },
		}
		err := r.callPartner(ctx, call)
		if stale, err := r.lookAfterStaleCall(ctx, err, call.isWanted); err != nil {
			return err
		} else if stale {
			continue
		}
		outcome := order.CallOutcome{Kind: order.CallCorrect, ID: id, Answer: callAnswer(err), DemandID: pending.DemandID}
		if _, err := r.settleCause(ctx, order.Cause{Call: &outcome}); err != nil {
			return err
		}
		if !r.isCorrecting(pending.DemandID) {
			continue
		}
		pause := order.RoundPause(r.agenda.Correct.UnansweredRounds)
		_, err = workflow.AwaitWithTimeout(ctx, pause, func() bool { return !r.isCorrecting(pending.DemandID) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *orderRun) isCorrecting(demandID string) bool {
	return r.agenda.Correct != nil && r.agenda.Correct.DemandID == demandID
}
