package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/order"
)

// takeFacts applies every fact that has been signalled, one at a time, in order of arrival.
func (r *orderRun) takeFacts(ctx workflow.Context) error {
	var f order.Fact
	for r.facts.ReceiveAsync(&f) {
		if _, err := r.record(ctx, order.CauseInbox(f.InboxID), r.factProposal(ctx, f)); err != nil {
			return err
		}
		f = order.Fact{}
	}
	return nil
}

// factProposal decides a fact. One that is parked already and stays so is not recorded again.
func (r *orderRun) factProposal(ctx workflow.Context, f order.Fact) proposal {
	return func(s order.State) *order.Recording {
		d := s.ApplyFact(f, workflow.Now(ctx))
		if d.Outcome == order.Parked && isParked(s, f.InboxID) {
			return nil
		}
		return &order.Recording{Decision: d, Fact: &f}
	}
}

func isParked(s order.State, inboxID string) bool {
	return slices.ContainsFunc(s.Parked, func(f order.Fact) bool { return f.InboxID == inboxID })
}

// retryParked tries the parked facts again, oldest arrival first, until a round moves nothing. The mutex is held.
func (r *orderRun) retryParked(ctx workflow.Context) error {
	for again := true; again; {
		again = false
		for _, f := range slices.Clone(r.state.Parked) {
			_, moved, err := r.commit(ctx, order.CauseInbox(f.InboxID), r.factProposal(ctx, f))
			if err != nil {
				return err
			}
			again = again || moved
		}
	}
	return nil
}
