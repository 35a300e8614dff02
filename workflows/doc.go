// Package workflows holds Aliquot's deterministic code: the Order workflow, which owns an order's status and its timers; the
// delivery workflow of an endpoint; and the reconciler. It names activities and never touches the store, a lab or the network.
//
// One thing at a time is decided in an order: whoever holds the run's mutex asks the pure rules of package order, records the
// decision in one SQL transaction (a local activity), and only then shows it. Everything a run knows it can load again, so a run
// may end, continue as new or be rebuilt at any point.
package workflows
