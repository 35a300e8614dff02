package chaos

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// calm are the accounts of three orders that nothing is wrong with: a finished one, a cancelled one and one that is open.
func calm() Accounts {
	var a Accounts
	a.Lab = Lab{Accepted: map[string]int{}, Facts: map[string]int{}}
	a.Endpoints = []Endpoint{{Name: "all"}, {Name: "updates", Types: []string{orderUpdated}}}
	for i, name := range []string{"molecular happy-lab-only", "molecular cancelled", "molecular silent"} {
		k := kindNamed(name)
		id := string(rune('a' + i))
		a.Callers = append(a.Callers, Told{Kind: name, OrderID: id})
		a.Lab.Accepted["N"+id] = 1
		path := strings.Fields(k.Path)
		a.Store.Orders = append(a.Store.Orders, Order{ID: id, Number: "N" + id, Status: path[len(path)-1]})
		for n, status := range path {
			a.add(id, int64(n+1), "top.testkit."+status)
		}
		if k.Open {
			a.Temporal.Orders = append(a.Temporal.Orders, id)
		}
	}
	a.Lab.Facts["Na"] = 2
	a.Store.Reports = []Report{{"r1", "a", "applied"}, {"r2", "a", "late"}}
	return a
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

	unanswered := calm()
	unanswered.Callers[0].Unprotected = 1
	unanswered.Store.Orders = append(unanswered.Store.Orders, Order{ID: "d", Number: "Nd", Status: "ordered", Registrable: true})
	unanswered.Lab.Accepted["Nd"] = 1
	unanswered.add("d", 1, "received.testkit.ordered")
	unanswered.Temporal.Orders = append(unanswered.Temporal.Orders, "d")
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
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := calm()
			spoil(&a)
			require.NotEmpty(t, Check(a))
		})
	}
}
