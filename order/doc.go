// Package order holds the domain types of a lab-test order (Order, Event, Patient, Shipment, Result, Fact, Demand,
// Policy) and the pure rules that decide what happens to it. It does no I/O and knows nothing of Temporal, HTTP or SQL.
// The Order workflow, the store and the API are built on it.
//
// There are two views of one order. Order is the whole document, patient data included. It lives in the store and never
// enters Temporal. State is what the order's workflow may know: ids, statuses, times and codes.
//
// A rule is a method Apply… of State. It takes a cause (a fact, a demand, the outcome of a call, a deadline) and the
// time, and returns a Decision: the events to record and the state after them.
package order
