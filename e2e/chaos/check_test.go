package chaos

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// consistentObservations are observations of orders without discrepancies: a finished one (a), a cancelled one (b), an
// open one (c), one that was replaced twice (d, its child e, and its child f), an imported one (g), one with an
// appointment (h) and one with corrected results (k).
func consistentObservations() Observations {
	var a Observations
	a.Lab = LabTraffic{Accepted: map[string]int{}, PlaceCalls: map[string]int{}, AcceptedFacts: map[string]int{}}
	a.Endpoints = []Endpoint{{Name: "all"}, {Name: "updates", Types: []string{orderUpdated}}}
	for id, name := range map[string]string{
		"a": "molecular happy-lab-only", "b": "molecular cancelled", "c": "molecular silent",
		"d": "failed, replaced twice by policy",
		"g": "imported on_site_collection happy", "h": "booked book-pending", "k": "testkit corrected",
	} {
		k := planNamed(name)
		a.CallerRecords = append(a.CallerRecords, CallerRecord{Kind: name, OrderID: id})
		a.addOrder(Order{ID: id, Imported: k.Import}, *k)
	}
	slices.SortFunc(a.CallerRecords, func(x, y CallerRecord) int { return strings.Compare(x.OrderID, y.OrderID) })
	slices.SortFunc(a.Store.Orders, func(x, y Order) int { return strings.Compare(x.ID, y.ID) })
	a.Lab.AcceptedFacts["Na"] = 2
	a.Lab.ReportVersions = map[string]int{"Nk": 2}
	a.Store.InboxItems = []InboxItem{{"r1", "a", "applied"}, {"r2", "a", "late"}}
	a.CallerRecords[3].ChildID = "e"
	a.CallerRecords[4].ImportedNumber = "Ng"
	a.CallerRecords[5].BookedIDs = []string{"v1"}
	a.Lab.Appointments = []Appointment{{"v0", "Nh", cancelled}, {"v1", "Nh", "completed"}}
	a.Store.Appointments = []Appointment{{"v1", "h", "completed"}, {"v2", "h", cancelled}}
	return a
}

// addOrder adds an order and its replacements, with all events of their plans.
func (a *Observations) addOrder(o Order, k OrderPlan) {
	path := strings.Fields(k.Path)
	o.Number, o.Status = "N"+o.ID, path[len(path)-1]
	if o.TransactionID == "" {
		o.TransactionID = "T" + o.ID
	}
	a.Lab.Accepted[o.Number], a.Lab.PlaceCalls[o.Number] = 1, 1
	a.Store.Orders = append(a.Store.Orders, o)
	for n, status := range path {
		a.addEvent(o.ID, int64(n+1), "top.testkit."+status)
	}
	if k.Open {
		a.Temporal.Orders = append(a.Temporal.Orders, o.ID)
		a.Store.Orders[len(a.Store.Orders)-1].Unfinished = true
		a.Store.Counts = append(a.Store.Counts, Count{"", o.Status, 1})
	}
	if k.Child != nil {
		child := Order{ID: string(o.ID[0] + 1), ParentID: o.ID, Origin: k.Child.Origin, TransactionID: o.TransactionID}
		a.Store.Children = append(a.Store.Children, Child{o.ID, child.ID})
		a.addOrder(child, *k.Child)
	}
}

// removeLastEvent removes the last event of an order.
func (a *Observations) removeLastEvent(id string) {
	var path []string
	for _, e := range a.Store.Events {
		if e.OrderID == id {
			path = append(path, lowStatus(e.Status))
		}
	}
	last := int64(len(path))
	message := id + string(rune('0'+last))
	a.Store.Events = slices.DeleteFunc(a.Store.Events, func(e Event) bool { return e.OrderID == id && e.Sequence == last })
	a.Store.Messages = slices.DeleteFunc(a.Store.Messages, func(m Message) bool { return m.ID == message })
	for i, e := range a.Endpoints {
		a.Endpoints[i].Deliveries = slices.DeleteFunc(e.Deliveries, func(d Delivery) bool { return d.MessageID == message })
	}
	for i, o := range a.Store.Orders {
		if o.ID == id {
			a.Store.Orders[i].Status = path[len(path)-2]
		}
	}
}

// addEvent adds an event and its webhooks.
func (a *Observations) addEvent(orderID string, sequence int64, status string) {
	m := Message{ID: orderID + string(rune('0'+sequence)), Type: orderUpdated, OrderID: orderID, Sequence: sequence}
	if sequence == 1 {
		m.Type = orderCreated
	}
	a.Store.Events = append(a.Store.Events, Event{orderID, sequence, status})
	a.Store.Messages = append(a.Store.Messages, m)
	for i, e := range a.Endpoints {
		if acceptsType(e, m.Type) {
			a.Endpoints[i].Deliveries = append(e.Deliveries, Delivery{m.ID, m.Type, orderID, sequence, status})
		}
	}
}

