package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// orderAccount is all that the store, the lab and the providers know about one order. Two accounts of an order to which
// nothing has happened between them are equal.
type orderAccount struct {
	State        string   // stored state, as JSON
	Statuses     []string // of the events
	Marks        []string
	Messages     []string // webhook messages: sequence, type, id
	Family       []string // the orders of the transaction
	Placed       int      // how often the lab accepted the order
	Calls        []string // calls at the lab and at providers: operation, outcome
	Appointments []string // at the providers: id, status
}

// account reads the order's account.
func (s *system) account(id string) orderAccount {
	s.t.Helper()
	state, err := json.Marshal(s.storedOrder(id).State)
	require.NoError(s.t, err)
	a := orderAccount{State: string(state), Statuses: s.order(id).statuses(), Marks: s.opsOrder(id).attention()}
	for _, o := range s.story(id).Transaction.Orders {
		a.Family = append(a.Family, o.ID)
	}
	slices.Sort(a.Family)
	db := s.openDatabase()
	defer func() { require.NoError(s.t, db.Close()) }()
	for _, row := range s.rows(db, `SELECT sequence, event_type, id FROM messages
		WHERE order_id = '`+id+`' ORDER BY sequence, event_type, id`) {
		a.Messages = append(a.Messages, strings.Join(row, " "))
	}
	number := s.labOrderNumber(id)
	for _, call := range s.lab.Traffic().CallsFor(number) {
		for _, o := range call.Orders {
			if o.OrderNumber != number {
				continue
			}
			a.Calls = append(a.Calls, strings.TrimSpace(call.Operation+" "+o.Outcome))
			if isPlacement(call.Operation) && (o.Outcome == simlab.OutcomeAccepted || o.Outcome == simlab.OutcomeDropped) {
				a.Placed++
			}
		}
	}
	for _, v := range s.lab.Appointments() {
		if v.OrderNumber == number {
			a.Appointments = append(a.Appointments, v.ID+" "+v.Status)
		}
	}
	return a
}

func isPlacement(operation string) bool {
	return operation == "PlaceOrder" || operation == "neutral.place"
}

// differences lists what differs in a later account of the same order. Nothing may.
func (a orderAccount) differences(later orderAccount) []string {
	var out []string
	if a.State != later.State {
		out = append(out, fmt.Sprintf("state %s\nbecame %s", a.State, later.State))
	}
	if a.Placed != later.Placed {
		out = append(out, fmt.Sprintf("placed %d times, then %d times", a.Placed, later.Placed))
	}
	for _, list := range []struct {
		name          string
		before, after []string
	}{
		{"events", a.Statuses, later.Statuses}, {"attention marks", a.Marks, later.Marks},
		{"webhook messages", a.Messages, later.Messages}, {"orders of the transaction", a.Family, later.Family},
		{"calls", a.Calls, later.Calls}, {"appointments", a.Appointments, later.Appointments},
	} {
		if !slices.Equal(list.before, list.after) {
			out = append(out, fmt.Sprintf("%s %q became %q", list.name, list.before, list.after))
		}
	}
	return out
}

// TestDifferencesOfAccountsAreFound is the control: each change of an account is found.
func TestDifferencesOfAccountsAreFound(t *testing.T) {
	t.Parallel()
	account := func() orderAccount {
		return orderAccount{State: `{"revision":4}`, Statuses: slices.Clone(plainLife), Marks: []string{"cancel_at_lab"},
			Messages: []string{"1 labtest.order.created m1"}, Family: []string{"a"}, Placed: 1,
			Calls: []string{"PlaceOrder accepted"}, Appointments: []string{"v confirmed"}}
	}
	require.Empty(t, account().differences(account()))
	for name, spoil := range map[string]func(*orderAccount){
		"another state":          func(a *orderAccount) { a.State = `{"revision":5}` },
		"an event is lost":       func(a *orderAccount) { a.Statuses = a.Statuses[:4] },
		"a mark is raised":       func(a *orderAccount) { a.Marks = append(a.Marks, "lab_unanswered") },
		"a message is doubled":   func(a *orderAccount) { a.Messages = append(a.Messages, "1 labtest.order.created m2") },
		"a second replacement":   func(a *orderAccount) { a.Family = append(a.Family, "b") },
		"placed again":           func(a *orderAccount) { a.Placed = 2 },
		"called again":           func(a *orderAccount) { a.Calls = append(a.Calls, "CancelOrder") },
		"booked again":           func(a *orderAccount) { a.Appointments = append(a.Appointments, "w confirmed") },
		"an appointment changed": func(a *orderAccount) { a.Appointments[0] = "v cancelled" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			later := account()
			spoil(&later)
			require.Len(t, account().differences(later), 1)
		})
	}
}

// doubledMessages lists what the client was told with two different messages: an order's event, and the ids.
func (r *receiver) doubledMessages() (doubled []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]string{}
	for _, d := range r.deliveries {
		event := fmt.Sprintf("%s of order %s, event %d", d.EventType, d.OrderID, d.Sequence)
		if d.Sequence == 0 { // not about an order's event
			continue
		}
		if ids[event] != "" && ids[event] != d.ID {
			doubled = append(doubled, fmt.Sprintf("%s: messages %s and %s", event, ids[event], d.ID))
		}
		ids[event] = d.ID
	}
	return doubled
}

// repeatedAttempts counts the deliveries of messages that the client had accepted before.
func (r *receiver) repeatedAttempts() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, d := range r.deliveries {
		if seen[d.ID] {
			n++
		}
		seen[d.ID] = true
	}
	return n
}

// TestDoubledMessagesAreFound is the control: a second message about one event is found, and a repeated message.
func TestDoubledMessagesAreFound(t *testing.T) {
	t.Parallel()
	r := &receiver{deliveries: []delivery{{ID: "m1", OrderID: "a", Sequence: 1}, {ID: "m2", OrderID: "a", Sequence: 2}}}
	require.Empty(t, r.doubledMessages())
	require.Zero(t, r.repeatedAttempts())
	r.deliveries = append(r.deliveries, delivery{ID: "m2", OrderID: "a", Sequence: 2})
	require.Empty(t, r.doubledMessages())
	require.Equal(t, 1, r.repeatedAttempts())
	r.deliveries = append(r.deliveries, delivery{ID: "m3", OrderID: "a", Sequence: 2})
	require.Len(t, r.doubledMessages(), 1)
}
