package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// correct tells the lab what was missing, until it has answered or the order is not held up any more. A newer correction is told as
// soon as the round before it has ended.
func (r *orderRun) correct(ctx workflow.Context) error {
	for r.state.Correcting != nil {
		under := *r.state.Correcting
		id := fmt.Sprintf("correct-%s-%d", under.DemandID, under.Tries)
		err := r.call(ctx, placeOptions, dispatch.ActivityCorrect, dispatch.CallInput{OrderID: r.id, CallID: id}, nil)
		_, recErr := r.record(ctx, order.CauseCall(id), func(s order.State) *order.Recording {
			if s.Correcting == nil || s.Correcting.DemandID != under.DemandID {
				return nil // overtaken
			}
			return &order.Recording{Decision: correctionDecision(s, err, workflow.Now(ctx))}
		})
		if recErr != nil {
			return recErr
		}
		if r.state.Correcting == nil || r.state.Correcting.DemandID != under.DemandID {
			continue
		}
		pause := min(placePause<<min(under.Tries, 8), placePauseMax)
		_, err = workflow.AwaitWithTimeout(ctx, pause, func() bool {
			return r.state.Correcting == nil || r.state.Correcting.DemandID != under.DemandID
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
		return s.ApplyCorrected(now)
	case isType(err, dispatch.ErrorRefused), isType(err, dispatch.ErrorNotSupported):
		return s.ApplyCorrectionRefused(now)
	default:
		return s.ApplyCorrectionUnanswered(now)
	}
}
