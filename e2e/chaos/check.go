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
	c.descent()
	c.strangers()
	for _, o := range a.Store.Orders {
		c.order(o)
	}
	c.counts()
	c.lab()
	c.visits()
	c.endpoints()
	c.temporal()
	slices.Sort(c.found)
	return c.found
}

// check is one comparison.
type check struct {
	a      Accounts
	found  []string
	kinds  map[string]*Kind    // of each order that somebody was told of, and of those that take the place of one
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

// callers: each has one order, which the store has.
func (c *check) callers() {
	for i, t := range c.a.Callers {
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
		o, kept := c.orders[t.OrderID]
		if !kept {
			c.report("order %s (%s): told to its caller and not in the store", t.OrderID, t.Kind)
		}
		if kept && (o.Imported != (t.Imports != "") || o.Imported && o.Number != t.Imports) {
			c.report("order %s (%s): is number %s, imported %t, and its caller has imported %q", o.ID, t.Kind, o.Number, o.Imported, t.Imports)
		}
		c.kinds[t.OrderID] = kindNamed(t.Kind)
	}
}

// strangers: the store has no order that nobody was told of, but for those that were asked for without a key and not answered: kits that
// nobody will register. And no two with the same number.
func (c *check) strangers() {
	unknown := 0
	for _, t := range c.a.Callers {
		unknown += t.Unprotected
	}
	numbers := map[string]string{}
	for _, o := range c.a.Store.Orders {
		if first, again := numbers[o.Number]; again {
			c.report("order %s: has the number of order %s, %s", o.ID, first, o.Number)
		}
		numbers[o.Number] = o.ID
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
	if k.end() == "corrected" && c.a.Lab.Versions[o.Number] < 2 {
		path = path[:len(path)-1] // the first version was replaced before anybody asked for it
	}
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

// stray are the ends of kits that never arrive.
var stray = []string{"lost", "failure_to_deliver_to_customer"}

// temporal: a run for each order that has not ended, none for the others, and nothing left to deliver.
func (c *check) temporal() {
	running := map[string]bool{}
	for _, id := range c.a.Temporal.Orders {
		running[id] = true
	}
	for _, o := range c.a.Store.Orders {
		k := c.kinds[o.ID]
		// Who was not told of a kit did not register it: it is on its way, or waits.
		if open := k == nil && !slices.Contains(stray, o.Status) || k != nil && k.Open; running[o.ID] != open {
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
