package order

import (
	"github.com/stretchr/testify/require"
)

// remember stores what has raised a mark.
func (w *orderWalk) remember(before State, d Decision, again cause) {
	if w.raised == nil {
		w.raised = map[AttentionReason][]cause{}
	}
	for _, a := range d.Next.Attention {
		if !before.HasMark(a.Reason) {
			w.raised[a.Reason] = append(w.raised[a.Reason], again)
		}
	}
}

// checkResolved checks that what has raised a mark does not raise it again after its acknowledgement, and that an
// accepted version of a lab report neither asks for a decision nor makes an event.
func (w *orderWalk) checkResolved(dm Demand, d Decision) {
	if d.Outcome != OutcomeApplied {
		return
	}
	switch dm.Kind {
	case DemandAcknowledgeMark:
		r := AttentionReason(dm.Reason)
		for _, again := range w.raised[r] {
			repeated := again(d.Next)
			require.False(w.t, repeated.Next.HasMark(r), "%s is raised again", r)
		}
		require.False(w.t, r == AttentionFactOutOfPlace && len(deadlinesOf(d.Next, r)) > 0,
			"somebody has seen all that is parked")
	case DemandAcceptResults:
		f := *dm.Results
		f.Generation, f.Changed = d.Next.Fetch.Generation, true // compared before it was accepted
		again, _ := d.Next.ApplyFetchedResults(f, w.now)
		require.Empty(w.t, again.Steps)
		require.Equal(w.t, d.Next.HasMark(AttentionResultAfterEnd), again.Next.HasMark(AttentionResultAfterEnd))
	}
}

func deadlinesOf(s State, r AttentionReason) (out []Deadline) {
	for _, dl := range s.Deadlines {
		if dl.Name == DeadlineName(r) {
			out = append(out, dl)
		}
	}
	return out
}
