package chaos

import (
	"maps"
	"slices"
)

// cancelled is the status of an appointment that is over before it began. One that was never made, or given up before it was recorded,
// is as good as that.
const cancelled = "cancelled"

// visits: providers and store have the same appointments in the same status, each once; an order has one at most that is not cancelled,
// but for what it was too late to give back; and what a caller was told of is there.
func (c *check) visits() {
	kept, made, held := map[string]Visit{}, map[string]Visit{}, map[string]int{}
	for _, v := range c.a.Store.Visits {
		kept[v.ID] = v
	}
	for _, v := range c.a.Lab.Visits {
		if _, again := made[v.ID]; again {
			c.report("appointment %s: is at its provider more than once", v.ID)
		}
		made[v.ID] = v
		if v.Status != cancelled && (status(kept[v.ID]) != cancelled || !c.tooLate(v)) {
			held[v.Of]++
		}
		c.same(v.ID, v, kept[v.ID])
	}
	for _, v := range c.a.Store.Visits {
		if _, there := made[v.ID]; !there {
			c.same(v.ID, Visit{}, v)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(held)) {
		if held[number] > 1 {
			c.report("order number %s: has %d appointments", number, held[number])
		}
	}
	for _, t := range c.a.Callers {
		for _, id := range t.Booked {
			if made[id].ID == "" || kept[id].Of != t.OrderID {
				c.report("order %s: its caller was told of appointment %s; at the provider %t, in the store of order %q",
					t.OrderID, id, made[id].ID != "", kept[id].Of)
			}
		}
	}
}

// same compares what a provider and the store have of an appointment; neither needs to have one that is cancelled. A provider may keep
// one that it was too late to give back, if operations are told.
func (c *check) same(id string, made, kept Visit) {
	if status(made) != status(kept) && (status(kept) != cancelled || !c.tooLate(made)) {
		c.report("appointment %s: is %s at its provider, and %s in the store", id, status(made), status(kept))
	}
	if made.ID != "" && kept.ID != "" && c.orders[kept.Of].Number != made.Of {
		c.report("appointment %s: is of order number %s at its provider, and of order %s in the store", id, made.Of, kept.Of)
	}
}

// status is that of an appointment that may not be there.
func status(v Visit) string {
	if v.ID == "" {
		return cancelled
	}
	return v.Status
}

// tooLate reports whether an appointment has begun at its provider, and operations are told that it is kept there.
func (c *check) tooLate(made Visit) bool {
	return (made.Status == "in_progress" || made.Status == "completed") &&
		slices.ContainsFunc(c.a.Store.Kept, func(id string) bool { return c.orders[id].Number == made.Of })
}
