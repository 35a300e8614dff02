// Package workflows holds Aliquot's deterministic code: the Order workflow, which keeps an order's timer and makes its
// partner calls; the deliveries workflow of an endpoint; and the reconciler. It calls activities by name and never
// touches the store, a lab or the network.
//
// A run of the Order workflow decides nothing. It hands each cause to the activity SettleOrder, which decides on it and
// records the decision in one SQL transaction, and adopts the agenda that comes back. So a run may end, continue as new
// or be rebuilt at any point.
package workflows
