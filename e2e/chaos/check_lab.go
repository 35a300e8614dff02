package chaos

import (
	"maps"
	"slices"
	"strings"
)

// checkLab checks that each order was placed at the lab as often as its plan says, and that every fact that was
// accepted is in the inbox once and has been applied, late or refused.
func (c *checker) checkLab() {
	stored := map[string]int{}
	for _, r := range c.observations.Store.InboxItems {
		stored[r.OrderID]++
		if r.State != "applied" && r.State != "late" && r.State != "refused" {
			c.report("inbox item %s of order %q: has state %s", r.ID, r.OrderID, r.State)
		}
	}
	known := map[string]bool{}
	for _, o := range c.observations.Store.Orders {
		known[o.Number] = true
		if placed, want := c.observations.Lab.Accepted[o.Number], c.expectedPlacements(o.ID); placed != want {
			c.report("order %s: placed %d times at the lab, expected %d", o.ID, placed, want)
		}
		// An imported requisition is placed by the system that created it. Aliquot must not call the lab to place it.
		if calls := c.observations.Lab.PlaceCalls[o.Number]; o.Imported && calls != 1 {
			c.report("order %s: is imported, and the lab got %d calls to place it, expected 1", o.ID,
				calls)
		}
		if sent := c.observations.Lab.AcceptedFacts[o.Number]; sent != stored[o.ID] {
			c.report("order %s: the lab sent %d facts, %d are in the inbox", o.ID, sent, stored[o.ID])
		}
	}
	for _, number := range slices.Sorted(maps.Keys(c.observations.Lab.Accepted)) {
		if !known[number] {
			c.report("order number %s: was placed at the lab, and no order has it", number)
		}
	}
	if c.observations.Lab.UnacceptedFacts > 0 {
		c.report("%d facts of the lab were never accepted", c.observations.Lab.UnacceptedFacts)
	}
}

// placedStatuses are the statuses of orders that the lab has accepted. Each accepted order has one of them.
var placedStatuses = []string{"requisition_created", "requisition_bypassed", "awaiting_registration"}

// expectedPlacements returns how often the lab must have accepted the order: once, or never if the plan cancels it
// before.
func (c *checker) expectedPlacements(orderID string) int {
	k := c.plans[orderID]
	if k == nil || slices.ContainsFunc(strings.Fields(k.Path),
		func(s string) bool { return slices.Contains(placedStatuses, s) }) {
		return 1
	}
	return 0
}