func TestConsistentObservationsAgree(t *testing.T) {
	t.Parallel()
	require.Empty(t, FindDiscrepancies(consistentObservations()))

	again := consistentObservations()
	again.Endpoints[0].Deliveries = append(again.Endpoints[0].Deliveries, again.Endpoints[0].Deliveries[3])
	require.Empty(t, FindDiscrepancies(again), "a message may come more than once")

	overtaken := consistentObservations()
	overtaken.Lab.ReportVersions["Nk"] = 1
	overtaken.removeLastEvent("k")
	require.Empty(t, FindDiscrepancies(overtaken), "results that were corrected before anybody asked for them")

	late := consistentObservations()
	late.Lab.Appointments[0].Status, late.Lab.Appointments[1].Status, late.Store.Appointments[0].Status = "in_progress",
		cancelled, cancelled
	late.Store.AppointmentsAtProvider = []string{"h"}
	require.Empty(t, FindDiscrepancies(late), "an appointment that was cancelled too late, with a mark")
	late.Lab.Appointments[1].Status, late.Store.Appointments[0].Status = "confirmed", "confirmed"
	require.Empty(t, FindDiscrepancies(late), "and another was booked")

	unanswered := consistentObservations()
	unanswered.CallerRecords[0].UnkeyedRequests = 1
	unanswered.Store.Orders = append(unanswered.Store.Orders,
		Order{ID: "x", Number: "Nx", Status: "ordered", Registrable: true})
	unanswered.Lab.Accepted["Nx"] = 1
	unanswered.addEvent("x", 1, "received.testkit.ordered")
	unanswered.Temporal.Orders = append(unanswered.Temporal.Orders, "x")
	require.Empty(t, FindDiscrepancies(unanswered), "an order of a request without a response and without a key")
}

