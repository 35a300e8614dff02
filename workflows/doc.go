// Package workflows holds Aliquot's deterministic code: the Order workflow, which owns an order's status and its
// timers; the deliveries workflow of an endpoint; and the reconciler. It calls activities by name and never touches the
// store, a lab or the network.
//
// An order decides one thing at a time. The coroutine that holds the run's mutex asks the pure rules of package order,
// records the decision in one SQL transaction (a local activity), and then publishes it. A run can load everything that
// it knows again, so it may end, continue as new or be rebuilt at any point.
package workflows
