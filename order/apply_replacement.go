package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// applyReplacementPolicy follows the replacement policy after an order failed: it creates a replacement, raises a mark
// for operations, or does nothing.
func (d *Decision) applyReplacementPolicy(at time.Time) {
	n := &d.Next
	if n.Modality != lifecycle.Testkit || n.Policy.Replacement == ReplaceNever || n.Replaced {
		return
	}
	switch {
	case n.ReplacementDepth >= n.Policy.ReplacementLimit:
		n.RaiseMark(AttentionReplacementLimit, at)
	case n.Policy.Replacement == ReplaceAuto && n.Failed():
		d.CreateReplacement, n.Replaced = true, true
	default:
		n.RaiseMark(AttentionReplacementNeeded, at)
	}
}

// replaceOnDemand creates a replacement that operations asked for. It does not depend on the policy, except for the
// limit.
func (d *Decision) replaceOnDemand() Reason {
	n := &d.Next
	expired := n.Status == lifecycle.DoNotProcess && n.Registrable && !n.Registered
	switch {
	case n.Modality != lifecycle.Testkit || !n.Failed() && !expired:
		return ReasonNotReplaceable
	case n.Replaced:
		return ReasonAlreadyReplaced
	case n.ReplacementDepth >= n.Policy.ReplacementLimit:
		return ReasonReplacementLimit
	}
	n.ClearMark(AttentionReplacementNeeded)
	d.CreateReplacement, n.Replaced = true, true
	return ""
}