// TestEveryDiscrepancyIsFound is the control: it changes the observations in one way at a time, and each change must be
// found.
func TestEveryDiscrepancyIsFound(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Observations){
		"a delivery is missing": func(a *Observations) {
			a.Endpoints[0].Deliveries = slices.Delete(a.Endpoints[0].Deliveries, 2, 3)
		},
		"a delivery is missing at the other endpoint": func(a *Observations) {
			a.Endpoints[1].Deliveries = a.Endpoints[1].Deliveries[1:]
		},
		"a delivery without a message": func(a *Observations) {
			a.Endpoints[0].Deliveries = append(a.Endpoints[0].Deliveries,
				Delivery{MessageID: "x", Type: orderUpdated, OrderID: "a", Sequence: 9})
		},
		"a delivery of a type not taken": func(a *Observations) {
			a.Endpoints[1].Deliveries = append(a.Endpoints[1].Deliveries, a.Endpoints[0].Deliveries[0])
		},
		"a delivery has another status": func(a *Observations) {
			a.Endpoints[0].Deliveries[1].Status = "completed.testkit.completed"
		},
		"a signature is wrong": func(a *Observations) { a.Endpoints[0].BadSignatures = []string{"no"} },
		"two messages report one event": func(a *Observations) {
			twin := a.Endpoints[0].Deliveries[1]
			twin.MessageID = "twin"
			a.Store.Messages = append(a.Store.Messages, Message{"twin", twin.Type, twin.OrderID, twin.Sequence})
			a.Endpoints[0].Deliveries = append(a.Endpoints[0].Deliveries, twin)
			a.Endpoints[1].Deliveries = append(a.Endpoints[1].Deliveries, twin)
		},
		"an event is doubled": func(a *Observations) { a.addEvent("a", 6, "completed.testkit.completed") },
		"an event is missing": func(a *Observations) { a.Store.Events = slices.Delete(a.Store.Events, 1, 2) },
		"a wrong status":      func(a *Observations) { a.Store.Orders[0].Status = "sample_error" },
		"another end": func(a *Observations) {
			a.Store.Orders[2].Status = "lost"
			a.addEvent("c", 3, "failed.testkit.lost")
		},
		"an order is missing": func(a *Observations) {
			a.Store.Orders = a.Store.Orders[1:]
		},
		"an order without a caller": func(a *Observations) { a.CallerRecords = a.CallerRecords[1:] },
		"a caller got no order":     func(a *Observations) { a.CallerRecords[1].OrderID = "" },
		"two callers, one order": func(a *Observations) {
			a.CallerRecords = append(a.CallerRecords,
				a.CallerRecords[0])
		},
		"a caller was refused":       func(a *Observations) { a.CallerRecords[1].Refused = []string{"no"} },
		"placed twice":               func(a *Observations) { a.Lab.Accepted["Na"] = 2 },
		"never placed":               func(a *Observations) { delete(a.Lab.Accepted, "Na") },
		"placed without an order":    func(a *Observations) { a.Lab.Accepted["Nx"] = 1 },
		"a fact is not in the inbox": func(a *Observations) { a.Lab.AcceptedFacts["Na"] = 3 },
		"a fact is in the inbox twice": func(a *Observations) {
			a.Store.InboxItems = append(a.Store.InboxItems,
				InboxItem{"r3", "a", "late"})
		},
		"a fact is not applied":     func(a *Observations) { a.Store.InboxItems[0].State = "signalled" },
		"a fact was never accepted": func(a *Observations) { a.Lab.UnacceptedFacts = 1 },
		"an ended order has a run":  func(a *Observations) { a.Temporal.Orders = append(a.Temporal.Orders, "a") },
		"an open order has no run":  func(a *Observations) { a.Temporal.Orders = nil },
		"a run without an order":    func(a *Observations) { a.Temporal.Orders = append(a.Temporal.Orders, "x") },
		"a delivery has not ended":  func(a *Observations) { a.Temporal.Deliveries = []string{"all"} },

		"a correction is missing":               func(a *Observations) { a.removeLastEvent("k") },
		"a correction without a second version": func(a *Observations) { a.Lab.ReportVersions["Nk"] = 1 },
		"an order is not counted":               func(a *Observations) { a.Store.Counts = nil },
		"one order too many is counted":         func(a *Observations) { a.Store.Counts[0].N = 2 },
		"a finished order is counted": func(a *Observations) {
			a.Store.Counts = append(a.Store.Counts,
				Count{"testkit", "lost", 1})
		},

		"an import is doubled": func(a *Observations) {
			a.addOrder(Order{ID: "i", Imported: true}, *planNamed("imported on_site_collection happy"))
		},
		"an import is doubled, under the same number": func(a *Observations) {
			a.addOrder(Order{ID: "i", Imported: true}, *planNamed("imported on_site_collection happy"))
			a.CallerRecords = append(a.CallerRecords, CallerRecord{Kind: "imported on_site_collection happy", OrderID: "i",
				ImportedNumber: "Ng"})
			a.Store.Orders[len(a.Store.Orders)-1].Number = "Ng"
			delete(a.Lab.Accepted, "Ni")
		},
		"an import was placed again":      func(a *Observations) { a.Lab.PlaceCalls["Ng"] = 2 },
		"an import has another number":    func(a *Observations) { a.CallerRecords[4].ImportedNumber = "N7" },
		"an order is stored as an import": func(a *Observations) { a.Store.Orders[0].Imported = true },

		"a booking is not at the provider": func(a *Observations) { a.Lab.Appointments = a.Lab.Appointments[:1] },
		"a booking is not in the store":    func(a *Observations) { a.Store.Appointments = a.Store.Appointments[1:] },
		"a booking is nowhere": func(a *Observations) {
			a.Lab.Appointments, a.Store.Appointments = nil, nil
		},
		"a booking is there twice": func(a *Observations) {
			a.Lab.Appointments = append(a.Lab.Appointments,
				a.Lab.Appointments[1])
		},
		"a booking is another order's": func(a *Observations) { a.Lab.Appointments[1].OrderRef = "Na" },
		"an order has two appointments": func(a *Observations) {
			a.Lab.Appointments = append(a.Lab.Appointments, Appointment{"v3", "Nh", "completed"})
			a.Store.Appointments = append(a.Store.Appointments, Appointment{"v3", "h", "completed"})
		},
		"an appointment was not cancelled at the provider": func(a *Observations) {
			a.Lab.Appointments[0].Status = "confirmed"
		},
		"an appointment was cancelled too late, without a mark": func(a *Observations) {
			a.Lab.Appointments[0].Status = "in_progress"
		},
		"an appointment was not cancelled in time": func(a *Observations) {
			a.Lab.Appointments[0].Status, a.Store.AppointmentsAtProvider = "confirmed", []string{"h"}
		},
		"an appointment was never booked": func(a *Observations) { a.Store.Appointments[1].Status = "pending" },

		"an order is replaced twice": func(a *Observations) {
			a.addOrder(Order{ID: "x", ParentID: "d", Origin: "recreation", TransactionID: "Td"},
				*planNamed("failed, replaced twice by policy").Child.Child)
			a.Store.Children = append(a.Store.Children, Child{"d", "x"})
		},
		"an order is not replaced": func(a *Observations) {
			a.Store.Orders = slices.DeleteFunc(a.Store.Orders, func(o Order) bool { return o.ID == "f" })
			a.Store.Children = a.Store.Children[:1]
		},
		"an order is replaced that should not be": func(a *Observations) {
			a.addOrder(Order{ID: "x", ParentID: "b", Origin: "recreation", TransactionID: "Tb"},
				OrderPlan{Path: "ordered requisition_created"})
			a.Store.Children = append(a.Store.Children, Child{"b", "x"})
		},
		"a parent does not name its child":  func(a *Observations) { a.Store.Children = a.Store.Children[1:] },
		"a child does not name its parent":  func(a *Observations) { a.Store.Orders[4].ParentID = "" },
		"a parent names another child":      func(a *Observations) { a.Store.Children[0].ChildID = "a" },
		"a child is in another transaction": func(a *Observations) { a.Store.Orders[4].TransactionID = "T" },
		"a child has another origin":        func(a *Observations) { a.Store.Orders[4].Origin = "redraw" },
		"a caller got another child":        func(a *Observations) { a.CallerRecords[3].ChildID = "a" },
		"a child was never placed":          func(a *Observations) { delete(a.Lab.Accepted, "Ne") },
		"a child was placed twice":          func(a *Observations) { a.Lab.Accepted["Ne"] = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := consistentObservations()
			spoil(&a)
			require.NotEmpty(t, FindDiscrepancies(a))
		})
	}
}
