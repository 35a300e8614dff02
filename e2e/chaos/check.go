package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FindDiscrepancies compares the accounts, once everything is calm, and lists what does not agree.
func FindDiscrepancies(a Observations) []string {
	c := newChecker(a)
	c.checkCallers()
	c.checkReplacements()
	c.checkUnknownOrders()
	for _, o := range a.Store.Orders {
		c.checkOrder(o)
	}
	c.checkCounts()
	c.checkLab()
	c.checkAppointments()
	c.checkEndpoints()
	c.checkRuns()
	slices.Sort(c.found)
	return c.found
}

// checker is one comparison.
type checker struct {
	observations Observations
	found        []string
	plans        map[string]*OrderPlan // of each order that somebody was told of, and of those that take the place of one
	events       map[string][]Event    // by order
	orders       map[string]Order      // by id
	messageIDs   map[string][]string   // messages of the store, by type
}

func newChecker(a Observations) *checker {
	c := &checker{observations: a, plans: map[string]*OrderPlan{}, events: map[string][]Event{},
		orders: map[string]Order{}, messageIDs: map[string][]string{}}
	for _, e := range a.Store.Events {
		c.events[e.OrderID] = append(c.events[e.OrderID], e)
	}
	for _, o := range a.Store.Orders {
		c.orders[o.ID] = o
	}
	for _, m := range a.Store.Messages {
		c.messageIDs[m.Type] = append(c.messageIDs[m.Type], m.ID)
	}
	return c
}

