package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// isWoken reports whether the store may have something that the run does not know, or a signal is unread.
func (r *orderRun) isWoken(ctx workflow.Context) bool {
	return r.mustLook || r.wakeSignals.Len() > 0 || r.hasStraySignals(ctx)
}

// lookIfWoken looks at the order if somebody has asked for it, until nothing is left that waits for the order. A look
// settles everything, so it makes up for all signals before it, also lost ones.
func (r *orderRun) lookIfWoken(ctx workflow.Context) error {
	r.dropStraySignals(ctx)
	r.readWakeSignals()
	for r.mustLook {
		in := dispatch.SettleInput{Named: r.namedItems, StraySignals: r.newStrays}
		r.strays += r.newStrays
		r.mustLook, r.namedItems, r.newStrays = false, nil, 0
		if _, err := r.settle(ctx, in); err != nil {
			return err
		}
		r.readWakeSignals()
	}
	return nil
}

// maxNamedItems limits how many inbox items of signals one look checks.
const maxNamedItems = 100

// readWakeSignals reads the signals that have arrived. Their content is for people; a signal whose content cannot be
// read wakes the run like any other.
func (r *orderRun) readWakeSignals() {
	for r.wakeSignals.Len() > 0 {
		var w dispatch.Wake
		read := r.wakeSignals.ReceiveAsync(&w)
		r.mustLook = true
		if read && w.InboxID != "" && len(r.namedItems) < maxNamedItems {
			r.namedItems = append(r.namedItems, w.InboxID)
		}
	}
}

// hasStraySignals reports whether a signal without a meaning has arrived: somebody sent it by hand.
func (r *orderRun) hasStraySignals(ctx workflow.Context) bool {
	return !r.ignoresStrays && len(straySignals(ctx)) > 0
}

func straySignals(ctx workflow.Context) []string {
	names := slices.DeleteFunc(workflow.GetUnhandledSignalNames(ctx),
		func(name string) bool { return name == dispatch.SignalWake })
	slices.Sort(names) // the SDK lists them in any order
	return names
}

// dropStraySignals drops the signals without a meaning, and notes how many there were. Its guard is the example of a
// guarded change (docs/rollouts.md): a run that ignored its first one ignores all later ones.
func (r *orderRun) dropStraySignals(ctx workflow.Context) {
	if !r.hasStraySignals(ctx) {
		return
	}
	if workflow.GetVersion(ctx, "stray-signals", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		r.ignoresStrays = true
		return
	}
	for _, name := range straySignals(ctx) {
		for signals := workflow.GetSignalChannel(ctx, name); signals.Len() > 0; {
			signals.ReceiveAsync(nil)
			r.newStrays++
		}
	}
	r.mustLook = true // the look counts them, and shows the number
}
