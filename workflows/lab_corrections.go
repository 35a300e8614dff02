package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// correctAtLab sends a correction to the lab until the lab has answered or the order is not blocked any more. A newer
// correction is sent when the present round has ended.
func (r *orderRun) correctAtLab(ctx workflow.Context) error {
	for r.state.PendingCorrection != nil {
		pending := *r.state.PendingCorrection
		id := fmt.Sprintf("correct-%s-%d", pending.DemandID, pending.UnansweredRounds)
		err := r.callPartner(ctx, partnerCall{
			activity: dispatch.ActivityCorrect, options: placeOptions,
			in: &dispatch.CallInput{OrderID: r.id, CallID: id, MaxCalls: maxPlaceCalls,
				DemandID: pending.DemandID},
			isWanted: func() bool { return r.state.WantsCorrection(pending.DemandID) },
		})
		if isErrorType(err, dispatch.ErrorStale) {
			if err := r.reloadAfterStaleCall(ctx); err != nil {
				return err
			}
			continue
		}
		_, recErr := r.decideAndRecord(ctx, order.CauseCall(id), func(s order.State) *order.Recording {
			if s.PendingCorrection == nil || s.PendingCorrection.DemandID != pending.DemandID {
				return nil // a newer correction, or none any more
			}
			return &order.Recording{Decision: correctionDecision(s, err, workflow.Now(ctx))}
		})
		if recErr != nil {
			return recErr
		}
		if r.state.PendingCorrection == nil || r.state.PendingCorrection.DemandID != pending.DemandID {
			continue
		}
		pause := min(placePause<<min(pending.UnansweredRounds, 8), placePauseMax)
		_, err = workflow.AwaitWithTimeout(ctx, pause, func() bool {
			return r.state.PendingCorrection == nil || r.state.PendingCorrection.DemandID != pending.DemandID
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func correctionDecision(s order.State, err error, now time.Time) order.Decision {
	switch {
	case err == nil:
		return s.ApplyCorrectionAccepted(now)
	case isErrorType(err, dispatch.ErrorRefused), isErrorType(err, dispatch.ErrorNotSupported):
		return s.ApplyCorrectionRefused(now)
	default:
		return s.ApplyCorrectionUnanswered(now)
	}
}
