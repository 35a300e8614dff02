package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// applyReplacementPolicy follows the policy after an order failed: a replacement at once, or a mark for operations, or nothing.
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

// replaceOnDemand is what operations ask for under any policy.
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
