// Package order holds the domain types of a lab-test order (Order, Event, Patient, Shipment, Result, Fact, Demand, Policy)
// and the pure rules that decide what happens to it. It does no I/O and knows nothing of Temporal, HTTP or SQL: the Order
// workflow, the store and the API all stand on it.
//
// Two views of one order exist on purpose. Order is the whole document, patient data included; it lives in the store and
// never leaves it towards Temporal. State is what the order's workflow may know: ids, statuses, times and codes.
package order
