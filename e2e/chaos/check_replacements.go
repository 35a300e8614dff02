package chaos

import (
	"slices"
)

// checkReplacements checks that an order whose plan has a child has exactly one, that parent and child name each other,
// and that the child follows the plan's child. Other orders must have no child.
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
			c.report("order %s (%s): its caller got order %s as its replacement, whose parent is %q", t.OrderID, t.Kind,
				t.ChildID, c.orders[t.ChildID].ParentID)
		}
	}
}

// checkChild checks the children of an order, and their children.
func (c *checker) checkChild(o Order, children map[string][]Order, named map[string][]string) {
	k := c.plans[o.ID]
	var next *OrderPlan
	if k != nil && k.Child != nil {
		child := *k.Child
		child.Name = k.Name + ", child"
		next = &child
	}
	ownChildren := children[o.ID]
	if len(ownChildren) > 1 || (len(ownChildren) == 1) != (next != nil) {
		c.report("order %s: it has %d children; expected one: %t", o.ID, len(ownChildren), next != nil)
	}
	var ids []string
	for _, child := range ownChildren {
		ids = append(ids, child.ID)
	}
	if !slices.Equal(ids, named[o.ID]) {
		c.report("order %s: its children are %v, and its decisions name %v", o.ID, ids, named[o.ID])
	}
	for _, child := range ownChildren {
		if child.TransactionID != o.TransactionID {
			c.report("order %s: is not in the transaction of its parent %s", child.ID, o.ID)
		}
		if next == nil {
			continue // no caller knows the order, so it has no plan
		}
		if child.Origin != next.Origin {
			c.report("order %s: child of order %s as %s, expected %s", child.ID, o.ID, child.Origin, next.Origin)
		}
		c.plans[child.ID] = next
		c.checkChild(child, children, named)
	}
}

// checkCounts compares the stored counts of unfinished orders with the orders.
func (c *checker) checkCounts() {
	actual := map[Count]int{}
	for _, o := range c.observations.Store.Orders {
		if o.Unfinished {
			actual[Count{Modality: o.Modality, Status: o.Status}]++
		}
	}
	for _, n := range c.observations.Store.Counts {
		key := Count{Modality: n.Modality, Status: n.Status}
		if actual[key] != n.N {
			c.report("orders %s %s: %d are counted, and the store has %d", n.Modality, n.Status, n.N, actual[key])
		}
		delete(actual, key)
	}
	for key, n := range actual {
		c.report("orders %s %s: none is counted, and the store has %d", key.Modality, key.Status, n)
	}
}
