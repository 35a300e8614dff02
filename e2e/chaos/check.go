package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Check compares the accounts, once everything is calm, and lists what does not agree.
func Check(a Accounts) []string {
	c := newCheck(a)
	c.callers()
	for _, o := range a.Store.Orders {
		c.order(o)
	}
	c.lab()
	c.endpoints()
	c.temporal()
	slices.Sort(c.found)
	return c.found
}

// check is one comparison.
type check struct {
	a      Accounts
	found  []string
	kinds  map[string]*Kind    // of each order that somebody was told of, or may have made without being told
	events map[string][]Event  // by order
	orders map[string]Order    // by id
	mail   map[string][]string // messages of the store, by type
}

func newCheck(a Accounts) *check {
	c := &check{a: a, kinds: map[string]*Kind{}, events: map[string][]Event{}, orders: map[string]Order{}, mail: map[string][]string{}}
	for _, e := range a.Store.Events {
		c.events[e.OrderID] = append(c.events[e.OrderID], e)
	}
	for _, o := range a.Store.Orders {
		c.orders[o.ID] = o
	}
	for _, m := range a.Store.Messages {
		c.mail[m.Type] = append(c.mail[m.Type], m.ID)
	}
	return c
}

func (c *check) report(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

// callers: each has one order, which the store has, and the store has no others.
func (c *check) callers() {
	unknown := 0
	for i, t := range c.a.Callers {
		unknown += t.Unprotected
		for _, refusal := range t.Refused {
			c.report("caller %d (%s, order %s): refused: %s", i, t.Kind, t.OrderID, refusal)
		}
		switch {
		case t.OrderID == "":
			c.report("caller %d (%s): never told of an order", i, t.Kind)
			continue
		case c.kinds[t.OrderID] != nil:
			c.report("caller %d: order %s was told to another caller too", i, t.OrderID)
		}
		if _, kept := c.orders[t.OrderID]; !kept {
			c.report("order %s (%s): told to its caller and not in the store", t.OrderID, t.Kind)
		}
		c.kinds[t.OrderID] = kindNamed(t.Kind)
	}
	// What was asked for without a key and not answered may be there: a kit that nobody will register.
	for _, o := range c.a.Store.Orders {
		if c.kinds[o.ID] != nil {
			continue
		}
		if !o.Registrable || unknown == 0 {
			c.report("order %s: in the store, and nobody was told of it", o.ID)
			continue
		}
		unknown--
	}
}

// order: its events are those of its kind, without gaps, and it stands where they end.
func (c *check) order(o Order) {
	var lows []string
	for i, e := range c.events[o.ID] {
		if e.Sequence != int64(i+1) {
			c.report("order %s: event %d has number %d", o.ID, i+1, e.Sequence)
		}
		lows = append(lows, low(e.Status))
	}
	if len(lows) == 0 || lows[len(lows)-1] != o.Status {
		c.report("order %s: is %s, its events are %v", o.ID, o.Status, lows)
	}
	k := c.kinds[o.ID]
	if k == nil {
		return
	}
	path := strings.Fields(k.Path)
	if !within(lows, path) || lows[0] != path[0] || lows[len(lows)-1] != path[len(path)-1] {
		c.report("order %s (%s): went %v and not %v", o.ID, k.Name, lows, path)
	}
}

// low is a status without top level and collection method.
func low(status string) string { return status[strings.LastIndex(status, ".")+1:] }

// within reports whether the statuses come in the path in that order, each as often as there.
func within(statuses, path []string) bool {
	for _, s := range statuses {
		i := slices.Index(path, s)
		if i < 0 {
			return false
		}
		path = path[i+1:]
	}
	return len(statuses) > 0
}

// lab: each order was placed once where it had to be, every report that was taken is kept once and has been settled.
func (c *check) lab() {
	kept := map[string]int{}
	for _, r := range c.a.Store.Reports {
		kept[r.OrderID]++
		if r.State != "applied" && r.State != "late" && r.State != "refused" {
			c.report("report %s on order %q: is %s", r.ID, r.OrderID, r.State)
		}
	}
	known := map[string]bool{}
	for _, o := range c.a.Store.Orders {
		known[o.Number] = true
		if placed, want := c.a.Lab.Accepted[o.Number], c.placements(o.ID); placed != want {
			c.report("order %s: placed %d times at the lab, and not %d", o.ID, placed, want)
		}
		if sent := c.a.Lab.Facts[o.Number]; sent != kept[o.ID] {
			c.report("order %s: the lab has told %d facts, %d are in the inbox", o.ID, sent, kept[o.ID])
		}
	}
	for _, number := range slices.Sorted(maps.Keys(c.a.Lab.Accepted)) {
		if !known[number] {
			c.report("order number %s: placed at the lab, and no order has it", number)
		}
	}
	if c.a.Lab.Untaken > 0 {
		c.report("%d reports of the lab were never taken", c.a.Lab.Untaken)
	}
}

// placements are how often an order is to be placed: once, unless it was cancelled before.
func (c *check) placements(orderID string) int {
	if k := c.kinds[orderID]; k != nil && !strings.Contains(k.Path, "requisition_created") && !strings.Contains(k.Path, "awaiting_registration") {
		return 0
	}
	return 1
}

// endpoints: each got every message of the types that it takes at least once, nothing else, and of each event one message.
func (c *check) endpoints() {
	for _, e := range c.a.Endpoints {
		for _, broken := range e.Broken {
			c.report("endpoint %s: %s", e.Name, broken)
		}
		got := map[string]bool{}
		told := map[string]Delivery{}
		for _, d := range e.Got {
			got[d.MessageID] = true
			if d.OrderID == "" {
				continue
			}
			at := fmt.Sprintf("%s/%d", d.OrderID, d.Sequence)
			if first, again := told[at]; again && first.MessageID != d.MessageID {
				c.report("endpoint %s: event %d of order %s was told by two messages", e.Name, d.Sequence, d.OrderID)
			}
			told[at] = d
		}
		c.messages(e, got)
		c.tidings(e, told)
	}
}

// messages compares what an endpoint got with the messages of the store.
func (c *check) messages(e Endpoint, got map[string]bool) {
	for typ, ids := range c.mail {
		for _, id := range ids {
			if got[id] != takes(e, typ) {
				c.report("endpoint %s: message %s of type %s: got %t", e.Name, id, typ, got[id])
			}
			delete(got, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(got)) {
		c.report("endpoint %s: got message %s, which the store does not have", e.Name, id)
	}
}

func takes(e Endpoint, typ string) bool { return e.Types == nil || slices.Contains(e.Types, typ) }

// The types of messages about an order's events.
const (
	orderCreated = "labtest.order.created"
	orderUpdated = "labtest.order.updated"
)

// tidings compares what an endpoint was told with what has happened to the orders. Nobody has asked to be told of partial results.
func (c *check) tidings(e Endpoint, told map[string]Delivery) {
	for _, event := range c.a.Store.Events {
		typ := orderUpdated
		if event.Sequence == 1 {
			typ = orderCreated
		}
		at := fmt.Sprintf("%s/%d", event.OrderID, event.Sequence)
		d, got := told[at]
		delete(told, at)
		switch want := takes(e, typ) && low(event.Status) != "partial_results"; {
		case got != want:
			c.report("endpoint %s: event %d of order %s (%s): told %t", e.Name, event.Sequence, event.OrderID, event.Status, got)
		case got && d.Status != event.Status:
			c.report("endpoint %s: event %d of order %s: told %s, and it is %s", e.Name, event.Sequence, event.OrderID, d.Status, event.Status)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(told)) {
		c.report("endpoint %s: was told of event %s, which has not happened", e.Name, at)
	}
}

// temporal: a run for each order that has not ended, none for the others, and nothing left to deliver.
func (c *check) temporal() {
	running := map[string]bool{}
	for _, id := range c.a.Temporal.Orders {
		running[id] = true
	}
	for _, o := range c.a.Store.Orders {
		k := c.kinds[o.ID]
		// Who was not told of a kit did not register it: it is lost, or waits.
		if open := k == nil && o.Status != "lost" || k != nil && k.Open; running[o.ID] != open {
			c.report("order %s (%s): open %t, has a run %t", o.ID, o.Status, open, running[o.ID])
		}
		delete(running, o.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(running)) {
		c.report("order %s: has a run, and the store does not have it", id)
	}
	for _, id := range c.a.Temporal.Deliveries {
		c.report("endpoint %s: deliveries are still being made", id)
	}
}
