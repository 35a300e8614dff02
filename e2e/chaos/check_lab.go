package chaos

import (
	"maps"
	"slices"
	"strings"
)

// checkLab: each order was placed once where it had to be, every report that was taken is kept once and has been settled.
func (c *checker) checkLab() {
	kept := map[string]int{}
	for _, r := range c.observations.Store.InboxItems {
		kept[r.OrderID]++
		if r.State != "applied" && r.State != "late" && r.State != "refused" {
			c.report("report %s on order %q: is %s", r.ID, r.OrderID, r.State)
		}
	}
	known := map[string]bool{}
	for _, o := range c.observations.Store.Orders {
		known[o.Number] = true
		if placed, want := c.observations.Lab.Accepted[o.Number], c.expectedPlacements(o.ID); placed != want {
			c.report("order %s: placed %d times at the lab, and not %d", o.ID, placed, want)
		}
		// What somebody else has placed is theirs: we do not even ask.
		if asked := c.observations.Lab.PlaceCalls[o.Number]; o.Imported && asked != 1 {
			c.report("order %s: is imported, and the lab was asked %d times to take it, and not once by who made it", o.ID,
				asked)
		}
		if sent := c.observations.Lab.AcceptedFacts[o.Number]; sent != kept[o.ID] {
			c.report("order %s: the lab has told %d facts, %d are in the inbox", o.ID, sent, kept[o.ID])
		}
	}
	for _, number := range slices.Sorted(maps.Keys(c.observations.Lab.Accepted)) {
		if !known[number] {
			c.report("order number %s: placed at the lab, and no order has it", number)
		}
	}
	if c.observations.Lab.UnacceptedFacts > 0 {
		c.report("%d reports of the lab were never taken", c.observations.Lab.UnacceptedFacts)
	}
}

// placedStatuses are the statuses of which an order that the lab has goes through one.
var placedStatuses = []string{"requisition_created", "requisition_bypassed", "awaiting_registration"}

// expectedPlacements are how often an order is to be placed, by us or by who made an imported one: once, unless it was cancelled before.
func (c *checker) expectedPlacements(orderID string) int {
	k := c.plans[orderID]
	if k == nil || slices.ContainsFunc(strings.Fields(k.Path),
		func(s string) bool { return slices.Contains(placedStatuses, s) }) {
		return 1
	}
	return 0
}
