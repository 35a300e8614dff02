package chaos

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// calm are the accounts of orders that nothing is wrong with: a finished one, a cancelled one, one that is open (a to c), one that was
// replaced twice (d, its child e, and that one's f), an imported one (g) and one with an appointment (h) and one whose results were corrected (k).
func calm() Accounts {
	var a Accounts
	a.Lab = Lab{Accepted: map[string]int{}, Asked: map[string]int{}, Facts: map[string]int{}}
	a.Endpoints = []Endpoint{{Name: "all"}, {Name: "updates", Types: []string{orderUpdated}}}
	for id, name := range map[string]string{
		"a": "molecular happy-lab-only", "b": "molecular cancelled", "c": "molecular silent", "d": "failed, replaced twice by policy",
		"g": "imported on_site_collection happy", "h": "booked book-pending", "k": "testkit corrected",
	} {
		k := kindNamed(name)
		a.Callers = append(a.Callers, Told{Kind: name, OrderID: id})
		a.live(Order{ID: id, Imported: k.Import}, *k)
	}
	slices.SortFunc(a.Callers, func(x, y Told) int { return strings.Compare(x.OrderID, y.OrderID) })
	slices.SortFunc(a.Store.Orders, func(x, y Order) int { return strings.Compare(x.ID, y.ID) })
	a.Lab.Facts["Na"] = 2
	a.Lab.Versions = map[string]int{"Nk": 2}
	a.Store.Reports = []Report{{"r1", "a", "applied"}, {"r2", "a", "late"}}
	a.Callers[3].Child = "e"
	a.Callers[4].Imports = "Ng"
	a.Callers[5].Booked = []string{"v1"}
	a.Lab.Visits = []Visit{{"v0", "Nh", cancelled}, {"v1", "Nh", "completed"}}
	a.Store.Visits = []Visit{{"v1", "h", "completed"}, {"v2", "h", cancelled}}
	return a
}

// live has an order and those that take its place go all their way.
func (a *Accounts) live(o Order, k Kind) {
	path := strings.Fields(k.Path)
	o.Number, o.Status = "N"+o.ID, path[len(path)-1]
	if o.TransactionID == "" {
		o.TransactionID = "T" + o.ID
	}
	a.Lab.Accepted[o.Number], a.Lab.Asked[o.Number] = 1, 1
	a.Store.Orders = append(a.Store.Orders, o)
	for n, status := range path {
		a.add(o.ID, int64(n+1), "top.testkit."+status)
	}
	if k.Open {
		a.Temporal.Orders = append(a.Temporal.Orders, o.ID)
		a.Store.Orders[len(a.Store.Orders)-1].Unfinished = true
		a.Store.Counts = append(a.Store.Counts, Count{"", o.Status, 1})
	}
	if k.Child != nil {
		child := Order{ID: string(o.ID[0] + 1), ParentID: o.ID, Origin: k.Child.Origin, TransactionID: o.TransactionID}
		a.Store.Children = append(a.Store.Children, Child{o.ID, child.ID})
		a.live(child, *k.Child)
	}
}

// drop undoes the last event of an order.
func (a *Accounts) drop(id string) {
	var path []string
	for _, e := range a.Store.Events {
		if e.OrderID == id {
			path = append(path, low(e.Status))
		}
	}
	last := int64(len(path))
	message := id + string(rune('0'+last))
	a.Store.Events = slices.DeleteFunc(a.Store.Events, func(e Event) bool { return e.OrderID == id && e.Sequence == last })
	a.Store.Messages = slices.DeleteFunc(a.Store.Messages, func(m Message) bool { return m.ID == message })
	for i, e := range a.Endpoints {
		a.Endpoints[i].Got = slices.DeleteFunc(e.Got, func(d Delivery) bool { return d.MessageID == message })
	}
	for i, o := range a.Store.Orders {
		if o.ID == id {
			a.Store.Orders[i].Status = path[len(path)-2]
		}
	}
}

// add has an event happen and told.
func (a *Accounts) add(orderID string, sequence int64, status string) {
	m := Message{ID: orderID + string(rune('0'+sequence)), Type: orderUpdated, OrderID: orderID, Sequence: sequence}
	if sequence == 1 {
		m.Type = orderCreated
	}
	a.Store.Events = append(a.Store.Events, Event{orderID, sequence, status})
	a.Store.Messages = append(a.Store.Messages, m)
	for i, e := range a.Endpoints {
		if takes(e, m.Type) {
			a.Endpoints[i].Got = append(e.Got, Delivery{m.ID, m.Type, orderID, sequence, status})
		}
	}
}

