package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/order"
)

// applySignalledFacts applies the facts that were signalled, one at a time, in order of arrival.
func (r *orderRun) applySignalledFacts(ctx workflow.Context) error {
	var f order.Fact
	for r.factSignals.ReceiveAsync(&f) {
		if _, err := r.decideAndRecord(ctx, order.CauseInbox(f.InboxID), r.proposeFact(ctx, f)); err != nil {
			return err
		}
		f = order.Fact{}
	}
	return nil
}

// proposeFact returns the decision on a fact as a recording, or nil if a parked fact stays parked.
func (r *orderRun) proposeFact(ctx workflow.Context, f order.Fact) proposal {
	return func(s order.State) *order.Recording {
		d := s.ApplyFact(f, workflow.Now(ctx))
		if d.Outcome == order.OutcomeParked && isParked(s, f.InboxID) {
			return nil
		}
		return &order.Recording{Decision: d, Fact: &f}
	}
}

func isParked(s order.State, inboxID string) bool {
	return slices.ContainsFunc(s.ParkedFacts, func(f order.Fact) bool { return f.InboxID == inboxID })
}

// retryParked applies the parked facts again, oldest first, until a round changes nothing. The caller holds the mutex.
func (r *orderRun) retryParked(ctx workflow.Context) error {
	for again := true; again; {
		again = false
		for _, f := range slices.Clone(r.state.ParkedFacts) {
			_, moved, err := r.commitDecision(ctx, order.CauseInbox(f.InboxID), r.proposeFact(ctx, f))
			if err != nil {
				return err
			}
			again = again || moved
		}
	}
	return nil
}
