package chaos

import (
	"slices"
)

// checkReplacements: an order that is to be replaced or redrawn has one child, which knows it, which it knows, and whose kind is the one that
// follows; the others have none.
func (c *checker) checkReplacements() {
	children, named := map[string][]Order{}, map[string][]string{}
	for _, o := range c.observations.Store.Orders {
		if o.ParentID != "" {
			children[o.ParentID] = append(children[o.ParentID], o)
		}
	}
	for _, d := range c.observations.Store.Children {
		named[d.OrderID] = append(named[d.OrderID], d.ChildID)
	}
	for _, o := range c.observations.Store.Orders {
		if o.ParentID == "" {
			c.checkChild(o, children, named)
		}
	}
	for _, t := range c.observations.CallerRecords {
		if t.ChildID != "" && c.orders[t.ChildID].ParentID != t.OrderID {
			c.report("order %s (%s): its caller was told that order %s replaces it, whose parent is %q", t.OrderID, t.Kind,
				t.ChildID, c.orders[t.ChildID].ParentID)
		}
	}
}

// checkChild looks at an order, its child, and that one's.
func (c *checker) checkChild(o Order, children map[string][]Order, named map[string][]string) {
	k := c.plans[o.ID]
	var next *OrderPlan
	if k != nil && k.Child != nil {
		child := *k.Child
		child.Name = k.Name + ", child"
		next = &child
	}
	born := children[o.ID]
	if len(born) > 1 || (len(born) == 1) != (next != nil) {
		c.report("order %s: %d orders take its place; one is to: %t", o.ID, len(born), next != nil)
	}
	var ids []string
	for _, child := range born {
		ids = append(ids, child.ID)
	}
	if !slices.Equal(ids, named[o.ID]) {
		c.report("order %s: orders %v take its place, and its decisions name %v", o.ID, ids, named[o.ID])
	}
	for _, child := range born {
		if child.TransactionID != o.TransactionID {
			c.report("order %s: is not in the transaction of order %s, whose place it takes", child.ID, o.ID)
		}
		if next == nil {
			continue // nobody was told of it
		}
		if child.Origin != next.Origin {
			c.report("order %s: takes the place of order %s as %s, and not as %s", child.ID, o.ID, child.Origin, next.Origin)
		}
		c.plans[child.ID] = next
		c.checkChild(child, children, named)
	}
}

// checkCounts: what is counted is what there is.
func (c *checker) checkCounts() {
	there := map[Count]int{}
	for _, o := range c.observations.Store.Orders {
		if o.Unfinished {
			there[Count{Modality: o.Modality, Status: o.Status}]++
		}
	}
	for _, n := range c.observations.Store.Counts {
		key := Count{Modality: n.Modality, Status: n.Status}
		if there[key] != n.N {
			c.report("orders %s %s: %d are counted, and %d are there", n.Modality, n.Status, n.N, there[key])
		}
		delete(there, key)
	}
	for key, n := range there {
		c.report("orders %s %s: none is counted, and %d are there", key.Modality, key.Status, n)
	}
}