func TestCalmAccountsAgree(t *testing.T) {
	t.Parallel()
	require.Empty(t, Check(calm()))

	again := calm()
	again.Endpoints[0].Got = append(again.Endpoints[0].Got, again.Endpoints[0].Got[3])
	require.Empty(t, Check(again), "a message may come more than once")

	overtaken := calm()
	overtaken.Lab.Versions["Nk"] = 1
	overtaken.drop("k")
	require.Empty(t, Check(overtaken), "results that were corrected before anybody asked for them")

	late := calm()
	late.Lab.Visits[0].Status, late.Lab.Visits[1].Status, late.Store.Visits[0].Status = "in_progress", cancelled, cancelled
	late.Store.Kept = []string{"h"}
	require.Empty(t, Check(late), "what it was too late to give back, and operations were told")
	late.Lab.Visits[1].Status, late.Store.Visits[0].Status = "confirmed", "confirmed"
	require.Empty(t, Check(late), "and another was booked")

	unanswered := calm()
	unanswered.Callers[0].Unprotected = 1
	unanswered.Store.Orders = append(unanswered.Store.Orders, Order{ID: "x", Number: "Nx", Status: "ordered", Registrable: true})
	unanswered.Lab.Accepted["Nx"] = 1
	unanswered.add("x", 1, "received.testkit.ordered")
	unanswered.Temporal.Orders = append(unanswered.Temporal.Orders, "x")
	require.Empty(t, Check(unanswered), "an order that no answer told of, and no key protects")
}

