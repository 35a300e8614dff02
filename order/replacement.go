package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// failed follows the policy after an order failed: a replacement at once, or a mark for operations, or nothing.
func (d *Decision) failed(at time.Time) {
	n := &d.Next
	if n.Modality != lifecycle.Testkit || n.Policy.Replacement == ReplaceNever || n.Replaced {
		return
	}
	switch {
	case n.Depth >= n.Policy.ReplacementLimit:
		n.Raise(ReplacementLimitReached, at)
	case n.Policy.Replacement == ReplaceAuto && n.Failed():
		d.Replace, n.Replaced = true, true
	default:
		n.Raise(ReplacementNeeded, at)
	}
}

// replaceManually is what operations ask for under any policy.
func (d *Decision) replaceManually() Reason {
	n := &d.Next
	expired := n.Status == lifecycle.DoNotProcess && n.Registrable && !n.Registered
	switch {
	case n.Modality != lifecycle.Testkit || !n.Failed() && !expired:
		return ReasonNotReplaceable
	case n.Replaced:
		return ReasonReplaced
	case n.Depth >= n.Policy.ReplacementLimit:
		return ReasonLimit
	}
	n.Settle(ReplacementNeeded)
	d.Replace, n.Replaced = true, true
	return ""
}
