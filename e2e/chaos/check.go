package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FindDiscrepancies compares the observations after all orders have finished, and lists where they differ.
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

// checker is one comparison of observations.
type checker struct {
	observations Observations
	found        []string
	plans        map[string]*OrderPlan // by order: of a caller's order, and of its replacements and redraws
	events       map[string][]Event    // by order
	orders       map[string]Order      // by id
	messageIDs   map[string][]string   // of the store, by type
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

// checkCallers checks that each caller has one order, that the store has it, and that no request was refused
// unexpectedly.
func (c *checker) checkCallers() {
	for i, t := range c.observations.CallerRecords {
		for _, refusal := range t.Refused {
			c.report("caller %d (%s, order %s): refused: %s", i, t.Kind, t.OrderID, refusal)
		}
		switch {
		case t.OrderID == "":
			c.report("caller %d (%s): got no order", i, t.Kind)
			continue
		case c.plans[t.OrderID] != nil:
			c.report("caller %d: another caller also got order %s", i, t.OrderID)
		}
		o, stored := c.orders[t.OrderID]
		if !stored {
			c.report("order %s (%s): its caller got it, and the store does not have it", t.OrderID, t.Kind)
		}
		if stored && (o.Imported != (t.ImportedNumber != "") || o.Imported && o.Number != t.ImportedNumber) {
			c.report("order %s (%s): has number %s, imported %t, and its caller imported %q", o.ID, t.Kind, o.Number,
				o.Imported, t.ImportedNumber)
		}
		c.plans[t.OrderID] = planNamed(t.Kind)
	}
}

// checkUnknownOrders checks that every order of the store belongs to a caller, and that no two orders have the same
// number. Exceptions are kits that were created by a request without a response: their route takes no idempotency key,
// and nobody registers them.
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
			c.report("order %s: in the store, and no caller got it", o.ID)
			continue
		}
		unknown--
	}
}

// checkOrder checks that the events of the order follow its plan without gaps, and that the last one has the order's
// status.
func (c *checker) checkOrder(o Order) {
	var lows []string
	for i, e := range c.events[o.ID] {
		if e.Sequence != int64(i+1) {
			c.report("order %s: event %d has number %d", o.ID, i+1, e.Sequence)
		}
		lows = append(lows, lowStatus(e.Status))
	}
	if len(lows) == 0 || lows[len(lows)-1] != o.Status {
		c.report("order %s: has status %s, its events are %v", o.ID, o.Status, lows)
	}
	k := c.plans[o.ID]
	if k == nil {
		return
	}
	path := strings.Fields(k.Path)
	if k.finalStatus() == "corrected" && c.observations.Lab.ReportVersions[o.Number] < 2 {
		path = path[:len(path)-1] // a correction replaced the first version before it was fetched
	}
	if !isSubsequence(lows, path) || lows[0] != path[0] || lows[len(lows)-1] != path[len(path)-1] {
		c.report("order %s (%s): had statuses %v, expected %v", o.ID, k.Name, lows, path)
	}
}

// lowStatus returns the status without top level and collection method.
func lowStatus(status string) string { return status[strings.LastIndex(status, ".")+1:] }

// isSubsequence reports whether the statuses occur in the path in this order. It is false for no statuses.
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

// checkEndpoints checks that each endpoint got every message of its types at least once, nothing else, and one message
// for each event.
func (c *checker) checkEndpoints() {
	for _, e := range c.observations.Endpoints {
		for _, broken := range e.BadSignatures {
			c.report("endpoint %s: %s", e.Name, broken)
		}
		got := map[string]bool{}
		byEvent := map[string]Delivery{}
		for _, d := range e.Deliveries {
			got[d.MessageID] = true
			if d.OrderID == "" {
				continue
			}
			at := fmt.Sprintf("%s/%d", d.OrderID, d.Sequence)
			if first, again := byEvent[at]; again && first.MessageID != d.MessageID {
				c.report("endpoint %s: two messages report event %d of order %s", e.Name, d.Sequence, d.OrderID)
			}
			byEvent[at] = d
		}
		c.checkMessages(e, got)
		c.checkEventWebhooks(e, byEvent)
	}
}

// checkMessages compares the messages that an endpoint got with the messages of the store.
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

// The message types of an order's events.
const (
	orderCreated = "labtest.order.created"
	orderUpdated = "labtest.order.updated"
)

// checkEventWebhooks compares the webhooks that an endpoint got with the events of the orders. No policy of the test
// sends webhooks about partial results.
func (c *checker) checkEventWebhooks(e Endpoint, byEvent map[string]Delivery) {
	for _, event := range c.observations.Store.Events {
		typ := orderUpdated
		if event.Sequence == 1 {
			typ = orderCreated
		}
		at := fmt.Sprintf("%s/%d", event.OrderID, event.Sequence)
		d, got := byEvent[at]
		delete(byEvent, at)
		switch want := acceptsType(e, typ) && lowStatus(event.Status) != "partial_results"; {
		case got != want:
			c.report("endpoint %s: event %d of order %s (%s): got %t", e.Name, event.Sequence, event.OrderID, event.Status, got)
		case got && d.Status != event.Status:
			c.report("endpoint %s: event %d of order %s: got status %s, expected %s", e.Name, event.Sequence,
				event.OrderID, d.Status, event.Status)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(byEvent)) {
		c.report("endpoint %s: got event %s, which has not happened", e.Name, at)
	}
}

// undeliveredStatuses are the ends of kits that do not reach their patient.
var undeliveredStatuses = []string{"lost", "failure_to_deliver_to_customer"}

// checkRuns checks that exactly the open orders have a run, and that no delivery is open.
func (c *checker) checkRuns() {
	running := map[string]bool{}
	for _, id := range c.observations.Temporal.Orders {
		running[id] = true
	}
	for _, o := range c.observations.Store.Orders {
		k := c.plans[o.ID]
		// An order without a plan is a kit that no caller registers. It stays open unless it got lost.
		if open := k == nil && !slices.Contains(undeliveredStatuses, o.Status) || k != nil && k.Open; running[o.ID] != open {
			c.report("order %s (%s): open %t, has a run %t", o.ID, o.Status, open, running[o.ID])
		}
		delete(running, o.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(running)) {
		c.report("order %s: has a run, and the store does not have it", id)
	}
	for _, id := range c.observations.Temporal.Deliveries {
		c.report("endpoint %s: its deliveries have not ended", id)
	}
}