// The controls: each of these spoils one account, and has to be found.
func TestEveryDisagreementIsFound(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Accounts){
		"a delivery is missing":                       func(a *Accounts) { a.Endpoints[0].Got = slices.Delete(a.Endpoints[0].Got, 2, 3) },
		"a delivery is missing at the other endpoint": func(a *Accounts) { a.Endpoints[1].Got = a.Endpoints[1].Got[1:] },
		"a delivery that nobody sent": func(a *Accounts) {
			a.Endpoints[0].Got = append(a.Endpoints[0].Got, Delivery{MessageID: "x", Type: orderUpdated, OrderID: "a", Sequence: 9})
		},
		"a delivery of a type not taken":  func(a *Accounts) { a.Endpoints[1].Got = append(a.Endpoints[1].Got, a.Endpoints[0].Got[0]) },
		"a delivery tells another status": func(a *Accounts) { a.Endpoints[0].Got[1].Status = "completed.testkit.completed" },
		"a signature is not good":         func(a *Accounts) { a.Endpoints[0].Broken = []string{"no"} },
		"an event told by two messages": func(a *Accounts) {
			twin := a.Endpoints[0].Got[1]
			twin.MessageID = "twin"
			a.Store.Messages = append(a.Store.Messages, Message{"twin", twin.Type, twin.OrderID, twin.Sequence})
			a.Endpoints[0].Got = append(a.Endpoints[0].Got, twin)
			a.Endpoints[1].Got = append(a.Endpoints[1].Got, twin)
		},
		"an event is doubled": func(a *Accounts) { a.add("a", 6, "completed.testkit.completed") },
		"an event is missing": func(a *Accounts) { a.Store.Events = slices.Delete(a.Store.Events, 1, 2) },
		"a wrong status":      func(a *Accounts) { a.Store.Orders[0].Status = "sample_error" },
		"another end": func(a *Accounts) {
			a.Store.Orders[2].Status = "lost"
			a.add("c", 3, "failed.testkit.lost")
		},
		"an order is forgotten": func(a *Accounts) {
			a.Store.Orders = a.Store.Orders[1:]
		},
		"an order that nobody asked for": func(a *Accounts) { a.Callers = a.Callers[1:] },
		"a caller was never answered":    func(a *Accounts) { a.Callers[1].OrderID = "" },
		"two callers, one order":         func(a *Accounts) { a.Callers = append(a.Callers, a.Callers[0]) },
		"a caller was refused":           func(a *Accounts) { a.Callers[1].Refused = []string{"no"} },
		"placed twice":                   func(a *Accounts) { a.Lab.Accepted["Na"] = 2 },
		"never placed":                   func(a *Accounts) { delete(a.Lab.Accepted, "Na") },
		"placed without an order":        func(a *Accounts) { a.Lab.Accepted["Nx"] = 1 },
		"a fact is not in the inbox":     func(a *Accounts) { a.Lab.Facts["Na"] = 3 },
		"a fact is in the inbox twice":   func(a *Accounts) { a.Store.Reports = append(a.Store.Reports, Report{"r3", "a", "late"}) },
		"a fact is not settled":          func(a *Accounts) { a.Store.Reports[0].State = "signalled" },
		"a fact was never taken":         func(a *Accounts) { a.Lab.Untaken = 1 },
		"an ended order has a run":       func(a *Accounts) { a.Temporal.Orders = append(a.Temporal.Orders, "a") },
		"an open order has none":         func(a *Accounts) { a.Temporal.Orders = nil },
		"a run without an order":         func(a *Accounts) { a.Temporal.Orders = append(a.Temporal.Orders, "x") },
		"something is to be delivered":   func(a *Accounts) { a.Temporal.Deliveries = []string{"all"} },

		"a correction is not told":         func(a *Accounts) { a.drop("k") },
		"a correction that nobody made":    func(a *Accounts) { a.Lab.Versions["Nk"] = 1 },
		"an order is not counted":          func(a *Accounts) { a.Store.Counts = nil },
		"one order too many is counted":    func(a *Accounts) { a.Store.Counts[0].N = 2 },
		"an order is counted that is done": func(a *Accounts) { a.Store.Counts = append(a.Store.Counts, Count{"testkit", "lost", 1}) },

		"an import is doubled": func(a *Accounts) {
			a.live(Order{ID: "i", Imported: true}, *kindNamed("imported on_site_collection happy"))
		},
		"an import is doubled, under the same number": func(a *Accounts) {
			a.live(Order{ID: "i", Imported: true}, *kindNamed("imported on_site_collection happy"))
			a.Callers = append(a.Callers, Told{Kind: "imported on_site_collection happy", OrderID: "i", Imports: "Ng"})
			a.Store.Orders[len(a.Store.Orders)-1].Number = "Ng"
			delete(a.Lab.Accepted, "Ni")
		},
		"an import was placed, and the lab knew it": func(a *Accounts) { a.Lab.Asked["Ng"] = 2 },
		"an import has another number":              func(a *Accounts) { a.Callers[4].Imports = "N7" },
		"what was ordered is taken for an import":   func(a *Accounts) { a.Store.Orders[0].Imported = true },

		"a booking is not at the provider": func(a *Accounts) { a.Lab.Visits = a.Lab.Visits[:1] },
		"a booking is not in the store":    func(a *Accounts) { a.Store.Visits = a.Store.Visits[1:] },
		"a booking is nowhere": func(a *Accounts) {
			a.Lab.Visits, a.Store.Visits = nil, nil
		},
		"a booking is there twice":     func(a *Accounts) { a.Lab.Visits = append(a.Lab.Visits, a.Lab.Visits[1]) },
		"a booking is another order's": func(a *Accounts) { a.Lab.Visits[1].Of = "Na" },
		"an order has two appointments": func(a *Accounts) {
			a.Lab.Visits = append(a.Lab.Visits, Visit{"v3", "Nh", "completed"})
			a.Store.Visits = append(a.Store.Visits, Visit{"v3", "h", "completed"})
		},
		"an appointment was not given back":                          func(a *Accounts) { a.Lab.Visits[0].Status = "confirmed" },
		"an appointment was given back too late, and nobody is told": func(a *Accounts) { a.Lab.Visits[0].Status = "in_progress" },
		"an appointment was not given back though it could be": func(a *Accounts) {
			a.Lab.Visits[0].Status, a.Store.Kept = "confirmed", []string{"h"}
		},
		"an appointment was never made": func(a *Accounts) { a.Store.Visits[1].Status = "pending" },

		"an order is replaced twice": func(a *Accounts) {
			a.live(Order{ID: "x", ParentID: "d", Origin: "recreation", TransactionID: "Td"}, *kindNamed("failed, replaced twice by policy").Child.Child)
			a.Store.Children = append(a.Store.Children, Child{"d", "x"})
		},
		"an order is not replaced": func(a *Accounts) {
			a.Store.Orders = slices.DeleteFunc(a.Store.Orders, func(o Order) bool { return o.ID == "f" })
			a.Store.Children = a.Store.Children[:1]
		},
		"an order is replaced that should not be": func(a *Accounts) {
			a.live(Order{ID: "x", ParentID: "b", Origin: "recreation", TransactionID: "Tb"}, Kind{Path: "ordered requisition_created"})
			a.Store.Children = append(a.Store.Children, Child{"b", "x"})
		},
		"a parent does not know its child":    func(a *Accounts) { a.Store.Children = a.Store.Children[1:] },
		"a child does not know its parent":    func(a *Accounts) { a.Store.Orders[4].ParentID = "" },
		"a parent names another child":        func(a *Accounts) { a.Store.Children[0].ChildID = "a" },
		"a child is in another transaction":   func(a *Accounts) { a.Store.Orders[4].TransactionID = "T" },
		"a child is there for another reason": func(a *Accounts) { a.Store.Orders[4].Origin = "redraw" },
		"a caller was told of another child":  func(a *Accounts) { a.Callers[3].Child = "a" },
		"a child was never placed":            func(a *Accounts) { delete(a.Lab.Accepted, "Ne") },
		"a child was placed twice":            func(a *Accounts) { a.Lab.Accepted["Ne"] = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := calm()
			spoil(&a)
			require.NotEmpty(t, Check(a))
		})
	}
}