func (c *checker) report(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

// checkCallers: each has one order, which the store has.
func (c *checker) checkCallers() {
	for i, t := range c.observations.CallerRecords {
		for _, refusal := range t.Refused {
			c.report("caller %d (%s, order %s): refused: %s", i, t.Kind, t.OrderID, refusal)
		}
		switch {
		case t.OrderID == "":
			c.report("caller %d (%s): never told of an order", i, t.Kind)
			continue
		case c.plans[t.OrderID] != nil:
			c.report("caller %d: order %s was told to another caller too", i, t.OrderID)
		}
		o, kept := c.orders[t.OrderID]
		if !kept {
			c.report("order %s (%s): told to its caller and not in the store", t.OrderID, t.Kind)
		}
		if kept && (o.Imported != (t.ImportedNumber != "") || o.Imported && o.Number != t.ImportedNumber) {
			c.report("order %s (%s): is number %s, imported %t, and its caller has imported %q", o.ID, t.Kind, o.Number,
				o.Imported, t.ImportedNumber)
		}
		c.plans[t.OrderID] = planNamed(t.Kind)
	}
}

// checkUnknownOrders: the store has no order that nobody was told of, but for those that were asked for without a key and not answered: kits that
// nobody will register. And no two with the same number.
func (c *checker) checkUnknownOrders() {
	unknown := 0
	for _, t := range c.observations.CallerRecords {
		unknown += t.UnkeyedRequests
	}
	numbers := map[string]string{}
	for _, o := range c.observations.Store.Orders {
		if first, again := numbers[o.Number]; again {
			c.report("order %s: has the number of order %s, %s", o.ID, first, o.Number)
		}
		numbers[o.Number] = o.ID
		if c.plans[o.ID] != nil {
			continue
		}
		if !o.Registrable || unknown == 0 {
			c.report("order %s: in the store, and nobody was told of it", o.ID)
			continue
		}
		unknown--
	}
}

// checkOrder: its events are those of its kind, without gaps, and it stands where they end.
func (c *checker) checkOrder(o Order) {
	var lows []string
	for i, e := range c.events[o.ID] {
		if e.Sequence != int64(i+1) {
			c.report("order %s: event %d has number %d", o.ID, i+1, e.Sequence)
		}
		lows = append(lows, lowStatus(e.Status))
	}
	if len(lows) == 0 || lows[len(lows)-1] != o.Status {
		c.report("order %s: is %s, its events are %v", o.ID, o.Status, lows)
	}
	k := c.plans[o.ID]
	if k == nil {
		return
	}
	path := strings.Fields(k.Path)
	if k.finalStatus() == "corrected" && c.observations.Lab.ReportVersions[o.Number] < 2 {
		path = path[:len(path)-1] // the first version was replaced before anybody asked for it
	}
	if !isSubsequence(lows, path) || lows[0] != path[0] || lows[len(lows)-1] != path[len(path)-1] {
		c.report("order %s (%s): went %v and not %v", o.ID, k.Name, lows, path)
	}
}

// lowStatus is a status without top level and collection method.
func lowStatus(status string) string { return status[strings.LastIndex(status, ".")+1:] }

// isSubsequence reports whether the statuses come in the path in that order, each as often as there.
func isSubsequence(statuses, path []string) bool {
	for _, s := range statuses {
		i := slices.Index(path, s)
		if i < 0 {
			return false
		}
		path = path[i+1:]
	}
	return len(statuses) > 0
}

// checkEndpoints: each got every message of the types that it takes at least once, nothing else, and of each event one message.
func (c *checker) checkEndpoints() {
	for _, e := range c.observations.Endpoints {
		for _, broken := range e.BadSignatures {
			c.report("endpoint %s: %s", e.Name, broken)
		}
		got := map[string]bool{}
		told := map[string]Delivery{}
		for _, d := range e.Deliveries {
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
		c.checkMessages(e, got)
		c.checkEventWebhooks(e, told)
	}
}

// checkMessages compares what an endpoint got with the messages of the store.
func (c *checker) checkMessages(e Endpoint, got map[string]bool) {
	for typ, ids := range c.messageIDs {
		for _, id := range ids {
			if got[id] != acceptsType(e, typ) {
				c.report("endpoint %s: message %s of type %s: got %t", e.Name, id, typ, got[id])
			}
			delete(got, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(got)) {
		c.report("endpoint %s: got message %s, which the store does not have", e.Name, id)
	}
}

func acceptsType(e Endpoint, typ string) bool { return e.Types == nil || slices.Contains(e.Types, typ) }

// The types of messages about an order's events.
const (
	orderCreated = "labtest.order.created"
	orderUpdated = "labtest.order.updated"
)

// checkEventWebhooks compares what an endpoint was told with what has happened to the orders. Nobody has asked to be told of partial results.
func (c *checker) checkEventWebhooks(e Endpoint, told map[string]Delivery) {
	for _, event := range c.observations.Store.Events {
		typ := orderUpdated
		if event.Sequence == 1 {
			typ = orderCreated
		}
		at := fmt.Sprintf("%s/%d", event.OrderID, event.Sequence)
		d, got := told[at]
		delete(told, at)
		switch want := acceptsType(e, typ) && lowStatus(event.Status) != "partial_results"; {
		case got != want:
			c.report("endpoint %s: event %d of order %s (%s): told %t", e.Name, event.Sequence, event.OrderID, event.Status, got)
		case got && d.Status != event.Status:
			c.report("endpoint %s: event %d of order %s: told %s, and it is %s", e.Name, event.Sequence, event.OrderID, d.Status,
				event.Status)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(told)) {
		c.report("endpoint %s: was told of event %s, which has not happened", e.Name, at)
	}
}

// undeliveredStatuses are the ends of kits that never arrive.
var undeliveredStatuses = []string{"lost", "failure_to_deliver_to_customer"}

// checkRuns: a run for each order that has not ended, none for the others, and nothing left to deliver.
func (c *checker) checkRuns() {
	running := map[string]bool{}
	for _, id := range c.observations.Temporal.Orders {
		running[id] = true
	}
	for _, o := range c.observations.Store.Orders {
		k := c.plans[o.ID]
		// Who was not told of a kit did not register it: it is on its way, or waits.
		if open := k == nil && !slices.Contains(undeliveredStatuses, o.Status) || k != nil && k.Open; running[o.ID] != open {
			c.report("order %s (%s): open %t, has a run %t", o.ID, o.Status, open, running[o.ID])
		}
		delete(running, o.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(running)) {
		c.report("order %s: has a run, and the store does not have it", id)
	}
	for _, id := range c.observations.Temporal.Deliveries {
		c.report("endpoint %s: deliveries are still being made", id)
	}
}
